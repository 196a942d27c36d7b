"""Content: size, chunks and root of a file, whatever its name (docs/PROTOCOL.md, section 3)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from roles.values.errors import PeerProtocolError

MAX_FILE_SIZE = 1 << 40  # 1 TiB
DIGEST_SIZE = 32  # bytes, SHA-256
MIN_CHUNK_SIZE = 256 * 1024  # bytes; small chunks let peers pass them on soon
MAX_CHUNK_SIZE = 4 * 1024 * 1024  # bytes; occupies an upload slot and memory at the leecher
FEW_CHUNKS = 1_024  # larger files get larger chunks: each costs a fast network 0.5 ms
MAX_CHUNKS = MAX_FILE_SIZE // MAX_CHUNK_SIZE  # 262,144: a bitmap of 32 KiB

_PREIMAGE = struct.Struct(">4sQI")  # "LMK2", size, chunk size; the digests follow


@dataclass(frozen=True, slots=True)
class Content:
    """`root` identifies it, because it is a digest of the size, chunk size and chunk digests."""

    root: bytes
    size: int  # bytes
    chunk_size: int  # bytes; the last chunk may be shorter

    def __hash__(self) -> int:
        """Bytes remember their hash, and contents are looked up many times."""
        return hash(self.root)

    @property
    def count(self) -> int:
        """Number of chunks; 0 if it is empty."""
        return chunk_count(self.size, self.chunk_size)

    @property
    def all_chunks(self) -> int:
        return (1 << self.count) - 1

    def length(self, index: int) -> int:
        """Bytes in chunk `index`."""
        return min(self.chunk_size, self.size - index * self.chunk_size)

    def bytes_in(self, chunks: int) -> int:
        """Bytes in the chunks of this bitmap."""
        if not chunks:
            return 0
        last = self.count - 1
        short = self.chunk_size - self.length(last) if chunks >> last & 1 else 0
        return chunks.bit_count() * self.chunk_size - short

    def bytes_in_range(self, chunks: int, offset: int, length: int) -> int:
        """How many of these `length` bytes from `offset` are in the chunks of this bitmap."""
        if not length:
            return 0
        first, last = offset // self.chunk_size, (offset + length - 1) // self.chunk_size
        return sum(
            min((index + 1) * self.chunk_size, offset + length)
            - max(index * self.chunk_size, offset)
            for index in range(first, last + 1)
            if chunks >> index & 1
        )


def chunk_size_for(size: int) -> int:
    """The smallest valid chunk size with at most FEW_CHUNKS chunks, or MAX_CHUNK_SIZE."""
    chunk_size = MIN_CHUNK_SIZE
    while chunk_size < MAX_CHUNK_SIZE and chunk_size * FEW_CHUNKS < size:
        chunk_size *= 2
    return chunk_size


def content_of(size: int, digests: bytes) -> Content:
    """`digests` are those of its chunks of chunk_size_for(size) bytes, joined in order."""
    chunk_size = chunk_size_for(size)
    return Content(root_of(size, chunk_size, digests), size, chunk_size)


def root_of(size: int, chunk_size: int, digests: bytes) -> bytes:
    """`digests` are those of all chunks, joined in order."""
    return hashlib.sha256(_PREIMAGE.pack(b"LMK2", size, chunk_size) + digests).digest()


def check_shape(size: int, chunk_size: int) -> None:
    """Raise PeerProtocolError for sizes that our programs never produce."""
    if not 0 <= size <= MAX_FILE_SIZE:
        raise PeerProtocolError(f"a size of {size} bytes")
    is_power = chunk_size > 0 and chunk_size & (chunk_size - 1) == 0
    if not is_power or not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE:
        raise PeerProtocolError(f"chunks of {chunk_size} bytes")
    if chunk_count(size, chunk_size) > MAX_CHUNKS:
        raise PeerProtocolError(f"{size} bytes in too many chunks")


def chunk_count(size: int, chunk_size: int) -> int:
    return -(-size // chunk_size)
