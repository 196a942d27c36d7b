"""What a tracker listed, sorted as folders show it. Pure.

Built once for each list, in any thread: 100,000 files take a moment.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from operator import attrgetter

from roles.values.events import FilesListed
from roles.values.folder_keys import FolderKey, range_below
from roles.values.listed_file import ListedFile, ListedFolder


@dataclass(slots=True)
class Inside:
    """What is directly in a folder."""

    folders: list[str] = field(default_factory=list)  # their paths
    files: list[ListedFile] = field(default_factory=list)  # sorted as by_name() does


class SharedFiles:
    """The files of one share."""

    def __init__(self, files: Iterable[ListedFile]) -> None:
        self._files = sorted(files, key=attrgetter("name"))
        self._paths = [file.name for file in self._files]
        self._sums = [0, *accumulate(file.size for file in self._files)]
        self._inside = {"": Inside()}
        for file in by_name(self._files):
            folder = file.name.rpartition("/")[0]
            inside = self._inside.get(folder) or self._new_folder(folder)
            inside.files.append(file)

    def _new_folder(self, path: str) -> Inside:
        """Add a folder, with the folders above it that are new."""
        made = inside = Inside()
        while path and path not in self._inside:
            self._inside[path] = inside
            inner, path = path, path.rpartition("/")[0]
            inside = self._inside[path] if path in self._inside else Inside()
            inside.folders.append(inner)
        return made

    def inside(self, path: str) -> Inside:
        return self._inside.get(path) or Inside()

    def measure(self, path: str) -> tuple[int, int]:
        """How many files are below this folder, and how many bytes."""
        start, end = range_below(self._paths, path)
        return end - start, self._sums[end] - self._sums[start]

    def below(self, path: str) -> list[ListedFile]:
        """All files below this folder; "" for all files of the share."""
        return self._files[slice(*range_below(self._paths, path))]

    def at(self, path: str, part: float) -> ListedFile | None:
        """The file at this part, 0 to 1, of all bytes below this folder."""
        start, end = range_below(self._paths, path)
        if start == end:
            return None
        byte = self._sums[start] + int(part * (self._sums[end] - self._sums[start]))
        return self._files[min(max(bisect_right(self._sums, byte) - 1, start), end - 1)]

    def file(self, path: str) -> ListedFile | None:
        at = bisect_left(self._paths, path)
        return self._files[at] if self._paths[at : at + 1] == [path] else None

    def has(self, path: str) -> bool:
        start, end = range_below(self._paths, path)
        return start < end


class FileList:
    """One list. Immutable. A folder is named by its key, as a leecher is asked for it."""

    def __init__(
        self, files: tuple[ListedFile, ...] = (), folders: tuple[ListedFolder, ...] = ()
    ) -> None:
        by_share: dict[str, list[ListedFile]] = {folder.share: [] for folder in folders}
        self.folders = folders
        self.folder_by_share = {folder.share: folder for folder in folders}
        self.flat: list[ListedFile] = []  # without a folder: only original programs offer them
        in_order = by_name(files)
        for file in in_order:
            shares = [share for share in (file.share, *file.also) if share in by_share]
            for share in shares:
                by_share[share].append(file)
            if not shares:
                self.flat.append(file)
        self.shares = {share: SharedFiles(inside) for share, inside in by_share.items()}
        self.files = {file.key: file for file in in_order}
        self._folded = [key.casefold() for key in self.files]

    @classmethod
    def of(cls, listed: FilesListed, before: FilesListed | None) -> FileList | None:
        """What this list holds; None if it is the same as before."""
        if before and (before.files, before.folders) == (listed.files, listed.folders):
            return None
        return cls(listed.files, listed.folders)

    @property
    def all_keys(self) -> list[str]:
        """What to ask a leecher for to get everything."""
        return [folder.key for folder in self.folders] + [file.key for file in self.flat]

    def has(self, key: str) -> bool:
        """Whether it lists this file or folder."""
        folder = FolderKey.of(key)
        if folder is None:
            return key in self.files
        if not folder.path:
            return folder.share in self.shares
        return any(share.has(folder.path) for share in self._shares_of(folder))

    def below(self, key: str) -> list[ListedFile]:
        folder = FolderKey.of(key)
        if folder is None:
            return []
        return [file for share in self._shares_of(folder) for file in share.below(folder.path)]

    def named(self, key: str, path: str) -> list[ListedFile]:
        """The file at this path in the share that a folder is in, or in every share."""
        folder = FolderKey.of(key)
        shares = [] if folder is None else self._shares_of(folder)
        return [file for share in shares if (file := share.file(path)) is not None]

    def file_at(self, key: str, part: float) -> ListedFile | None:
        """The file at this part of a folder, whose files stand one after another by path."""
        folder = FolderKey.of(key)
        shares = self._shares_of(folder) if folder is not None else []
        return shares[0].at(folder.path, part) if folder is not None and shares else None

    def name_of(self, key: str) -> str:
        """The name of a folder; "" if it is no folder, or not listed."""
        asked = FolderKey.of(key)
        if asked is None or asked.path:
            return "" if asked is None else asked.path
        folder = self.folder_by_share.get(asked.share)
        return "" if folder is None else folder.name

    def shares_with(self, file: ListedFile) -> list[str]:
        """The ids of the shares of this list that have the file; none for one of `flat`."""
        return [share for share in (file.share, *file.also) if share in self.shares]

    def matching(self, text: str) -> list[ListedFile]:
        """The files with this text in their keys, by name."""
        wanted = text.casefold()
        named = zip(self._folded, self.files.values(), strict=True)
        return [file for name, file in named if wanted in name]

    def _shares_of(self, key: FolderKey) -> list[SharedFiles]:
        if not key.share:
            return list(self.shares.values())
        return [self.shares[key.share]] if key.share in self.shares else []


def by_name(files: Iterable[ListedFile]) -> list[ListedFile]:
    """Sort files in the order in which people look for them."""
    return sorted(files, key=lambda file: file.name.casefold())


def folders_above(path: str) -> Iterator[str]:
    """The folders that a file or folder of a share is in, innermost first; "" is the share."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def is_folder(key: str) -> bool:
    """Whether this asks for a folder; no file can have such a name."""
    return FolderKey.of(key) is not None
