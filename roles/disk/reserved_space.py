"""Reserves disk space in a target folder for downloads under way."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from roles.disk.open_folder import OpenFolder
from roles.disk.storage_faults import REFUSED, storage_error
from roles.values.disk_names import shown_path
from roles.values.errors import DiskFullError

# Bytes that we leave free: 1 % of the disk, but at most this.
MAX_RESERVE = 200 * 1024 * 1024


def free_space_in(folder: Path) -> int:
    """Bytes that we may write there; negative if less than the reserve is free.

    Creates the folder; raises StorageError if that fails.
    """
    try:
        OpenFolder.base(folder, make=True).close()
        return free_space_at(folder)
    except REFUSED as error:
        raise storage_error(error, folder) from None


def free_space_at(folder: Path) -> int:
    """The same for a folder that exists. Raises OSError."""
    usage = shutil.disk_usage(folder)
    return usage.free - min(MAX_RESERVE, usage.total // 100)


class ReservedSpace:
    """Shared by all downloads to one folder. Any thread may call its methods."""

    def __init__(self, folder: Path, free_space: Callable[[Path], int] = free_space_in) -> None:
        self._folder, self._free_space = folder, free_space
        self._lock = threading.Lock()  # protects _needs
        self._needs: dict[object, int] = {}  # bytes still to be written, by download

    def reserve(self, download: object, needed: int) -> None:
        """Reserve `needed` bytes, replacing an earlier reservation of this download.

        Raises DiskFullError if there is not enough, which keeps the earlier reservation, and
        StorageError if the folder cannot be created.
        """
        free = self._free_space(self._folder)
        with self._lock:
            others = sum(self._needs.values()) - self._needs.get(download, 0)
            short = others + needed - free
            if short <= 0:
                self._needs[download] = needed
        if short > 0:
            raise disk_full(self._folder, short)

    def update(self, download: object, needed: int) -> None:
        """Update the reservation, if there is one, to the bytes still needed."""
        with self._lock:
            if download in self._needs:
                self._needs[download] = needed

    def release(self, download: object) -> None:
        with self._lock:
            self._needs.pop(download, None)


def disk_full(folder: Path, short: int) -> DiskFullError:
    """`short`: how many more bytes must be free. The sentence begins with it, because the room sees
    only its beginning.
    """
    return DiskFullError(
        f"The disk is full. Free {_megabytes(short)} for {shown_path(folder)} or choose another "
        "folder."
    )


def _megabytes(count: int) -> str:
    return f"{max(1, round(count / 1e6)):,} MB"
