"""Scans a shared folder at any depth, and opens the files that a scan found.

A scan opens no files, and may be outdated at once: open_unchanged() compares.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from roles.disk.open_folder import LastFolder
from roles.disk.storage_faults import unreadable
from roles.values.content import MAX_FILE_SIZE
from roles.values.disk_names import from_disk, on_disk
from roles.values.errors import FileChangedError, StorageError
from roles.values.events import Skipped, SkipReason
from roles.values.list_lines import MAX_SHARE_FILES, sort_key
from roles.values.safe_names import (
    MAX_DEPTH,
    is_partial_name,
    is_storable,
    shown_name,
)
from roles.worker import SHORTAGES

MAX_ENTRIES = MAX_SHARE_FILES - 4_000  # leaves room for the lines of packs
LITTER = {".ds_store", "thumbs.db", "desktop.ini"}  # created by file managers, wanted by nobody
_SHOWN_PATH = 1_000  # characters; long enough to find the file from the log
_JUNCTION = 0xA0000003  # st_reparse_tag of Windows's links to folders
_IS_WINDOWS = os.name == "nt"


class TreeFile(NamedTuple):  # a share may have 100,000, and dataclasses take three times as long
    """A file at the time of the scan."""

    path: str  # below the folder, "/" between names
    size: int  # bytes
    mtime_ns: int
    inode: int  # 0: unknown
    is_executable: bool = False

    def is_still(self, status: os.stat_result) -> bool:
        """Whether this seems to be the same file with the same content."""
        return (
            stat.S_ISREG(status.st_mode)
            and (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)
            and self.inode in {0, status.st_ino}
        )

    def has_content_of(self, other: TreeFile) -> bool:
        """Whether size, time and inode are equal."""
        return (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)


@dataclass(frozen=True, slots=True)
class TreeFolder:
    path: str
    mtime: int  # seconds since 1970


@dataclass(frozen=True, slots=True)
class FolderTree:
    """What one scan found."""

    files: tuple[TreeFile, ...]  # sorted by list_lines.sort_key
    folders: tuple[TreeFolder, ...]
    skipped: tuple[Skipped, ...] = ()
    problem: str = ""  # a sentence, if the folder cannot be offered


@dataclass(frozen=True)
class TopListing:
    """The top level of a folder, which is all that LMK/1 offers."""

    files: Mapping[str, TreeFile]
    in_subfolders: int  # files below the top level
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def of(cls, tree: FolderTree) -> TopListing:
        files = {file.path: file for file in tree.files if "/" not in file.path}
        return cls(files, len(tree.files) - len(files), tree.skipped)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Sizes in bytes, by name."""
        return {name: file.size for name, file in self.files.items()}


