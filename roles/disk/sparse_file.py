"""Files with holes: what was never written takes no disk space and need not be read."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.positioned_file import PositionedFile

BLOCK = 4096  # bytes; the smallest hole of most file systems
_ZEROS = bytes(BLOCK)


def spans(piece: memoryview) -> Iterator[tuple[bool, memoryview]]:
    """Cut a piece into spans of zeros and of data: (is it zeros, span), in order.

    Spans of zeros consist of whole blocks. For ordinary data it looks only at the first byte of
    each block, which takes a thousandth of the time of writing it.
    """
    heads = bytes(piece[::BLOCK])
    done = 0  # everything before was yielded
    index = heads.find(0)
    while index >= 0:
        first = index
        while index < len(heads) and _ZEROS.startswith(piece[index * BLOCK : (index + 1) * BLOCK]):
            index += 1
        if index > first:
            if done < first * BLOCK:
                yield False, piece[done : first * BLOCK]
            done = min(index * BLOCK, len(piece))
            yield True, piece[first * BLOCK : done]
        index = heads.find(0, index + (index == first))
    if done < len(piece):
        yield False, piece[done:]


def may_have_holes(piece: memoryview | bytes) -> bool:
    """Whether any block begins with a zero."""
    return 0 in bytes(piece[::BLOCK])


def write_sparse(file: PositionedFile, offset: int, piece: memoryview) -> None:
    """Write the piece; leave holes for zero blocks if nothing was there yet.

    Nobody else may write to the file meanwhile. Raises OSError.
    """
    for is_zero, span in spans(piece):
        end = offset + len(span)
        if not is_zero or has_data(file.descriptor, offset, end):
            file.write(offset, span)
        elif file.size < end:
            disk_calls.truncate(file.descriptor, end)
        offset = end


def has_data(descriptor: int, start: int, stop: int) -> bool:
    """Whether there may be data from `start` up to `stop`.

    False only if the system knows that there is a hole, or nothing.
    """
    if not hasattr(os, "SEEK_DATA"):
        return True
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA) < stop
    except OSError as error:
        return error.errno != errno.ENXIO  # ENXIO: only a hole follows, or nothing


def bytes_on_disk(path: Path) -> int:
    """The disk space that a file takes, without its holes; 0 if unknown."""
    try:
        return _allocated(path)
    except (OSError, ValueError):
        return 0


if sys.platform == "win32":
    import ctypes
    import msvcrt

    _SET_SPARSE = 0x900C4  # FSCTL_SET_SPARSE
    _NO_SIZE = 0xFFFFFFFF  # there is no such file, or it is not accessible

    def make_sparse(descriptor: int) -> None:
        """Without this, Windows fills everything before the first written byte with zeros, which
        may be gigabytes. FAT refuses it, and does so anyway.
        """
        file = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        count = ctypes.byref(ctypes.c_ulong())
        ctypes.windll.kernel32.DeviceIoControl(file, _SET_SPARSE, None, 0, None, 0, count, None)

    def _allocated(path: Path) -> int:
        high = ctypes.c_ulong()
        ask = ctypes.windll.kernel32.GetCompressedFileSizeW
        low = ask(ctypes.c_wchar_p(os.fspath(path)), ctypes.byref(high)) & 0xFFFFFFFF
        return 0 if low == _NO_SIZE else high.value << 32 | low

else:

    def make_sparse(descriptor: int) -> None:
        """Elsewhere every file may have holes."""

    def _allocated(path: Path) -> int:
        return os.lstat(path).st_blocks * 512
