"""An open file that several threads may read and write at given offsets at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

# Some systems have neither, so there one thread at a time seeks, then reads or writes.
HAS_POSITIONS = hasattr(os, "preadv") and hasattr(os, "pwritev")


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

    def write(self, offset: int, pieces: Sequence[memoryview]) -> None:
        """Write all pieces one after another from `offset` on."""
        if HAS_POSITIONS:
            self._write_at_once(offset, pieces)
            return
        with self._seeking:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            for piece in pieces:
                _write_all(self.descriptor, piece)

    def read_into(self, offset: int, room: memoryview) -> int:
        """Fill `room` from `offset` on; returns how many bytes there were."""
        if HAS_POSITIONS:
            return os.preadv(self.descriptor, [room], offset)
        data = self._read_from(offset, len(room))
        room[: len(data)] = data
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

    def _write_at_once(self, offset: int, pieces: Sequence[memoryview]) -> None:
        written = os.pwritev(self.descriptor, pieces, offset)
        total = sum(map(len, pieces))
        while written < total:  # a signal or a nearly full disk: writes the rest, or raises
            rest = b"".join(pieces)[written:]
            written += os.pwrite(self.descriptor, rest, offset + written)


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]
