"""Everything that a folder offers, below it too: one scan, as values.

It opens no file and knows no digest. What it found may be gone at once: whoever opens a file
compares it with TreeFile.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from roles.values.catalogue import MAX_SHARE_FILES, sort_key
from roles.values.chunks import MAX_FILE_SIZE
from roles.values.errors import StorageError
from roles.values.safe_names import (
    MAX_DEPTH,
    is_partial_name,
    is_storable,
    shown_name,
)

MAX_ENTRIES = MAX_SHARE_FILES - 4_000  # the rest is for the lines of packs, of which there are less
LITTER = {".ds_store", "thumbs.db", "desktop.ini"}  # made by file managers, wanted by nobody
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
        """Whether it is the same file with the same content: its bits and names do not count."""
        return (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)


@dataclass(frozen=True, slots=True)
class TreeFolder:
    """One folder below the scanned one."""

    path: str
    mtime: int  # seconds since 1970


@dataclass(frozen=True, slots=True)
class FolderTree:
    """What one scan found."""

    files: tuple[TreeFile, ...]  # in the order of catalogue.sort_key
    folders: tuple[TreeFolder, ...]
    left_out: tuple[str, ...]  # paths, ready to show, that no leecher would store
    problem: str = ""  # a sentence when a part of the folder is not offered


def scan_tree(folder: Path, should_stop: Callable[[], bool] = lambda: False) -> FolderTree:
    """Look at the folder and all below it; once should_stop() the answer is not whole.

    Raises StorageError with what to do when the folder itself cannot be read.
    """
    scan = _Scan()
    try:
        scan.read(os.fspath(folder), "")
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be read ({_why(error)}). Choose another one."
        ) from None
    while scan.waiting and not should_stop():
        path = scan.waiting.popleft()
        try:
            scan.read(os.path.join(folder, path.path), path.path)  # noqa: PTH118  # 10 times faster
        except OSError as error:
            scan.unreadable.append(f"{shown_name(path.path)} ({_why(error)})")
            continue
        scan.folders.append(path)
    return scan.result()


class _Scan:
    """One scan under way, the folders nearest to the top first."""

    def __init__(self) -> None:
        self.waiting = deque[TreeFolder]()
        self.folders = list[TreeFolder]()
        self.unreadable = list[str]()
        self._files = list[TreeFile]()
        self._left_out = list[str]()
        self._room = MAX_ENTRIES

    def read(self, place: str, path: str) -> None:
        """Take what is in this folder. Raises OSError."""
        prefix = f"{path}/" if path else ""
        is_deep = prefix.count("/") + 1 > MAX_DEPTH
        with os.scandir(place) as entries:
            for entry in entries:
                name = entry.name
                if is_deep or not is_storable(name, path):
                    if not is_partial_name(name):
                        self._left_out.append(shown_name(prefix + name))
                    continue
                if entry.is_symlink() or name.lower() in LITTER:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # it vanished between the listing and the look
                    continue
                self._take(prefix + name, status)

    def _take(self, path: str, status: os.stat_result) -> None:
        is_folder = stat.S_ISDIR(status.st_mode)
        if is_folder and getattr(status, "st_reparse_tag", 0) == _JUNCTION:
            return
        if not is_folder and not (stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_SIZE):
            return
        self._room -= 1
        if self._room < 0:
            return
        if is_folder:
            self.waiting.append(TreeFolder(path, status.st_mtime_ns // 1_000_000_000))
            return
        inode, may_run = status.st_ino, bool(status.st_mode & stat.S_IXUSR)
        if _IS_WINDOWS:  # scandir leaves the inode out there, and makes the bit up
            inode, may_run = 0, False
        self._files.append(TreeFile(path, status.st_size, status.st_mtime_ns, inode, may_run))

    def result(self) -> FolderTree:
        """What was found so far."""
        problem = ""
        if self.unreadable:
            problem = f"Not offered, because it cannot be read: {self.unreadable[0]}"
            if len(self.unreadable) > 1:
                problem += f" and {len(self.unreadable) - 1} more folders"
            problem += "."
        if self._room < 0:
            problem = (
                f"The folder has more than {MAX_ENTRIES:,} files and folders: the rest is not "
                "offered. Share a smaller folder."
            )
        return FolderTree(
            tuple(sorted(self._files, key=lambda file: sort_key(file.path))),
            tuple(sorted(self.folders, key=lambda folder: sort_key(folder.path))),
            tuple(sorted(self._left_out)),
            problem,
        )


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
