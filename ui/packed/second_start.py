"""Two windows of one user on one computer: the second knows of the first, and can call it forward.

They meet at two files in the state folder: a lock that the first holds, and a file that the second
touches and the first looks at. Whoever may write there is the user; nothing is read from either.
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
from types import TracebackType

from roles.disk.file_lock import try_lock
from roles.values.errors import ShortageError
from roles.worker import Worker

log = logging.getLogger(__name__)

LOOK_S = 0.5  # how long a call may stay unheard
_LONGEST_NAME = 60  # characters of a computer's name in a file name
_END_S = 1.0  # a dead network drive may hold the listener for minutes, and nobody waits for that


class WindowSeat:
    """One window's place at a state folder, which computers may share by a network drive.

    A context manager; the seat is free when it ends, or with the process.
    """

    def __init__(self, state_folder: Path, *, computer: str | None = None) -> None:
        name = _file_name(platform.node() if computer is None else computer)
        self._lock_file = state_folder / f"window-{name}.lock"
        self._bell = state_folder / f"window-{name}.call"
        self._lock: int | None = None
        self._left = threading.Event()
        self._listener: threading.Thread | None = None
        self.is_first = self._take()

    def __enter__(self) -> WindowSeat:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        if self._listener is not None:
            self._listener.join(_END_S)
        if self._lock is not None:
            os.close(self._lock)

    def call_first(self) -> str:
        """Ask the first window to come forward; "" or one sentence on why it cannot be asked."""
        try:
            self._bell.touch(0o600)
        except OSError as error:
            return f"The other window cannot be called: {self._bell}, {error.strerror or error}."
        return ""

    def listen(self, come_forward: Callable[[], None]) -> None:
        """Have this called, in a thread, whenever another window asks for it."""
        heard = self._last_call()
        listener = Worker(
            lambda: self._listen(come_forward, heard), "lmk-second-start", daemon=True
        )
        with contextlib.suppress(ShortageError):  # then it does not come forward
            listener.start()
            self._listener = listener

    def _take(self) -> bool:
        """Whether no other window was there; where that cannot be known, there was none."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._lock_file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._lock_file, flags, 0o600)
            return try_lock(self._lock)
        except OSError as error:  # a profile that cannot be written, or a disk without locks
            log.info("Whether another window is open is unknown: %s", error)
            return True

    def _listen(self, come_forward: Callable[[], None], heard: int) -> None:
        while not self._left.wait(LOOK_S):
            call = self._last_call()
            if call not in (0, heard):
                come_forward()
            heard = call

    def _last_call(self) -> int:
        """When the other asked, in its file system's time; 0 for never."""
        try:
            return self._bell.stat().st_mtime_ns
        except OSError:
            return 0


def _file_name(computer: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", computer)[:_LONGEST_NAME]
