"""The room on the disk of a target folder that is promised to what is on its way there.

It knows no downloads: only who still needs how much.
"""

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
        """So much for this one, all in all, beside what the others need.

        Raises DiskFullError when there is no room for it: what was promised before stays promised.
        Raises StorageError when the folder cannot be made.
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
        """It has come further: so much is still to come."""
        with self._lock:
            if who in self._needs:
                self._needs[who] = needed

    def withdraw(self, who: object) -> None:
        """It needs nothing any more, or not now."""
        with self._lock:
            self._needs.pop(who, None)
