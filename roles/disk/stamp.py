"""Gives a file or folder the time and rights that it has in its share."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.storage_faults import REFUSED


def stamp(file: int | Path, *, mtime: int | None = None, is_executable: bool = False) -> None:
    """`file` is a descriptor, or a path where descriptors do not work. `mtime` is in seconds since
    1970, None for now. Ignores disks that refuse to keep these times or rights.
    """
    if is_executable and isinstance(file, int):
        with suppress(*REFUSED):
            mode = stat.S_IMODE(os.fstat(file).st_mode)
            may_run = (mode & 0o444) >> 2  # for everyone who may read it
            disk_calls.set_mode(file, mode | may_run)
    try:
        disk_calls.set_times(file, time.time_ns() if mtime is None else mtime * 10**9)
    except (*REFUSED, OverflowError):
        pass
