"""`lmktorrent --selftest`: whether this copy of the program works on this computer, a line per
check.

The exit code is 0 if nothing failed, otherwise 1. The checks are in ui/selftest; those of windows
are passed in, because nothing here knows Tk.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence

from roles.program.profile import Profile, is_frozen, is_zipped
from roles.values.errors import ShortageError
from roles.worker import Worker
from ui.about import version_line
from ui.exit_codes import ExitCode
from ui.selftest.check import (
    Check,
    NothingToLookAtError,
    Outcome,
    SelftestError,
    State,
    outcome_of,
    summary,
)
from ui.selftest.place_checks import place_checks
from ui.selftest.python_checks import left_out_check, python_checks
from ui.selftest.role_checks import role_checks
from ui.terminal.output import Output

# A system dialog that nobody can close, or a disk that hangs, has no deadline of its own.
LIMIT_S = 45.0


def run_selftest(profile: Profile, output: Output, windows: Sequence[Check]) -> ExitCode:
    """Run all checks; those of windows last, because Tk's objects must end in this thread."""
    has_ended = threading.Event()

    def watch() -> None:
        if not has_ended.wait(LIMIT_S):
            _give_up(output)

    with contextlib.suppress(ShortageError):  # a check reports that
        Worker(watch, "lmk-selftest-watch", daemon=True).start()
    output.result(f"{version_line()}, {form_of_program()}")
    begun = time.monotonic()
    checks = (*python_checks(), *place_checks(profile), *role_checks(), *windows, left_out_check())
    outcomes = []
    for check in checks:
        outcomes.append(outcome_of(check))
        output.result(outcomes[-1].line)
    has_ended.set()
    output.result(summary(outcomes, time.monotonic() - begun))
    return code_of(outcomes)


def no_window_check(why: str) -> tuple[Check, ...]:
    """Replaces the checks of windows where Tk cannot be loaded."""

    def look() -> str:
        if is_frozen():
            raise SelftestError(f"Tk cannot be loaded ({why})")
        raise NothingToLookAtError(f"this Python has no Tk ({why}).")

    return (Check("window", look, "Take another copy of the program: this one lacks Tk."),)


def code_of(outcomes: Sequence[Outcome]) -> ExitCode:
    is_bad = any(outcome.state is State.FAILED for outcome in outcomes)
    return ExitCode.SOME_FAILED if is_bad else ExitCode.DONE


def form_of_program() -> str:
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
