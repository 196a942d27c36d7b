"""Computes the digests of the chunks that a partial file has, with two threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress

from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import has_data
from roles.values.content import DIGEST_SIZE, Content, bitmap_size
from roles.values.errors import ShortageError
from roles.worker import Worker

BLOCK = 1024 * 1024  # bytes to read at once
WORTH_A_THREAD = 16 * 1024 * 1024  # bytes from which a second thread saves more than it costs

MISSING = bytes(DIGEST_SIZE)  # nobody knows bytes with this digest


class ChunkDigests:
    """One reading of one open file. Call run() once."""

    def __init__(
        self,
        file: PositionedFile,
        content: Content,
        should_stop: Callable[[], bool],
    ) -> None:
        self._file = file
        self._content = content
        self._should_stop = should_stop
        self._has_failed = False  # one thread has failed, so the other stops
        self._order = iter(range(content.count))  # next() of a range is atomic
        self._digests = bytearray(DIGEST_SIZE * content.count)

    def run(self) -> bytes:
        """The digests, joined in order; MISSING for chunks that are not there or unreadable."""
        if self._content.size < WORTH_A_THREAD:
            self._read_chunks()
            return bytes(self._digests)
        helper = Worker(self._read_chunks, "lmk-check")
        with suppress(ShortageError):  # then this thread reads everything
            helper.start()
        try:
            self._read_chunks()
        except BaseException:
            self._has_failed = True
            raise
        finally:
            if helper.ident is not None:
                helper.join()
        return bytes(self._digests)

    def _read_chunks(self) -> None:
        room = memoryview(bytearray(min(BLOCK, self._content.chunk_size)))
        zeros = dict[int, bytes]()  # digests of that many zeros
        for index in self._order:
            start, length = index * self._content.chunk_size, self._content.length(index)
            if has_data(self._file.descriptor, start, start + length):
                digest = self._digest(start, length, room)
            else:
                digest = self._digest_of_hole(start, length, room, zeros)
            if self._is_stopping():
                return
            self._digests[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE] = digest

    def _is_stopping(self) -> bool:
        return self._has_failed or self._should_stop()

    def _digest(self, start: int, length: int, room: memoryview) -> bytes:
        digest = hashlib.sha256()
        for offset in range(start, start + length, BLOCK):
            wanted = min(BLOCK, start + length - offset)
            try:
                got = self._file.read_into(offset, room[:wanted])
            except OSError:  # a bad sector: fetch the chunk again
                return MISSING
            if got < wanted or self._is_stopping():
                return MISSING
            digest.update(room[:wanted])
        return digest.digest()

    def _digest_of_hole(
        self, start: int, length: int, room: memoryview, zeros: dict[int, bytes]
    ) -> bytes:
        """A hole counts as zeros if the file goes on behind it."""
        try:
            if not self._file.read_into(start + length - 1, room[:1]):
                return MISSING
        except OSError:
            return MISSING
        if length not in zeros:
            zeros[length] = hashlib.sha256(bytes(length)).digest()
        return zeros[length]


def fitting(digests: bytes, found: bytes) -> int:
    """The bitmap of the chunks whose digests are equal in both."""
    count = len(digests) // DIGEST_SIZE
    chunks = bytearray(bitmap_size(count))  # setting bits of an int would take count² steps
    for index in range(count):
        span = slice(index * DIGEST_SIZE, (index + 1) * DIGEST_SIZE)
        if digests[span] == found[span]:
            chunks[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(chunks, "little")
