"""A file of a shared folder that can be uploaded."""

from __future__ import annotations

from pathlib import Path

from roles.disk.file_source import FileSource
from roles.sharing.folder_tree import TreeFile
from roles.sharing.tree_opener import TreeOpener
from roles.values.catalogue import FileLine, encode_line
from roles.values.content import Content
from roles.values.safe_names import shown_name


class FileHolding:
    """Immutable. `line` is its line of the catalogue."""

    __slots__ = ("_digests", "_folder", "content", "file", "line")

    def __init__(self, folder: Path, file: TreeFile, content: Content, digests: bytes) -> None:
        self._folder = folder
        self._digests = digests
        self.content = content
        self.file = file
        mtime = file.mtime_ns // 1_000_000_000
        self.line = encode_line(FileLine(file.path, file.size, content, mtime, file.is_executable))

    @property
    def title(self) -> str:
        return shown_name(self.file.path)

    def digests(self) -> bytes:
        return self._digests

    def have(self) -> int:
        return self.content.all_chunks

    def open(self) -> FileSource:
        """Raises FileChangedError if it is not what was hashed."""
        with TreeOpener(self._folder) as opener:
            return FileSource(opener.open(self.file), self.file.is_still)
