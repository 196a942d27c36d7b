"""An open file that several threads may read and write at given offsets at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

# Some systems have neither, so there one thread at a time seeks, then reads or writes.
HAS_POSITIONS = hasattr(os, "preadv") and hasattr(os, "pwrite")


class PositionedFile:
    """Owns its descriptor. All methods except close() may raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor  # -1 once closed
        self._seeking = threading.Lock()  # protects the descriptor's position

    @property
    def is_open(self) -> bool:
        return self.descriptor >= 0

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def write(self, offset: int, piece: memoryview) -> None:
        """Write all of it."""
        if HAS_POSITIONS:
            while piece:
                written = os.pwrite(self.descriptor, piece, offset)
                piece, offset = piece[written:], offset + written
            return
        with self._seeking:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            while piece:
                piece = piece[os.write(self.descriptor, piece) :]

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill `buffer` from `offset` on; returns how many bytes there were."""
        if HAS_POSITIONS:
            return os.preadv(self.descriptor, [buffer], offset)
        data = self._read_from(offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read_pieces(self, offset: int, pieces: Sequence[memoryview]) -> int:
        """Fill all pieces one after another from `offset` on; returns how many bytes there were."""
        if HAS_POSITIONS:
            return os.preadv(self.descriptor, pieces, offset)
        count = 0
        for piece in pieces:
            count += self.read_into(offset + count, piece)
        return count

    def read(self, offset: int, length: int) -> bytes:
        """Returns fewer bytes at the end of the file."""
        if HAS_POSITIONS:
            return os.pread(self.descriptor, length, offset)
        return self._read_from(offset, length)

    def close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _read_from(self, offset: int, length: int) -> bytes:
        with self._seeking:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            return os.read(self.descriptor, length)
