"""The folders of a share, and what is in each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from roles.sharing.folder_tree import TreeFile, TreeFolder


@dataclass(slots=True)
class IndexedFolder:
    path: str  # below the shared folder, which is ""
    mtime: int | None = None  # seconds since 1970; that of its newest file if no scan told it
    folders: list[IndexedFolder] = field(default_factory=list)
    files: list[TreeFile] = field(default_factory=list)
    # With everything below.
    file_count: int = 0
    size: int = 0  # bytes
    zip_length: int | None = None  # bytes, once somebody has asked for it

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class FolderIndex:
    """Any thread may read it."""

    def __init__(self, files: Iterable[TreeFile], folders: Iterable[TreeFolder]) -> None:
        self._folders = {"": IndexedFolder("")}
        for scanned in folders:
            self._made(scanned.path).mtime = scanned.mtime
        for file in files:
            folder = self._made(file.path.rpartition("/")[0])
            folder.files.append(file)
            folder.file_count += 1
            folder.size += file.size
        # What is in a folder has a longer path than the folder.
        for path in sorted(self._folders.keys() - {""}, key=len, reverse=True):
            folder, above = self._folders[path], self._folders[path.rpartition("/")[0]]
            above.folders.append(folder)
            above.file_count += folder.file_count
            above.size += folder.size
        for folder in self._folders.values():
            if folder.mtime is None and folder.files:
                folder.mtime = max(file.mtime_ns for file in folder.files) // 1_000_000_000
            folder.folders.sort(key=lambda inner: inner.path.casefold())
            folder.files.sort(key=lambda file: file.path.casefold())

    def at(self, path: str) -> IndexedFolder | None:
        return self._folders.get(path)

    def _made(self, path: str) -> IndexedFolder:
        """The folder of that path; it and those above it are made if they are new."""
        folder = self._folders.get(path)
        if folder is None:
            folder = self._folders[path] = IndexedFolder(path)
            while path and (path := path.rpartition("/")[0]) not in self._folders:
                self._folders[path] = IndexedFolder(path)
        return folder


def below(folder: IndexedFolder) -> Iterator[IndexedFolder | TreeFile]:
    """The folder and everything in it, each folder before what is in it."""
    waiting = [folder]
    while waiting:
        next_folder = waiting.pop()
        yield next_folder
        yield from next_folder.files
        waiting += reversed(next_folder.folders)
