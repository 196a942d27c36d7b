"""Two windows of one user on one computer: the second finds the first, and can call it forward and
hand it a folder.

They share two files in the state folder: a lock that the first window holds, and a file that the
second replaces and the first watches. Only the user can write there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
import threading
from collections.abc import Callable
from pathlib import Path

from roles.disk.file_lock import try_lock
from roles.values.errors import ShortageError
from roles.worker import Worker

log = logging.getLogger(__name__)

LOOK_S = 0.5  # how long a call may go unnoticed
_LONGEST_NAME = 60  # characters of a computer's name in a file name
_LONGEST_PATH = 32 * 1024  # bytes
_END_S = 1.0  # a dead network drive may hold the listener for minutes; nobody waits for that


class WindowClaim:
    """One window's claim to a state folder, which computers may share over a network drive.

    A context manager; the claim ends with it, or with the process.
    """

    def __init__(self, state_folder: Path, *, computer: str | None = None) -> None:
        node = platform.node() if computer is None else computer
        name = re.sub(r"[^A-Za-z0-9.-]", "_", node)[:_LONGEST_NAME]
        self._lock_file = state_folder / f"window-{name}.lock"
        self._bell = state_folder / f"window-{name}.call"
        self._lock: int | None = None
        self._left = threading.Event()
        self._listener: threading.Thread | None = None
        self.is_first = self._take()

    def __enter__(self) -> WindowClaim:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if self._listener is not None:
            self._listener.join(_END_S)
        if self._lock is not None:
            os.close(self._lock)

    def call_first(self, folder: Path | None = None) -> str:
        """Ask the first window to come forward, with this folder to share; returns "" or one
        sentence on why it cannot be asked.
        """
        path = b"" if folder is None else os.fsencode(folder)
        written = self._bell.with_name(f"{self._bell.name}-{os.getpid()}")
        try:
            written.write_bytes(path)
            written.replace(self._bell)
        except OSError as error:
            return f"The other window cannot be called: {self._bell}, {error.strerror or error}."
        return ""

    def listen(self, come_forward: Callable[[Path | None], None]) -> None:
        """Call `come_forward` in a thread whenever another window asks for it."""
        heard = self._last_call()
        listener = Worker(
            lambda: self._listen(come_forward, heard), "lmk-second-start", daemon=True
        )
        with contextlib.suppress(ShortageError):  # then it does not come forward
            listener.start()
            self._listener = listener

    def _take(self) -> bool:
        """Whether no other window was there; if that cannot be known, there was none."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._lock_file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._lock_file, flags, 0o600)
            return try_lock(self._lock)
        except OSError as error:  # a profile that cannot be written, or a disk without locks
            log.info("Cannot tell whether another window is open: %s", error)
            return True

    def _listen(self, come_forward: Callable[[Path | None], None], heard: int) -> None:
        while not self._left.wait(LOOK_S):
            call = self._last_call()
            if call not in (0, heard):
                come_forward(self._folder())
            heard = call

    def _folder(self) -> Path | None:
        """The folder that came with the last call."""
        try:
            with self._bell.open("rb") as file:
                path = Path(os.fsdecode(file.read(_LONGEST_PATH)))
            return path if path.is_absolute() and path.is_dir() else None
        except (OSError, ValueError):
            return None

    def _last_call(self) -> int:
        """When the other window asked, in its file system's time; 0 for never."""
        try:
            return self._bell.stat().st_mtime_ns
        except OSError:
            return 0
