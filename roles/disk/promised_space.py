"""Room on the disk of a target folder that is reserved for what is on its way there."""

from __future__ import annotations

import threading
from pathlib import Path

from roles.disk.target_folder import disk_full, room_in


class PromisedSpace:
    """Shared by the downloads of one folder. Its methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # protects _needs
        self._needs: dict[object, int] = {}  # bytes that are not on the disk yet

    def promise(self, who: object, needed: int) -> None:
        """Reserve `needed` bytes for this one, in place of what it had reserved.

        Raises DiskFullError when there is no room for it; an earlier reservation stays. Raises
        StorageError when the folder cannot be made.
        """
        room = room_in(self._folder)
        with self._lock:
            others = sum(self._needs.values()) - self._needs.get(who, 0)
            short = others + needed - room
            if short <= 0:
                self._needs[who] = needed
        if short > 0:
            raise disk_full(self._folder, short)

    def note(self, who: object, needed: int) -> None:
        """It needs only so many bytes any more."""
        with self._lock:
            if who in self._needs:
                self._needs[who] = needed

    def withdraw(self, who: object) -> None:
        """It needs nothing, for now."""
        with self._lock:
            self._needs.pop(who, None)
