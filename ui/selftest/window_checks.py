"""Opens and closes every window and dialog: the tabs in light and dark, the dialogs of the system.

The packed program leaves out parts of Tcl and Tk; these checks notice if one is missing. They run
in Tk's thread and on a folder of their own: the user's settings stay untouched.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import tkinter as tk
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tkinter import font
from types import TracebackType

from roles.program.profile import SettingsFile, find_profile
from roles.values.settings import Appearance, ProgramSettings
from ui import wording
from ui.selftest.check import Check, NothingToLookAtError, SelftestError
from ui.selftest.dialog_closer import DialogCloser
from ui.window.app_window import AppWindow

SHOW_LIMIT_S = 3.0
CLOSE_LIMIT_S = 5.0
NOBODY = "127.0.0.1:9"  # an address where no computer has a tracker
_TODO = "Take another copy of the program, or check whether others open windows on this computer."
# Tcl loads each of these from a file of its own.
_TCL = {
    "the clock": "clock format 0 -gmt 1 -format %Y-%m-%d",
    "messages in other languages": "package require msgcat",
    "text encodings": "encoding convertfrom utf-8 abc",
    "lists of files": "glob -nocomplain *",
    "themes": "ttk::style theme names",
}
_DIALOGS = {
    "choose a folder": "tk_chooseDirectory",
    "open a file": "tk_getOpenFile",
    "save a file": "tk_getSaveFile",
    "a message": "tk_messageBox -message LMKtorrent -type okcancel",
    "choose a colour": "tk_chooseColor",
}


def window_checks() -> tuple[Check, ...]:
    """In order: the first opens the window, the last closes it."""
    trial = _Trial()
    return (
        Check("window, its tabs in light and dark", trial.open_tabs, _TODO),
        Check("dialogs, opened and closed", trial.open_dialogs, _TODO),
        Check("Tcl and Tk", trial.look_at_tcl, _TODO),
        Check("the window closes", trial.close, _TODO),
    )


class _WatchedWindow(AppWindow):
    """The program's own window, on a folder that nobody else uses. It notes what goes wrong."""

    def __init__(self, folder: Path) -> None:
        self.faults = list[str]()
        profile = find_profile(folder)
        settings = ProgramSettings(tracker=NOBODY, appearance=Appearance.LIGHT.value)
        SettingsFile(profile.settings_file).save(settings)
        super().__init__(profile, environment={"LMK_DISCOVER": "off"})
        self.tk.createcommand("bgerror", self.faults.append)
        self.begin()

    def report_callback_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Note what a user would be told as a fault."""
        del trace
        self.faults.append(f"{kind.__name__}: {error}")


class _Trial:
    """One window, from the first check to the last."""

    def __init__(self) -> None:
        self._folder = ExitStack()
        self._opened: _WatchedWindow | None = None

    def open_tabs(self) -> str:
        """Each tab, in both colours."""
        begun = time.monotonic()
        temporary = tempfile.TemporaryDirectory(prefix="lmk-selftest-", ignore_cleanup_errors=True)
        try:
            window = _WatchedWindow(Path(self._folder.enter_context(temporary)))
        except tk.TclError as error:
            self._folder.close()
            raise _no_window(error) from None
        self._opened = window
        window.update()
        opened = time.monotonic() - begun
        return self._with_window(lambda: _tabs_of(window, opened))

    def open_dialogs(self) -> str:
        """Each kind of dialog that Tk has."""
        if sys.platform == "darwin":
            raise NothingToLookAtError("those of macOS cannot be closed by a program.")
        window = self._window()
        return self._with_window(lambda: _dialogs_of(window))

    def look_at_tcl(self) -> str:
        """What Tcl loads on first use."""
        window = self._window()
        return self._with_window(lambda: _tcl_of(window))

    def close(self) -> str:
        """In order, with all that it started."""
        window = self._window()
        begun = time.monotonic()
        window.close_now()
        while _is_there(window):
            if time.monotonic() - begun > CLOSE_LIMIT_S:
                raise SelftestError(f"It was still there after {CLOSE_LIMIT_S:.0f} s")
            time.sleep(0.01)
        took = time.monotonic() - begun
        self._opened = None
        del window
        gc.collect()  # Tk's objects must end in this thread, or Tcl ends the program
        self._folder.close()
        return f"after {took:.1f} s"

    def _window(self) -> _WatchedWindow:
        if self._opened is None:
            raise NothingToLookAtError("no window was opened.")
        return self._opened

    def _with_window(self, look: Callable[[], str]) -> str:
        try:
            seen = look()
        except tk.TclError as error:
            raise SelftestError(f"Tk says: {error}") from None
        faults = self._window().faults
        if faults:
            raise SelftestError(f"The window reports: {'; '.join(faults)}")
        return seen


def _no_window(error: tk.TclError) -> SelftestError | NothingToLookAtError:
    """A missing screen is no fault; a window that does not open on a screen is one."""
    text = str(error)
    if "display" in text:
        return NothingToLookAtError(f"there is no display here ({text}).")
    return SelftestError(f"Tk says: {text}")


def _tabs_of(window: _WatchedWindow, opened: float) -> str:
    tabs = window.tabs
    for appearance in (Appearance.LIGHT, Appearance.DARK):
        window.choose_appearance(appearance)
        for name in tabs.names:
            tabs.show(name)
            if not _is_shown(window, tabs.in_front):
                raise SelftestError(f"The tab {name} is not shown")
    return f"{wording.count(len(tabs.names), 'tab')}, opened in {opened * 1000:.0f} ms"


def _is_shown(window: tk.Tk, tab: tk.Misc) -> bool:
    """Whether it is on the screen; a window manager may take its time."""
    deadline = time.monotonic() + SHOW_LIMIT_S
    window.update()
    while not tab.winfo_viewable() and time.monotonic() < deadline:
        time.sleep(0.01)
        window.update()
    return bool(tab.winfo_viewable())


def _dialogs_of(window: _WatchedWindow) -> str:
    for name, command in _DIALOGS.items():
        title = f"LMKtorrent selftest: {name}"
        with DialogCloser(window, title):
            window.tk.eval(f"{command} -parent . -title {{{title}}}")
        window.update()
    return ", ".join(_DIALOGS)


def _tcl_of(window: _WatchedWindow) -> str:
    for name, script in _TCL.items():
        try:
            window.tk.eval(script)
        except tk.TclError as error:
            raise SelftestError(f"{name}: {error}") from None
    family = font.nametofont("TkDefaultFont", window).actual("family")
    system = window.tk.call("tk", "windowingsystem")
    return f"Tk {window.tk.call('info', 'patchlevel')} on {system}, its font is {family}"


def _is_there(window: tk.Tk) -> bool:
    try:
        window.update()
        return bool(window.winfo_exists())
    except tk.TclError:
        return False
