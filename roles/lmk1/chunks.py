"""How LMK/1 cuts a file into chunks."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_SIZE = 5_120  # bytes, fixed by the original


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """The chunks from `start` up to, but not including, `stop`."""

    start: int
    stop: int

    @property
    def count(self) -> int:
        return self.stop - self.start


def chunk_count(size: int) -> int:
    """`size` in bytes; an empty file has no chunk."""
    return -(-size // CHUNK_SIZE)


def chunk_length(index: int, size: int) -> int:
    """Bytes in chunk `index`: CHUNK_SIZE, or less for the last one."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


def byte_count(chunks: ChunkRange, size: int) -> int:
    """Bytes in these chunks of a file of `size` bytes."""
    return min(chunks.stop * CHUNK_SIZE, size) - min(chunks.start * CHUNK_SIZE, size)
