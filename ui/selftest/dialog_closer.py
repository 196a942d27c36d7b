"""Closes a dialog of Tk or Windows that would wait for a person. It opens none."""

from __future__ import annotations

import ctypes
import sys
import tkinter as tk
from types import TracebackType

AGAIN_MS = 100  # a dialog takes a while to appear, and a new one may not react yet
_PATIENT_TRIES = 10  # with the Escape key, before the button in its title bar is pressed
_WM_COMMAND, _IDCANCEL = 0x0111, 2


class DialogCloser:
    """Cancels every dialog over this window while its `with` block runs."""

    def __init__(self, window: tk.Tk, title: str) -> None:
        self._window = window
        self._title = title
        self._before = set[str]()
        self._tries = 0
        self._timer = ""

    def __enter__(self) -> DialogCloser:
        self._before = self._shown()
        self._timer = self._window.after(AGAIN_MS, self._try)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._window.after_cancel(self._timer)

    def _try(self) -> None:
        self._timer = self._window.after(AGAIN_MS, self._try)
        self._tries += 1
        if sys.platform == "win32":
            _cancel_on_windows(self._title)
            return
        for dialog in self._shown() - self._before:
            self._cancel(dialog)

    def _shown(self) -> set[str]:
        """Tk's own open dialogs: children of the first window, which Tk keeps for later."""
        tcl = self._window.tk
        return {
            child
            for child in map(str, tcl.splitlist(tcl.call("winfo", "children", ".")))
            if str(tcl.call("winfo", "toplevel", child)) == child
            and tcl.getboolean(tcl.call("winfo", "ismapped", child))
        }

    def _cancel(self, dialog: str) -> None:
        tcl = self._window.tk
        if self._tries <= _PATIENT_TRIES:
            tcl.call("focus", "-force", dialog)
            tcl.call("event", "generate", dialog, "<Escape>")
        else:
            tcl.eval(f"uplevel #0 [wm protocol {dialog} WM_DELETE_WINDOW]")


def _cancel_on_windows(title: str) -> None:
    """Press Cancel in the dialog of this title: it belongs to the system and gets no Tk events."""
    if sys.platform == "win32":
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