def check_readable(folder: Path) -> None:
    """Raises StorageError."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise unreadable(error, folder) from None


def scan_tree(folder: Path, stopping: threading.Event) -> FolderTree:
    """Scan the folder and everything below it; the result is incomplete if `stopping` ended it.

    Raises StorageError if the folder itself cannot be read, and ShortageError if a part of it
    cannot be read now for lack of memory or descriptors.
    """
    scan = _Scan()
    try:
        scan.read(os.fspath(folder), "")
    except OSError as error:
        raise unreadable(error, folder) from None
    while scan.waiting and not stopping.is_set():
        inner, disk_path = scan.waiting.popleft()
        try:
            scan.read(disk_path, inner.path)
        except OSError as error:
            if error.errno in SHORTAGES:
                raise unreadable(error, folder / inner.path) from None
            scan.skipped[SkipReason.UNREADABLE].append(f"{shown_name(inner.path)} ({_why(error)})")
            continue
        scan.folders.append(inner)
    return scan.result()


class _Scan:
    """A scan under way, breadth first."""

    def __init__(self) -> None:
        self.waiting = deque[tuple[TreeFolder, str]]()  # with its path on this system
        self.folders = list[TreeFolder]()
        self.skipped = defaultdict[SkipReason, list[str]](list)
        self._files = list[TreeFile]()
        self._room = MAX_ENTRIES

    def read(self, disk_path: str, path: str) -> None:
        """Take everything in this folder. Raises OSError."""
        prefix = f"{path}/" if path else ""
        with os.scandir(disk_path) as entries:
            for entry in entries:
                name = from_disk(entry.name)
                if not is_storable(prefix + name):
                    if not is_partial_name(name):
                        is_deep = prefix.count("/") >= MAX_DEPTH
                        why = SkipReason.DEPTH if is_deep else SkipReason.NAME
                        self.skipped[why].append(shown_name(prefix + name, _SHOWN_PATH))
                    continue
                status = _status_of(entry)
                if isinstance(status, SkipReason):
                    self.skipped[status].append(shown_name(prefix + name, _SHOWN_PATH))
                elif status is not None:
                    self._take(prefix + name, status, entry.path)

    def _take(self, path: str, status: os.stat_result, disk_path: str) -> None:
        is_folder = stat.S_ISDIR(status.st_mode)
        self._room -= 1
        if self._room < 0:
            self.skipped[SkipReason.NUMBER].append(shown_name(path, _SHOWN_PATH))
            return
        if is_folder:
            folder = TreeFolder(path, status.st_mtime_ns // 1_000_000_000)
            self.waiting.append((folder, disk_path))
            return
        inode, may_run = status.st_ino, bool(status.st_mode & stat.S_IXUSR)
        if _IS_WINDOWS:  # scandir has no inode there, and invents the bit
            inode, may_run = 0, False
        self._files.append(TreeFile(path, status.st_size, status.st_mtime_ns, inode, may_run))

    def result(self) -> FolderTree:
        return FolderTree(
            tuple(sorted(self._files, key=lambda file: sort_key(file.path))),
            tuple(sorted(self.folders, key=lambda folder: sort_key(folder.path))),
            _in_order(self.skipped),
        )


def _in_order(skipped: Mapping[SkipReason, Collection[str]]) -> tuple[Skipped, ...]:
    """Sorted by reason and path. The paths are safe to show."""
    return tuple(
        Skipped(why, tuple(sorted(skipped[why]))) for why in SkipReason if skipped.get(why)
    )


def with_more(
    skipped: tuple[Skipped, ...], more: Mapping[SkipReason, Collection[str]]
) -> tuple[Skipped, ...]:
    """`skipped` plus these paths, which were found but cannot be offered."""
    if not any(more.values()):
        return skipped
    paths = {reason.why: list(reason.paths) for reason in skipped}
    for why, others in more.items():
        paths.setdefault(why, []).extend(shown_name(path, _SHOWN_PATH) for path in others)
    return _in_order(paths)


def _status_of(entry: os.DirEntry[str]) -> os.stat_result | SkipReason | None:
    """The status of a regular file or folder, or why it is skipped; None if it is gone.

    Raises OSError if memory or descriptors have run out.
    """
    if entry.name.lower() in LITTER:
        return SkipReason.LITTER
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # removed since it was listed
        return None
    except OSError as error:
        if error.errno in SHORTAGES:
            raise
        return SkipReason.UNREADABLE
    if stat.S_ISLNK(status.st_mode):
        return SkipReason.LINK
    if stat.S_ISDIR(status.st_mode):
        is_junction = getattr(status, "st_reparse_tag", 0) == _JUNCTION
        return SkipReason.LINK if is_junction else status
    if not stat.S_ISREG(status.st_mode):
        return SkipReason.SPECIAL
    return status if status.st_size <= MAX_FILE_SIZE else SkipReason.SIZE


def open_unchanged(folders: LastFolder, file: TreeFile) -> int:
    """A descriptor for reading, which the caller must close. `folders` are those of the scan.

    Raises FileChangedError if the file is not as scanned. Follows no links.
    """
    try:
        *parents, name = file.path.split("/")
        folder = folders.open(tuple(map(on_disk, parents)))
        descriptor = folder.open_file(on_disk(name))
    except OSError as error:
        if error.errno in SHORTAGES:  # the file may be fine
            raise
        raise FileChangedError(f"{shown_name(file.path)} cannot be read ({_why(error)})") from None
    except StorageError as error:
        raise FileChangedError(str(error)) from None
    if not file.is_still(os.fstat(descriptor)):
        os.close(descriptor)
        raise FileChangedError(f"{shown_name(file.path)} changed since the folder was read")
    return descriptor


def check_unchanged(folder: Path, files: Iterable[TreeFile]) -> None:
    """Raises FileChangedError if one of the files is not as scanned."""
    with closing(LastFolder(folder, make=False)) as folders:
        for file in files:
            os.close(open_unchanged(folders, file))


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
