"""Contents and files in memory, for those that upload and download."""

from __future__ import annotations

from roles.disk.holding import ChunkSource, Holding
from roles.net.connection import Connection
from roles.values.bitmaps import bitmap_bytes
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.errors import FileChangedError, StorageError
from tests.disks import described, some_bytes

CHUNK = MIN_CHUNK_SIZE


class MemorySource:
    """A ChunkSource; using it after it was closed is an error."""

    def __init__(self, holding: MemoryHolding) -> None:
        self._holding = holding
        self.is_closed = False

    def send(self, connection: Connection, offset: int, length: int) -> int:
        assert not self.is_closed, "a closed source was sent from"
        if offset >= len(self._holding.data):
            raise FileChangedError("it is shorter than it was")
        return connection.send(self._holding.data[offset : offset + length])

    def check(self) -> None:
        assert not self.is_closed, "a closed source was looked at"
        if self._holding.has_changed:
            raise FileChangedError("it changed")

    def close(self) -> None:
        self.is_closed = True


class MemoryHolding:
    """A Holding."""

    def __init__(self, data: bytes, *, chunk_size: int = CHUNK) -> None:
        self.data = data
        self.content, self._digests = described(data, chunk_size)
        self.title = "some bytes"
        self.here = self.content.all_chunks
        self.has_digests = True
        self.has_changed = False
        self.sources: list[MemorySource] = []

    def digests(self) -> bytes | None:
        return self._digests if self.has_digests else None

    def have(self) -> int:
        return self.here

    def open(self) -> MemorySource:
        self.sources.append(MemorySource(self))
        return self.sources[-1]

    def chunk(self, index: int) -> bytes:
        start = index * self.content.chunk_size
        return self.data[start : start + self.content.length(index)]


class MemoryLibrary:
    """A Library that counts what is withdrawn."""

    def __init__(self, *holdings: MemoryHolding) -> None:
        self.holdings: dict[bytes, Holding] = {
            holding.content.root: holding for holding in holdings
        }
        self.withdrawn: list[bytes] = []

    def find(self, root: bytes) -> Holding | None:
        return self.holdings.get(root)

    def withdraw(self, root: bytes) -> None:
        self.withdrawn.append(root)
        self.holdings.pop(root, None)


class MemoryStore:
    """A transfer.Store that may be full."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.writes = 0
        self.fault: StorageError | None = None

    def write(self, offset: int, piece: memoryview) -> None:
        if self.fault is not None:
            raise self.fault
        self.writes += 1
        self.data[offset : offset + len(piece)] = piece

    def open_source(self) -> ChunkSource:
        raise FileChangedError("it is not given on")


def some_holding(chunks: float, seed: int = 1) -> MemoryHolding:
    return MemoryHolding(some_bytes(int(chunks * CHUNK), seed))


def bitmap(content: Content, chunks: int | None = None) -> bytes:
    """All chunks of a content, or these, as they are sent."""
    return bitmap_bytes(content.all_chunks if chunks is None else chunks, content.count)
