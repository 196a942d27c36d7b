"""An open file that is read and written at given places, by several threads at once.

It knows no names: whoever opened it turns its errors into sentences.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

# Some systems have none of it; there one thread at a time moves to the place and goes on from it.
HAS_POSITIONS = hasattr(os, "preadv") and hasattr(os, "pwritev")


class PositionedFile:
    """Owns its descriptor. All methods but close() may raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor  # -1 once it is closed
        self._seeking = threading.Lock()  # protects the place of the descriptor

    @property
    def is_open(self) -> bool:
        return self.descriptor >= 0

    @property
    def size(self) -> int:
        """Bytes that it has now."""
        return os.fstat(self.descriptor).st_size

    def write(self, offset: int, pieces: Sequence[memoryview]) -> None:
        """Write these pieces one after another from `offset` on."""
        if HAS_POSITIONS:
            self._write_at_once(offset, pieces)
            return
        with self._seeking:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            for piece in pieces:
                _write_all(self.descriptor, piece)

    def read_into(self, offset: int, room: memoryview) -> int:
        """Fill `room` from `offset` on; returns how far the file went."""
        if HAS_POSITIONS:
            return os.preadv(self.descriptor, [room], offset)
        data = self._read_from(offset, len(room))
        room[: len(data)] = data
        return len(data)

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from `offset` on, fewer at its end."""
        if HAS_POSITIONS:
            return os.pread(self.descriptor, length, offset)
        return self._read_from(offset, length)

    def close(self) -> None:
        """May be called twice."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _read_from(self, offset: int, length: int) -> bytes:
        with self._seeking:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            return os.read(self.descriptor, length)

    def _write_at_once(self, offset: int, pieces: Sequence[memoryview]) -> None:
        written = os.pwritev(self.descriptor, pieces, offset)
        total = sum(len(piece) for piece in pieces)
        while written < total:  # a signal or a nearly full disk: the rest, or the error that it is
            rest = b"".join(pieces)[written:]
            written += os.pwrite(self.descriptor, rest, offset + written)


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]
