"""The digests of what a file has of a content, read from the disk by two threads.

It trusts no record of an earlier run, and does not know which digests are right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import has_data
from roles.values.content import DIGEST_SIZE, Content
from roles.values.errors import ShortageError
from roles.worker import Worker

BLOCK = 1024 * 1024  # bytes read at once, into the same memory again and again
# Hashing is what takes the time, and a second thread halves it; below this it only costs.
WORTH_A_THREAD = 16 * 1024 * 1024

MISSING = bytes(DIGEST_SIZE)  # no content has this digest


class ChunkDigests:
    """One reading of one open file. run() is called once."""

    def __init__(
        self,
        file: PositionedFile,
        content: Content,
        should_stop: Callable[[], bool],
    ) -> None:
        self._file = file
        self._content = content
        self._should_stop = should_stop
        self._has_failed = False  # the other thread: this one ends, too
        self._order = iter(range(content.count))  # next() of it is one step, safe in every thread
        self._digests = bytearray(DIGEST_SIZE * content.count)

    def run(self) -> bytes:
        """The digests, joined in order; MISSING for what is not there or cannot be read."""
        if self._content.size < WORTH_A_THREAD:
            self._read_chunks()
            return bytes(self._digests)
        # What it takes and cannot read, for want of memory, counts as missing.
        helper = Worker(self._read_chunks, "lmk-check")
        with suppress(ShortageError):  # then this thread reads all of it
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
            except OSError:  # a bad place on the disk is written anew
                return MISSING
            if got < wanted or self._is_stopping():
                return MISSING
            digest.update(room[:wanted])
        return digest.digest()

    def _digest_of_hole(
        self, start: int, length: int, room: memoryview, zeros: dict[int, bytes]
    ) -> bytes:
        """A content may have zeros there, and a hole is as good if the file goes on behind it."""
        try:
            if not self._file.read_into(start + length - 1, room[:1]):
                return MISSING
        except OSError:
            return MISSING
        if length not in zeros:
            zeros[length] = hashlib.sha256(bytes(length)).digest()
        return zeros[length]


def fitting(digests: bytes, found: bytes) -> int:
    """The bitmap of the chunks whose digests are the same in both."""
    chunks = bytearray(-(-len(digests) // DIGEST_SIZE // 8))
    for index in _same(digests, found):
        chunks[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(chunks, "little")


def _same(digests: bytes, found: bytes) -> Iterator[int]:
    for index, start in enumerate(range(0, len(digests), DIGEST_SIZE)):
        if digests[start : start + DIGEST_SIZE] == found[start : start + DIGEST_SIZE]:
            yield index
