"""Ctrl-C while the program is loading ends it at once, with 130 and without a traceback.

build.spec also runs this before PyInstaller's own start code, when nothing else of ours is loaded.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED = 130  # as in ui/exit_codes.py, which must not be loaded yet


def end_quietly() -> None:
    """From now on, until somebody else handles Ctrl-C."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))


if __name__ == "__main__":
    end_quietly()
