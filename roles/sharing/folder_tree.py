"""Everything that a shared folder has, at any depth: one scan, as values.

A scan opens no file. Its result may be outdated at once: whoever opens a file compares it with its
TreeFile.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from roles.disk.storage_faults import unreadable
from roles.values.catalogue import MAX_SHARE_FILES, sort_key
from roles.values.content import MAX_FILE_SIZE
from roles.values.disk_names import from_disk
from roles.values.events import Skipped, SkipReason
from roles.values.safe_names import (
    MAX_DEPTH,
    is_partial_name,
    is_storable,
    shown_name,
)
from roles.worker import SHORTAGES

MAX_ENTRIES = MAX_SHARE_FILES - 4_000  # the rest is for the lines of packs, of which there are less
LITTER = {".ds_store", "thumbs.db", "desktop.ini"}  # made by file managers, wanted by nobody
_SHOWN_PATH = 1_000  # characters: a path in the log should be found again
_JUNCTION = 0xA0000003  # st_reparse_tag of what Windows has for a link to a folder
_IS_WINDOWS = os.name == "nt"


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file as it was when the folder was scanned."""

    path: str  # below the folder, "/" between names
    size: int  # bytes
    mtime_ns: int
    inode: int  # 0: this system does not tell
    is_executable: bool = False

    def is_still(self, status: os.stat_result) -> bool:
        """Whether this is the same file with the same content, as far as its status tells."""
        return (
            stat.S_ISREG(status.st_mode)
            and (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)
            and self.inode in {0, status.st_ino}
        )

    def has_content_of(self, other: TreeFile) -> bool:
        """Whether size, time and inode are the same; mode and path do not count."""
        return (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)


@dataclass(frozen=True, slots=True)
class TreeFolder:
    path: str
    mtime: int  # seconds since 1970


@dataclass(frozen=True, slots=True)
class FolderTree:
    """What one scan found."""

    files: tuple[TreeFile, ...]  # in the order of catalogue.sort_key
    folders: tuple[TreeFolder, ...]
    skipped: tuple[Skipped, ...] = ()
    problem: str = ""  # a sentence when the folder is not offered


@dataclass(frozen=True)
class TopListing:
    """What one look at the top level of a folder found."""

    files: dict[str, TreeFile]
    in_subfolders: int  # files below the top level: a hint, not all of many
    skipped: tuple[Skipped, ...] = ()

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The same object each time."""
        return {name: file.size for name, file in self.files.items()}


def scan_tree(folder: Path, should_stop: Callable[[], bool] = lambda: False) -> FolderTree:
    """Scan the folder and everything below it; incomplete once should_stop().

    Raises StorageError with what to do when the folder itself cannot be read, and ShortageError
    when a part of it cannot be read only for now.
    """
    scan = _Scan()
    try:
        scan.read(os.fspath(folder), "")
    except OSError as error:
        raise unreadable(error, folder) from None
    while scan.waiting and not should_stop():
        path, place = scan.waiting.popleft()
        try:
            scan.read(place, path.path)
        except OSError as error:
            if error.errno in SHORTAGES:
                raise unreadable(error, folder / path.path) from None
            scan.skips.note(SkipReason.UNREADABLE, f"{shown_name(path.path)} ({_why(error)})")
            continue
        scan.folders.append(path)
    return scan.result()


class _Scan:
    """One scan under way. Folders near the top come first."""

    def __init__(self) -> None:
        self.waiting = deque[tuple[TreeFolder, str]]()  # with its place on this system
        self.folders = list[TreeFolder]()
        self.skips = Skips()
        self._files = list[TreeFile]()
        self._room = MAX_ENTRIES

    def read(self, place: str, path: str) -> None:
        """Note everything in this folder. Raises OSError."""
        prefix = f"{path}/" if path else ""
        with os.scandir(place) as entries:
            for entry in entries:
                name = from_disk(entry.name)
                if not is_storable(prefix + name):
                    if not is_partial_name(name):
                        is_deep = prefix.count("/") >= MAX_DEPTH
                        why = SkipReason.DEPTH if is_deep else SkipReason.NAME
                        self.skips.note(why, shown_name(prefix + name, _SHOWN_PATH))
                    continue
                found = status_of(entry)
                if isinstance(found, SkipReason):
                    self.skips.note(found, shown_name(prefix + name, _SHOWN_PATH))
                elif found is not None:
                    self._take(prefix + name, found, entry.path)

    def _take(self, path: str, status: os.stat_result, place: str) -> None:
        is_folder = stat.S_ISDIR(status.st_mode)
        self._room -= 1
        if self._room < 0:
            self.skips.note(SkipReason.NUMBER, shown_name(path, _SHOWN_PATH))
            return
        if is_folder:
            folder = TreeFolder(path, status.st_mtime_ns // 1_000_000_000)
            self.waiting.append((folder, place))
            return
        inode, may_run = status.st_ino, bool(status.st_mode & stat.S_IXUSR)
        if _IS_WINDOWS:  # scandir leaves the inode out there, and makes the bit up
            inode, may_run = 0, False
        self._files.append(TreeFile(path, status.st_size, status.st_mtime_ns, inode, may_run))

    def result(self) -> FolderTree:
        return FolderTree(
            tuple(sorted(self._files, key=lambda file: sort_key(file.path))),
            tuple(sorted(self.folders, key=lambda folder: sort_key(folder.path))),
            self.skips.all(),
        )


class Skips:
    """Files that are not offered, by reason."""

    def __init__(self) -> None:
        self._paths = dict[SkipReason, list[str]]()

    def note(self, why: SkipReason, path: str) -> None:
        """`path` is safe to show."""
        self._paths.setdefault(why, []).append(path)

    def all(self) -> tuple[Skipped, ...]:
        """In the order of SkipReason."""
        found = self._paths
        return tuple(Skipped(why, tuple(sorted(found[why]))) for why in SkipReason if why in found)


def with_more(
    skipped: tuple[Skipped, ...], more: Mapping[SkipReason, Collection[str]]
) -> tuple[Skipped, ...]:
    """`skipped` and these files too, which were found but could not be read."""
    if not any(more.values()):
        return skipped
    skips = Skips()
    for one in skipped:
        for path in one.paths:
            skips.note(one.why, path)
    for why, paths in more.items():
        for path in paths:
            skips.note(why, shown_name(path, _SHOWN_PATH))
    return skips.all()


def status_of(entry: os.DirEntry[str]) -> os.stat_result | SkipReason | None:
    """The status of a regular file or a folder, or why it is not offered; None when it is gone.

    Raises OSError for a shortage of this computer.
    """
    if entry.name.lower() in LITTER:
        return SkipReason.LITTER
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # between the listing and the look
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


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
