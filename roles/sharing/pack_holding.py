"""A pack that can be uploaded: small files of a seeder, or unpacked by a leecher, read as one."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from roles.net.connection import Connection
from roles.sharing.folder_tree import TreeFile
from roles.sharing.tree_opener import TreeOpener
from roles.values.content import Content
from roles.values.errors import FileChangedError
from roles.values.safe_names import shown_name

BLOCK = 256 * 1024  # bytes to read at once: one frame's worth


class PackHolding:
    """Immutable. `members` are its files, in order, as they were when they were hashed."""

    __slots__ = ("_digests", "_folder", "content", "members")

    def __init__(
        self, folder: Path, members: Sequence[TreeFile], content: Content, digests: bytes
    ) -> None:
        self._folder = folder
        self._digests = digests
        self.content = content
        self.members = tuple(members)

    @property
    def title(self) -> str:
        return f"{len(self.members)} small files from {shown_name(self.members[0].path)} on"

    def digests(self) -> bytes:
        return self._digests

    def have(self) -> int:
        return self.content.all_chunks

    def open(self) -> PackSource:
        with TreeOpener(self._folder) as opener:
            opener.check(self.members[0])  # to notice at once if the folder is gone
        return PackSource(self._folder, self.members)


class PackSource:
    """Opens and checks each member when its bytes are wanted."""

    def __init__(self, folder: Path, members: Sequence[TreeFile]) -> None:
        self._folder = folder
        self._block = memoryview(b"")  # the last bytes read
        self._block_start = 0
        self._members = members
        self._starts = list(accumulate((member.size for member in members), initial=0))
        self._last_read: Sequence[TreeFile] = ()

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """Like ChunkSource.send(). Keeps what the connection did not take for the next call."""
        at = offset - self._block_start
        if not 0 <= at < len(self._block):
            self._block = memoryview(self._read(offset, min(length, BLOCK)))
            self._block_start, at = offset, 0
        return connection.send(self._block[at : at + length])

    def check(self) -> None:
        """Check the members that were read last. Raises FileChangedError."""
        with TreeOpener(self._folder) as opener:
            for member in self._last_read:
                opener.check(member)

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _read(self, offset: int, length: int) -> bytes:
        first = index = bisect_right(self._starts, offset) - 1
        parts, left = list[bytes](), length
        with TreeOpener(self._folder) as opener:
            while left and index < len(self._members):
                member, skipped = self._members[index], offset + length - left - self._starts[index]
                parts.append(_part(opener, member, skipped, min(left, member.size - skipped)))
                left, index = left - len(parts[-1]), index + 1
        self._last_read = self._members[first:index]
        if left:
            raise FileChangedError("the pack is shorter than it was")
        return b"".join(parts)


def _part(opener: TreeOpener, member: TreeFile, start: int, length: int) -> bytes:
    """`length` bytes of a member from `start` on. Raises FileChangedError if it has changed."""
    descriptor = opener.open(member)
    try:
        if start:
            os.lseek(descriptor, start, os.SEEK_SET)
        part = os.read(descriptor, length)
        if len(part) != length or not member.is_still(os.fstat(descriptor)):
            raise FileChangedError(f"{shown_name(member.path)} changed while it was sent")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise FileChangedError(f"{shown_name(member.path)} cannot be read ({why})") from None
    finally:
        os.close(descriptor)
    return part
