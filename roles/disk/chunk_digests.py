"""Computes the digests of the chunks that a partial file has, in two threads."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from functools import lru_cache

from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import has_data
from roles.values.bitmaps import bitmap_size
from roles.values.content import DIGEST_SIZE, Content
from roles.values.errors import ShortageError
from roles.worker import Worker

BLOCK = 1024 * 1024  # bytes to read at once
WORTH_A_THREAD = 16 * 1024 * 1024  # bytes from which a second thread saves more than it costs

MISSING = bytes(DIGEST_SIZE)  # nobody knows bytes with this digest


def digests_of(file: PositionedFile, content: Content, stopping: threading.Event) -> bytes:
    """The digests, joined in order; MISSING for chunks that are not there or unreadable, and for
    those that remain once `stopping` is set.
    """
    digests = bytearray(DIGEST_SIZE * content.count)
    order = iter(range(content.count))  # next() of a range is atomic

    def read() -> None:
        buffer = memoryview(bytearray(min(BLOCK, content.chunk_size)))
        for index in order:
            start, length = index * content.chunk_size, content.length(index)
            if has_data(file.descriptor, start, start + length):
                digest = _digest(file, start, length, buffer, stopping)
            else:
                digest = _digest_of_hole(file, start, length)
            if stopping.is_set():
                return
            digests[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE] = digest

    if content.size < WORTH_A_THREAD:
        read()
        return bytes(digests)
    helper = Worker(read, "lmk-check")
    with suppress(ShortageError):  # then this thread reads everything
        helper.start()
    try:
        read()
    except BaseException:
        for _ in order:  # leave nothing to the helper
            pass
        raise
    finally:
        if helper.ident is not None:
            helper.join()
    return bytes(digests)


def _digest(
    file: PositionedFile,
    start: int,
    length: int,
    buffer: memoryview,
    stopping: threading.Event,
) -> bytes:
    digest = hashlib.sha256()
    for offset in range(start, start + length, BLOCK):
        wanted = min(BLOCK, start + length - offset)
        try:
            got = file.read_into(offset, buffer[:wanted])
        except OSError:  # a bad sector: fetch the chunk again
            return MISSING
        if got < wanted or stopping.is_set():
            return MISSING
        digest.update(buffer[:wanted])
    return digest.digest()


def _digest_of_hole(file: PositionedFile, start: int, length: int) -> bytes:
    """A hole counts as zeros if the file goes on behind it."""
    try:
        return _digest_of_zeros(length) if file.read(start + length - 1, 1) else MISSING
    except OSError:
        return MISSING


@lru_cache(maxsize=16)
def _digest_of_zeros(length: int) -> bytes:
    return hashlib.sha256(bytes(length)).digest()


def fitting(digests: bytes, others: bytes) -> int:
    """The bitmap of the chunks whose digests are equal in both."""
    count = len(digests) // DIGEST_SIZE
    chunks = bytearray(bitmap_size(count))  # setting bits of an int would take count² steps
    for index in range(count):
        span = slice(index * DIGEST_SIZE, (index + 1) * DIGEST_SIZE)
        if digests[span] == others[span]:
            chunks[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(chunks, "little")
