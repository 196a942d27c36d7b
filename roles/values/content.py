"""What a file is, whatever its name: size, chunks and root (docs/PROTOCOL.md, section 3).

Pure numbers and digests; bitmaps of chunks are integers, chunk i is bit i. It reads no file.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from roles.values.errors import PeerProtocolError

MAX_FILE_SIZE = 1 << 40  # 1 TiB
DIGEST_SIZE = 32  # bytes, SHA-256
MIN_CHUNK_SIZE = 256 * 1024  # a chunk passes through a room in the time that it takes to send one
MAX_CHUNK_SIZE = 4 * 1024 * 1024  # what a seeder's slot is held for, and a leecher keeps in memory
FEW_CHUNKS = 1_024  # chunks grow while there are more: each costs a fast line half a millisecond
MAX_CHUNKS = MAX_FILE_SIZE // MAX_CHUNK_SIZE  # 262,144: a bitmap of 32 KiB

_PREIMAGE = struct.Struct(">4sQI")  # "LMK2", size, chunk size; the digests follow


@dataclass(frozen=True, slots=True)
class Content:
    """One content: `root` names it, and stands for size, chunk size and every digest."""

    root: bytes
    size: int  # bytes
    chunk_size: int  # bytes; the last chunk may be shorter

    @property
    def count(self) -> int:
        """How many chunks it has; 0 for an empty one."""
        return chunk_count(self.size, self.chunk_size)

    @property
    def all_chunks(self) -> int:
        """The bitmap of all its chunks."""
        return (1 << self.count) - 1

    def length(self, index: int) -> int:
        """Bytes of this chunk."""
        return min(self.chunk_size, self.size - index * self.chunk_size)

    def bytes_in(self, chunks: int) -> int:
        """Bytes of the chunks of this bitmap."""
        if not chunks:
            return 0
        last = self.count - 1
        short = self.chunk_size - self.length(last) if chunks >> last & 1 else 0
        return chunks.bit_count() * self.chunk_size - short


def chunk_size_for(size: int) -> int:
    """The smallest power of two that makes FEW_CHUNKS chunks at most, within its limits."""
    chunk_size = MIN_CHUNK_SIZE
    while chunk_size < MAX_CHUNK_SIZE and chunk_size * FEW_CHUNKS < size:
        chunk_size *= 2
    return chunk_size


def content_of(size: int, digests: bytes) -> Content:
    """The content of these digests, joined in order, cut as we cut a file of that size."""
    chunk_size = chunk_size_for(size)
    return Content(root_of(size, chunk_size, digests), size, chunk_size)


def root_of(size: int, chunk_size: int, digests: bytes) -> bytes:
    """The name of a content: `digests` are those of its chunks, joined in order."""
    return hashlib.sha256(_PREIMAGE.pack(b"LMK2", size, chunk_size) + digests).digest()


def check_shape(size: int, chunk_size: int) -> None:
    """Raise PeerProtocolError for a size and a chunk size that no content of ours has."""
    if not 0 <= size <= MAX_FILE_SIZE:
        raise PeerProtocolError(f"a size of {size} bytes")
    is_power = chunk_size > 0 and chunk_size & (chunk_size - 1) == 0
    if not is_power or not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE:
        raise PeerProtocolError(f"chunks of {chunk_size} bytes")
    if chunk_count(size, chunk_size) > MAX_CHUNKS:
        raise PeerProtocolError(f"{size} bytes in too many chunks")


def chunk_count(size: int, chunk_size: int) -> int:
    """How many chunks so many bytes have."""
    return -(-size // chunk_size)


def bitmap_size(count: int) -> int:
    """Bytes that the bitmap of so many chunks has on the wire."""
    return -(-count // 8)


def bitmap_bytes(chunks: int, count: int) -> bytes:
    """The bitmap as it is sent: chunk 0 is the lowest bit of the first byte."""
    return chunks.to_bytes(bitmap_size(count), "little")


def bitmap_of(sent: bytes, count: int) -> int:
    """The bitmap that was sent. Raises PeerProtocolError when it is not one of `count` chunks."""
    chunks = int.from_bytes(sent, "little")
    if len(sent) != bitmap_size(count) or chunks >> count:
        raise PeerProtocolError(f"a bitmap of {len(sent)} bytes for {count} chunks")
    return chunks


def indexes(chunks: int) -> Iterator[int]:
    """The chunks of a bitmap, from the first on."""
    while chunks:
        lowest = chunks & -chunks
        yield lowest.bit_length() - 1
        chunks ^= lowest
