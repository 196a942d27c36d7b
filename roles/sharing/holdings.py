"""What a shared folder can upload: files, and packs of small files that are read as one content.

A leecher uses the packs too, for small files that it has unpacked.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from roles.disk.file_source import FileSource
from roles.disk.open_folder import LastFolder
from roles.net.connection import Connection
from roles.sharing.folder_tree import TreeFile, check_unchanged, open_unchanged
from roles.values.content import Content
from roles.values.errors import FileChangedError
from roles.values.list_lines import FileLine, encode_line
from roles.values.safe_names import shown_name

BLOCK = 256 * 1024  # bytes to read at once: one frame's worth


class _SharedHolding:
    """A Holding with all its chunks. Immutable."""

    __slots__ = ("_digests", "_folder", "content")

    def __init__(self, folder: Path, content: Content, digests: bytes) -> None:
        self._folder = folder
        self._digests = digests
        self.content = content

    def digests(self) -> bytes:
        return self._digests

    def have(self) -> int:
        return self.content.all_chunks


class FileHolding(_SharedHolding):
    """A file. `line` is its line of the list."""

    __slots__ = ("file", "line")

    def __init__(self, folder: Path, file: TreeFile, content: Content, digests: bytes) -> None:
        super().__init__(folder, content, digests)
        self.file = file
        mtime = file.mtime_ns // 1_000_000_000
        self.line = encode_line(FileLine(file.path, file.size, content, mtime, file.is_executable))

    @property
    def title(self) -> str:
        return shown_name(self.file.path)

    def open(self) -> FileSource:
        with closing(LastFolder(self._folder, make=False)) as folders:
            return FileSource(open_unchanged(folders, self.file), self.file.is_still)


class PackHolding(_SharedHolding):
    """A pack. `members` are its files, in order, as they were when they were hashed."""

    __slots__ = ("members",)

    def __init__(
        self, folder: Path, members: Sequence[TreeFile], content: Content, digests: bytes
    ) -> None:
        super().__init__(folder, content, digests)
        self.members = tuple(members)

    @property
    def title(self) -> str:
        return f"{len(self.members)} small files from {shown_name(self.members[0].path)} on"

    def open(self) -> PackSource:
        check_unchanged(self._folder, self.members[:1])  # to notice at once if the folder is gone
        return PackSource(self._folder, self.members)


class PackSource:
    """A ChunkSource that opens and checks each member when its bytes are wanted."""

    def __init__(self, folder: Path, members: Sequence[TreeFile]) -> None:
        self._folder = folder
        self._block = memoryview(b"")  # the last bytes read
        self._block_start = 0
        self._members = members
        self._starts = list(accumulate((member.size for member in members), initial=0))
        self._last_read: Sequence[TreeFile] = ()

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """Keeps what the connection did not take for the next call."""
        at = offset - self._block_start
        if not 0 <= at < len(self._block):
            self._block = memoryview(self._read(offset, min(length, BLOCK)))
            self._block_start, at = offset, 0
        return connection.send(self._block[at : at + length])

    def check(self) -> None:
        """Raise FileChangedError if one of the members that were read last has changed."""
        check_unchanged(self._folder, self._last_read)

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _read(self, offset: int, length: int) -> bytes:
        first = index = bisect_right(self._starts, offset) - 1
        parts, left = list[bytes](), length
        with closing(LastFolder(self._folder, make=False)) as folders:
            while left and index < len(self._members):
                member, skipped = self._members[index], offset + length - left - self._starts[index]
                parts.append(_part(folders, member, skipped, min(left, member.size - skipped)))
                left, index = left - len(parts[-1]), index + 1
        self._last_read = self._members[first:index]
        if left:
            raise FileChangedError("the pack is shorter than it was")
        return b"".join(parts)


def _part(folders: LastFolder, member: TreeFile, start: int, length: int) -> bytes:
    """`length` bytes of a member from `start` on. Raises FileChangedError if it has changed."""
    descriptor = open_unchanged(folders, member)
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
