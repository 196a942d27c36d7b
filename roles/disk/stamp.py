"""The times and rights of a file or folder, as its share has them."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.storage_faults import REFUSED


def stamp(file: int | Path, *, mtime: int | None = None, is_executable: bool = False) -> None:
    """By the open file or, where that cannot be, by its path; without `mtime` the time of now.

    A disk that keeps neither times nor rights, or not these, is no reason to fail.
    """
    if is_executable and isinstance(file, int):
        with suppress(*REFUSED):
            mode = stat.S_IMODE(os.fstat(file).st_mode)
            may_run = (mode & 0o444) >> 2  # for all whom the umask lets read it
            disk_calls.set_mode(file, mode | may_run)
    with suppress(*REFUSED, OverflowError):
        disk_calls.set_times(file, time.time_ns() if mtime is None else mtime * 10**9)
