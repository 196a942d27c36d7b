"""How a file is cut into chunks. Pure numbers."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_SIZE = 5_120  # bytes, fixed by the original


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """Chunks start, start + 1, ... stop - 1 of one file."""

    start: int
    stop: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.stop - self.start


def chunk_count(size: int) -> int:
    """How many chunks a file of this many bytes has; 0 for an empty one."""
    return -(-size // CHUNK_SIZE)


def chunk_length(index: int, size: int) -> int:
    """Bytes in this chunk: CHUNK_SIZE, or less for the last one."""
    return min(CHUNK_SIZE, size - index * CHUNK_SIZE)


def byte_count(chunks: ChunkRange, size: int) -> int:
    """Bytes in these chunks of a file of `size` bytes."""
    return min(chunks.stop * CHUNK_SIZE, size) - min(chunks.start * CHUNK_SIZE, size)
