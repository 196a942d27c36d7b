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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tkinter import font
from types import TracebackType

from roles.program.profile import SettingsFile, find_profile
from roles.values import figures
from roles.values.program_settings import Appearance, ProgramSettings
from ui.selftest.check import Check, NothingToLookAtError, SelftestError
from ui.window.app_window import AppWindow

SHOW_LIMIT_S = 3.0
CLOSE_LIMIT_S = 5.0
CANCEL_MS = 100  # between two tries: a dialog takes a while to appear, and may not react yet
PATIENT_TRIES = 10  # with the Escape key, before the button in its title bar is pressed
NOBODY = "127.0.0.1:9"  # an address where no computer has a tracker
_TODO = "Take another copy of the program, or check whether others open windows on this computer."
_WM_COMMAND, _IDCANCEL = 0x0111, 2
# Tcl loads each of these from a file of its own.
_TCL = {
    "the clock": "clock milliseconds",
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
}


def window_checks() -> tuple[Check, ...]:
    """The checks in order: the first opens the window, the last closes it."""
    trial = _Trial()
    return (
        Check("window, its tabs in light and dark", trial.open, _TODO),
        Check("dialogs, opened and closed", lambda: trial.look(_look_at_dialogs), _TODO),
        Check("Tcl and Tk", lambda: trial.look(_look_at_tcl), _TODO),
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
        self._window: _WatchedWindow | None = None

    def open(self) -> str:
        begun = time.monotonic()
        temporary = tempfile.TemporaryDirectory(prefix="lmk-selftest-", ignore_cleanup_errors=True)
        try:
            self._window = _WatchedWindow(Path(self._folder.enter_context(temporary)))
        except tk.TclError as error:
            self._folder.close()
            if "display" in str(error):  # a missing screen is no fault
                raise NothingToLookAtError(f"there is no display here ({error}).") from None
            raise SelftestError(f"Tk says: {error}") from None
        self._window.update()
        opened_ms = (time.monotonic() - begun) * 1000
        return f"{self.look(_look_at_tabs)}, opened in {opened_ms:.0f} ms"

    def look(self, look: Callable[[_WatchedWindow], str]) -> str:
        if self._window is None:
            raise NothingToLookAtError("no window was opened.")
        try:
            seen = look(self._window)
        except tk.TclError as error:
            raise SelftestError(f"Tk says: {error}") from None
        if self._window.faults:
            raise SelftestError(f"The window reports: {'; '.join(self._window.faults)}")
        return seen

    def close(self) -> str:
        """Close the window in order, with all that it started."""
        if self._window is None:
            raise NothingToLookAtError("no window was opened.")
        seen = _close(self._window)
        self._window = None
        gc.collect()  # Tk's objects must end in this thread, or Tcl ends the program
        self._folder.close()
        return seen


def _look_at_tabs(window: _WatchedWindow) -> str:
    tabs = window.tabs
    for appearance in (Appearance.LIGHT, Appearance.DARK):
        window.appearance.choose(appearance)
        for name in tabs.names:
            tabs.show(name)
            if not _is_shown(window, tabs.in_front):
                raise SelftestError(f"The tab {name} is not shown")
    return figures.count(len(tabs.names), "tab")


def _is_shown(window: tk.Tk, tab: tk.Misc) -> bool:
    """Whether it is on the screen; a window manager may take its time."""
    deadline = time.monotonic() + SHOW_LIMIT_S
    window.update()
    while not tab.winfo_viewable() and time.monotonic() < deadline:
        time.sleep(0.01)
        window.update()
    return bool(tab.winfo_viewable())


def _look_at_dialogs(window: _WatchedWindow) -> str:
    if sys.platform == "darwin":
        raise NothingToLookAtError("those of macOS cannot be closed by a program.")
    for name, command in _DIALOGS.items():
        title = f"LMKtorrent selftest: {name}"
        with _dialogs_cancelled(window, title):
            window.tk.eval(f"{command} -parent . -title {{{title}}}")
        window.update()
    return ", ".join(_DIALOGS)


def _look_at_tcl(window: _WatchedWindow) -> str:
    for name, script in _TCL.items():
        try:
            window.tk.eval(script)
        except tk.TclError as error:
            raise SelftestError(f"{name}: {error}") from None
    family = font.nametofont("TkDefaultFont", window).actual("family")
    system = window.tk.call("tk", "windowingsystem")
    return f"Tk {window.tk.call('info', 'patchlevel')} on {system}, its font is {family}"


def _close(window: _WatchedWindow) -> str:
    begun = time.monotonic()
    window.close_now()
    while _is_there(window):
        if time.monotonic() - begun > CLOSE_LIMIT_S:
            raise SelftestError(f"It was still there after {CLOSE_LIMIT_S:.0f} s")
        time.sleep(0.01)
    return f"after {time.monotonic() - begun:.1f} s"


def _is_there(window: tk.Tk) -> bool:
    try:
        window.update()
        return bool(window.winfo_exists())
    except tk.TclError:
        return False


@contextmanager
def _dialogs_cancelled(window: tk.Tk, title: str) -> Iterator[None]:
    """Meanwhile, cancel every dialog of Tk or Windows that would wait for a person."""
    before, tries, timer = _dialogs(window), 0, ""

    def cancel() -> None:
        nonlocal tries, timer
        timer = window.after(CANCEL_MS, cancel)
        tries += 1
        if sys.platform == "win32":
            _cancel_on_windows(title)
            return
        for dialog in _dialogs(window) - before:
            if tries <= PATIENT_TRIES:
                window.tk.call("focus", "-force", dialog)
                window.tk.call("event", "generate", dialog, "<Escape>")
            else:
                window.tk.eval(f"uplevel #0 [wm protocol {dialog} WM_DELETE_WINDOW]")

    timer = window.after(CANCEL_MS, cancel)
    try:
        yield
    finally:
        window.after_cancel(timer)


def _dialogs(window: tk.Tk) -> set[str]:
    """Tk's own open dialogs: children of the first window, which Tk keeps for later."""
    tcl = window.tk
    return {
        child
        for child in map(str, tcl.splitlist(tcl.call("winfo", "children", ".")))
        if str(tcl.call("winfo", "toplevel", child)) == child
        and tcl.getboolean(tcl.call("winfo", "ismapped", child))
    }


def _cancel_on_windows(title: str) -> None:
    """Press Cancel in the dialog of this title: it belongs to the system and gets no Tk events."""
    if sys.platform == "win32":
        import ctypes

        user32 = ctypes.windll.user32
        user32.FindWindowW.restype = ctypes.c_void_p
        user32.PostMessageW.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_size_t,
            ctypes.c_ssize_t,
        ]
        dialog = user32.FindWindowW(None, title)
        if dialog:
            user32.PostMessageW(dialog, _WM_COMMAND, _IDCANCEL, 0)
