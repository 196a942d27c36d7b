"""Files with holes: what was never written takes no room, and need not be read to be known.

It knows no chunks and no names.
"""

from __future__ import annotations

import errno
import os
import sys


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


if sys.platform == "win32":
    import ctypes
    import msvcrt

    _SET_SPARSE = 0x900C4  # FSCTL_SET_SPARSE

    def make_sparse(descriptor: int) -> None:
        """Without it Windows writes zeros up to the first byte that is written, gigabytes maybe.

        FAT refuses, and writes them.
        """
        file = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        count = ctypes.byref(ctypes.c_ulong())
        ctypes.windll.kernel32.DeviceIoControl(file, _SET_SPARSE, None, 0, None, 0, count, None)

else:

    def make_sparse(descriptor: int) -> None:
        """Elsewhere every file may have holes."""
