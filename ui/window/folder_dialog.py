"""Lets the user choose a folder: in a dialog of the desktop if there is a program for that.

Tk's own dialog on Linux knows neither bookmarks nor drives. The desktop's is another program, and
the window works on while it is open.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tkinter as tk
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from ui.packed.host_environment import cleaned

if TYPE_CHECKING:
    from subprocess import Popen

POLL_MS = 50
_MOST = 64 * 1024  # bytes of what it says
_NO_CHOICE = 1  # the exit code of both programs when the dialog was closed
_NO_SCREEN = (b"display", b"init server")  # in what they say when there is none, with the same code

AskFolder: TypeAlias = Callable[[str, str, Callable[[str], None]], None]  # title, start, then


def command_for(title: str, start: str, environment: Mapping[str, str]) -> list[str]:
    """The desktop's dialog as a command; [] if there is none. `start` may be ""."""
    if sys.platform in ("win32", "darwin"):
        return []  # Tk shows the system's own
    zenity, kdialog = _found("zenity", environment), _found("kdialog", environment)
    is_kde = "kde" in environment.get("XDG_CURRENT_DESKTOP", "").lower()
    if kdialog and (is_kde or not zenity):
        return [kdialog, "--title", title, "--getexistingdirectory", start or os.curdir]
    if zenity:
        begin = [f"--filename={start.rstrip('/')}/"] if start else []
        return [zenity, "--file-selection", "--directory", f"--title={title}", *begin]
    return []


class FolderDialog:
    """One dialog at a time; it is closed when its parent is destroyed."""

    def __init__(self, parent: tk.Misc) -> None:
        self._parent = parent
        self._process: Popen[bytes] | None = None
        self._files = ExitStack()  # what it says
        self._timer = ""
        parent.bind("<Destroy>", lambda event: self._gone(event), add="+")

    def ask(self, title: str, start: str, then: Callable[[str], None]) -> None:
        """`then` gets the folder, "" if the dialog was closed without a choice."""
        if self._process is not None:
            return
        environment = cleaned(os.environ)
        command = command_for(title, start, environment)
        files = self._files = ExitStack()
        said = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        complaints = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        process = _started(command, environment, said, complaints) if command else None
        self._process = process

        def look() -> None:
            if process is not None and process.poll() is None:
                self._timer = self._parent.after(POLL_MS, look)
                return
            self._process = None
            with files:
                folder = None if process is None else _answer(process.wait(), said, complaints)
            then(self._ask_tk(title, start) if folder is None else folder)

        look()

    def _ask_tk(self, title: str, start: str) -> str:
        from tkinter import filedialog  # loads all kinds of dialogs, which no start needs

        answer = filedialog.askdirectory(parent=self._parent, title=title, initialdir=start or None)
        return str(answer) if answer else ""  # Tk may answer () too

    def _gone(self, event: tk.Event[tk.Misc]) -> None:
        if event.widget is self._parent and self._process is not None:
            self._parent.after_cancel(self._timer)
            self._process.terminate()
            self._files.close()


def _found(program: str, environment: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environment.get("PATH", os.defpath))


def _started(
    command: list[str], environment: Mapping[str, str], said: IO[bytes], complaints: IO[bytes]
) -> Popen[bytes] | None:
    from subprocess import DEVNULL, Popen  # keeps the start fast

    try:
        return Popen(command, env=environment, stdin=DEVNULL, stdout=said, stderr=complaints)
    except OSError:
        return None


def _answer(code: int, said: IO[bytes], complaints: IO[bytes]) -> str | None:
    """The folder, "" for none; None if the program could not ask."""
    for file in (said, complaints):
        file.seek(0)
    if code == 0:
        folder = os.fsdecode(said.read(_MOST).removesuffix(b"\n"))
        return folder if Path(folder).is_absolute() else None
    complaint = complaints.read(_MOST).lower()
    could_ask = not any(words in complaint for words in _NO_SCREEN)
    return "" if code == _NO_CHOICE and could_ask else None
