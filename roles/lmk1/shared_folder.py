"""A seeder's folder under LMK/1, which knows no sub-folders.

It offers the regular files at the top level, and counts those below for the user. Names from the
wire are only looked up, never used as paths.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from roles.disk.file_source import OPEN_FLAGS
from roles.disk.positioned_file import PositionedFile
from roles.disk.storage_faults import unreadable
from roles.sharing.folder_tree import TopListing, TreeFile, in_order, status_of
from roles.values.disk_names import from_disk, on_disk
from roles.values.errors import FileChangedError, ShortageError, StorageError
from roles.values.events import SkipReason
from roles.values.safe_names import is_partial_name, is_storable, shown_name

log = logging.getLogger(__name__)

RESCAN_S = 10.0
MAX_FILES = 200_000
MAX_COUNTED = 2_000  # entries below the top level; enough for a hint, and quickly counted


class SharedFolder:
    """One thread calls look(); any thread may call the rest."""

    def __init__(self, path: Path) -> None:
        self.listing = TopListing({}, 0, ())  # replaced as a whole
        self.problem = ""  # a sentence, if the last scan failed
        self.changed = threading.Event()  # set it if the listing turns out to be outdated
        self._path = path
        self._rescan_at = 0.0

    def read(self) -> None:
        """Scan the folder for the first time. Raises StorageError."""
        self._rescan_at = time.monotonic() + RESCAN_S
        self.listing = self.scan()

    def look(self) -> bool:
        """Scan again if it is time to; returns whether anything has changed."""
        now = time.monotonic()
        if now < self._rescan_at and not self.changed.is_set():
            return False
        self._rescan_at = now + RESCAN_S
        self.changed.clear()
        found, problem = TopListing({}, 0, ()), ""
        try:
            found = self.scan()
        except ShortageError as error:  # the folder may be fine, so keep offering it
            log.info("%s", error)
            return False
        except StorageError as error:
            problem = str(error)
            if problem != self.problem:
                log.warning("%s", problem)
        if found == self.listing and problem == self.problem:
            return False
        self.listing, self.problem = found, problem
        return True

    def find(self, name: str) -> TreeFile | None:
        return self.listing.files.get(name)

    def scan(self) -> TopListing:
        """Raises StorageError if the folder cannot be read."""
        files, subfolders = dict[str, TreeFile](), list[str]()
        skipped = defaultdict[SkipReason, list[str]](list)
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        subfolders.append(entry.path)
                        continue
                    found = _offered(entry)
                    if isinstance(found, TreeFile) and len(files) >= MAX_FILES:
                        found = SkipReason.NUMBER
                    if isinstance(found, TreeFile):
                        files[found.path] = found
                    elif found is not None:
                        skipped[found].append(shown_name(from_disk(entry.name)))
        except OSError as error:
            raise unreadable(error, self._path) from None
        in_subfolders = _count_below(subfolders)
        return TopListing(dict(sorted(files.items())), in_subfolders, in_order(skipped))

    def open(self, file: TreeFile) -> PositionedFile:
        """Raises FileChangedError if the file is not as scanned."""
        try:
            descriptor = os.open(self._path / on_disk(file.path), OPEN_FLAGS)
        except OSError as error:
            raise FileChangedError(f"{file.path} cannot be read ({_why(error)})") from None
        if not file.is_still(os.fstat(descriptor)):
            os.close(descriptor)
            raise FileChangedError(f"{file.path} changed since the folder was read")
        return PositionedFile(descriptor)


def _count_below(subfolders: Iterable[str]) -> int:
    """The number of files in and below these folders, among the first MAX_COUNTED entries."""
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


def _offered(entry: os.DirEntry[str]) -> TreeFile | SkipReason | None:
    """The entry as an offered file, or why it is skipped; None if it is gone, or a partial file."""
    name = from_disk(entry.name)
    if is_partial_name(name):
        return None
    if not is_storable(name):
        return SkipReason.NAME
    status = status_of(entry)
    if status is None or isinstance(status, SkipReason):
        return status
    inode = 0 if os.name == "nt" else status.st_ino  # scandir on Windows has none
    return TreeFile(name, status.st_size, status.st_mtime_ns, inode)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
