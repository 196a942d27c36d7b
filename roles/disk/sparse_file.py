"""Files with holes: what was never written takes no room, and need not be read to be known.

It knows no chunks and no names.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path


def has_data(descriptor: int, start: int, stop: int) -> bool:
    """Whether anything may have been written from `start` on, up to `stop`.

    False only where the system knows that there is a hole, or that the file ends before.
    """
    if not hasattr(os, "SEEK_DATA"):
        return True
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA) < stop
    except OSError as error:
        return error.errno != errno.ENXIO  # nothing but a hole from there on


def bytes_on_disk(path: Path) -> int:
    """How much room a file takes already, without its holes; 0 where that is not known."""
    try:
        return _room_of(path)
    except (OSError, ValueError):
        return 0


if sys.platform == "win32":
    import ctypes
    import msvcrt

    _SET_SPARSE = 0x900C4  # FSCTL_SET_SPARSE
    _NO_SIZE = 0xFFFFFFFF  # there is no such file, or it may not be asked about

    def make_sparse(descriptor: int) -> None:
        """Without it Windows writes zeros up to the first byte that is written, gigabytes maybe.

        FAT refuses, and writes them.
        """
        file = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        count = ctypes.byref(ctypes.c_ulong())
        ctypes.windll.kernel32.DeviceIoControl(file, _SET_SPARSE, None, 0, None, 0, count, None)

    def _room_of(path: Path) -> int:
        high = ctypes.c_ulong()
        ask = ctypes.windll.kernel32.GetCompressedFileSizeW
        low = ask(ctypes.c_wchar_p(os.fspath(path)), ctypes.byref(high)) & 0xFFFFFFFF
        return 0 if low == _NO_SIZE else high.value << 32 | low

else:

    def make_sparse(descriptor: int) -> None:
        """Elsewhere every file may have holes."""

    def _room_of(path: Path) -> int:
        return os.lstat(path).st_blocks * 512
