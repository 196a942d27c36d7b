"""A seeder's folder: which files it offers, and how one is opened.

LMK/1 knows no folders, so the regular files at the top level are offered, and those below are
counted for the user. A name from the wire is only ever looked up.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path

from roles.disk.file_source import OPEN_FLAGS
from roles.sharing.folder_tree import LITTER, TreeFile
from roles.values.chunks import MAX_FILE_SIZE
from roles.values.errors import FileChangedError, StorageError
from roles.values.safe_names import is_partial_name, is_storable, shown_name

MAX_FILES = 200_000
MAX_COUNTED = 2_000  # entries looked at below the top level: enough for a hint, and never a wait


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What one scan found."""

    files: dict[str, TreeFile]
    in_subfolders: int  # files below the top level, as far as MAX_COUNTED entries tell
    left_out: tuple[str, ...]  # names, ready to show, that no leecher would store


class SharedFolder:
    """scan() is called by one thread; open() by any, with a listing that scan() returned."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def scan(self) -> FolderListing:
        """Look at the folder. Raises StorageError with what to do when it cannot be read."""
        files, left_out, subfolders = dict[str, TreeFile](), list[str](), list[str]()
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        subfolders.append(entry.path)
                    elif (found := _offered(entry)) is not None and len(files) < MAX_FILES:
                        files[found.path] = found
                    elif _is_refused_name(entry):
                        left_out.append(shown_name(entry.name))
        except OSError as error:
            raise StorageError(
                f"The folder {self._path} cannot be read ({_why(error)}). Choose another one."
            ) from None
        in_subfolders = _count_below(subfolders)
        return FolderListing(dict(sorted(files.items())), in_subfolders, tuple(sorted(left_out)))

    def open(self, file: TreeFile) -> FileIO:
        """Open an offered file for reading, unbuffered.

        Raises FileChangedError when it is not what was scanned.
        """
        try:
            descriptor = os.open(self._path / file.path, OPEN_FLAGS)
        except OSError as error:
            raise FileChangedError(f"{file.path} cannot be read ({_why(error)})") from None
        status = os.fstat(descriptor)
        if not file.is_still(status):
            os.close(descriptor)
            raise FileChangedError(f"{file.path} changed since the folder was read")
        return FileIO(descriptor, "rb")


def _count_below(subfolders: Iterable[str]) -> int:
    """Files in these folders and those below them, as far as MAX_COUNTED entries tell."""
    folders, looked_at, counted = deque(subfolders), 0, 0
    while folders and looked_at < MAX_COUNTED:
        looked_at += 1
        with contextlib.suppress(OSError), os.scandir(folders.popleft()) as entries:
            for entry in islice(entries, MAX_COUNTED - looked_at):
                looked_at += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    counted += 1
    return counted


def _offered(entry: os.DirEntry[str]) -> TreeFile | None:
    """The entry as an offered file.

    None for what is not a regular file, not ours to offer, or unsafe to store.
    """
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # it vanished between the listing and the look
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_SIZE:
        return None
    name = entry.name
    if name.lower() in LITTER or is_partial_name(name) or _is_refused_name(entry):
        return None
    inode = 0 if os.name == "nt" else status.st_ino  # scandir on Windows leaves it out
    return TreeFile(name, status.st_size, status.st_mtime_ns, inode)


def _is_refused_name(entry: os.DirEntry[str]) -> bool:
    return not is_storable(entry.name) and not is_partial_name(entry.name)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
