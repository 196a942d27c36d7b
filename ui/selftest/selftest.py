"""`lmktorrent --selftest`: whether this copy of the program works on this computer, a line per
check.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time

from roles.program.profile import Profile, is_frozen, is_zipped
from roles.values.errors import ShortageError
from roles.worker import Worker
from ui.about import version_line
from ui.exit_codes import ExitCode
from ui.packed.bundled_font import use_bundled_font
from ui.selftest.check import Check, NothingToLookAtError, SelftestError, State, summary
from ui.selftest.program_checks import left_out_check, program_checks
from ui.terminal.output import Output

# A system dialog that nobody can close, or a disk that hangs, has no deadline of its own.
LIMIT_S = 60.0


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Run all checks; those of windows last, because Tk's objects must end in this thread."""
    has_ended = threading.Event()

    def watch() -> None:
        if not has_ended.wait(LIMIT_S):
            _give_up(output)

    with contextlib.suppress(ShortageError):  # a check reports that
        Worker(watch, "lmk-selftest-watch", daemon=True).start()
    output.result(f"{version_line()}, {_form()}")
    begun = time.monotonic()
    states = []
    for check in (*program_checks(profile), *_window_checks(), left_out_check()):
        state, line = check.run()
        states.append(state)
        output.result(line)
    has_ended.set()
    output.result(summary(states, time.monotonic() - begun))
    return ExitCode.SOME_FAILED if State.FAILED in states else ExitCode.DONE


def _window_checks() -> tuple[Check, ...]:
    use_bundled_font()
    try:
        from ui.selftest.window_checks import window_checks
    except ImportError as error:  # Python without Tk
        return (no_window_check(str(error)),)
    return window_checks()


def no_window_check(why: str) -> Check:
    """Replaces the checks of windows where Tk cannot be loaded."""

    def look() -> str:
        if is_frozen():
            raise SelftestError(f"Tk cannot be loaded ({why})")
        raise NothingToLookAtError(f"this Python has no Tk ({why}).")

    return Check("window", look, "Take another copy of the program: this one lacks Tk.")


def _form() -> str:
    """In which form this copy is distributed."""
    if is_frozen():
        return f"packed, unpacked in {getattr(sys, '_MEIPASS', 'no folder')}"
    return "one .pyz" if is_zipped() else "from source"


def _give_up(output: Output) -> None:
    output.result(
        f"{State.FAILED.value:<8}  everything: it did not end within {LIMIT_S:.0f} s. "
        "Say which line came last when you report this."
    )
    os._exit(ExitCode.SOME_FAILED)
