"""Opens the window, and closes it in order whether the user, Ctrl-C or the system asks."""

from __future__ import annotations

import contextlib
import os
import signal
import tkinter as tk
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from roles.program.profile import Profile
from roles.values.errors import ShortageError
from roles.worker import Worker
from ui.exit_codes import ExitCode
from ui.packed.second_start import WindowClaim
from ui.window.app_window import AppWindow
from ui.window.notices import Choice
from ui.window.system_theme import see_real_pixels

AFTER_PAINT_MS = 200  # loading the roles takes as long, and would delay what is still drawn
ALREADY_OPEN = "LMKtorrent is already open on this computer, with the same settings."


def run_window(
    profile: Profile,
    *,
    folder_to_seed: Path | None = None,
    try_it: bool = False,
    notices: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Show the window until it is closed; returns the exit code.

    Raises tkinter.TclError if there is no display.
    """
    see_real_pixels()
    with WindowClaim(profile.state_folder) as claim:
        window = AppWindow(
            profile,
            folder_to_seed=folder_to_seed,
            notices=notices,
            environment=environment,
        )
        meet_others(window, claim, folder_to_seed)
        window.after(AFTER_PAINT_MS, _load_beside, window, try_it)
        _loop(window)
    return ExitCode.INTERRUPTED if window.is_interrupted else ExitCode.DONE


def meet_others(window: AppWindow, claim: WindowClaim, folder: Path | None = None) -> None:
    """Come forward when a later window asks; if an earlier one is open, say so and offer to show
    it. It gets the `folder` that this one was opened with.
    """
    if claim.is_first:
        claim.listen(lambda folder: window.call(lambda: window.come_forward(folder)))
        return
    choices = [
        Choice("Show that window", lambda: _give_way(window, claim, folder)),
        Choice("Open another window", lambda: None),
    ]
    window.notices.ask(ALREADY_OPEN, choices, key="second start", takes_focus=False)


def _load_beside(window: AppWindow, try_it: bool) -> None:
    """Load the roles and the other tabs in a thread of their own, then let the window begin."""

    def load() -> None:
        from roles import leecher, seeder, tracker  # noqa: F401
        from roles.discovery import Discovery
        from ui.window import seeder_tab, tracker_tab  # noqa: F401

        def begin() -> None:
            search = partial(Discovery, network=window.network)
            window.begin(try_it=try_it, discover=search)

        window.call(begin)

    try:
        Worker(load, "lmk-load", daemon=True).start()
    except ShortageError:
        window.after(AFTER_PAINT_MS, _load_beside, window, try_it)


def _give_way(window: AppWindow, claim: WindowClaim, folder: Path | None) -> None:
    problem = claim.call_first(folder)
    if problem:
        window.notices.say(problem, tone="Warning", key="second start")
    else:
        window.close()


def _loop(window: AppWindow) -> None:
    def end_soon(number: int, _frame: FrameType | None) -> None:
        """Not at once: Tk, or a tab that is being made, may be in the middle of something."""
        end = window.close_now
        if number == signal.SIGINT:  # roles still end in order; a second Ctrl-C ends at once
            signal.signal(signal.SIGINT, early)
            end = window.interrupt
        with contextlib.suppress(tk.TclError):  # it is closed already
            window.after(0, end)

    early = signal.signal(signal.SIGINT, end_soon)
    signal.signal(signal.SIGTERM, end_soon)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, end_soon)  # the terminal that it was started from was closed
    window.mainloop()
