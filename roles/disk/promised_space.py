"""Reserves disk space in a target folder for downloads under way."""

from __future__ import annotations

import threading
from pathlib import Path

from roles.disk.target_folder import disk_full, room_in


class PromisedSpace:
    """Shared by all downloads to one folder. Any thread may call its methods."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # protects _needs
        self._needs: dict[object, int] = {}  # bytes still to be written, by download

    def promise(self, who: object, needed: int) -> None:
        """Reserve `needed` bytes, replacing an earlier reservation of `who`.

        Raises DiskFullError if there is no room, which keeps the earlier reservation, and
        StorageError if the folder cannot be created.
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
        """Update the reservation, if there is one, to the bytes still needed."""
        with self._lock:
            if who in self._needs:
                self._needs[who] = needed

    def withdraw(self, who: object) -> None:
        with self._lock:
            self._needs.pop(who, None)
