"""The plain lines by which a test follows an imitation. Knows nothing of the protocol."""

from __future__ import annotations

import os
import sys
import threading

END_WITH_STDIN_VARIABLE = "LMK_ORIGINALS_END_WITH_STDIN"
_STDIN_DESCRIPTOR = 0


def say(line: str) -> None:
    """Write one line at once: a remote name with a line break in it stays one line."""
    sys.stdout.write(" ".join(line.splitlines()) + "\n")
    sys.stdout.flush()


def end_with_the_test() -> None:
    """If the test asked for it, end this process when the test's end of stdin is closed.

    The originals wait for ever; without this, a test run that is killed would leave them behind.
    """
    if os.environ.get(END_WITH_STDIN_VARIABLE):
        # A daemon: it must never be what keeps an imitation alive that an exception has ended.
        threading.Thread(target=_exit_at_end_of_stdin, name="original-stdin", daemon=True).start()


def _exit_at_end_of_stdin() -> None:
    while os.read(_STDIN_DESCRIPTOR, 1):
        pass
    os._exit(0)
