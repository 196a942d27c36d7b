"""The folder that downloads go to: what it already has, its free space, its folders."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.chunk_digests import ChunkDigests
from roles.disk.file_source import OPEN_FLAGS
from roles.disk.leftovers import drop_partial, drop_second_names, partial_names
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.values.content import Content, root_of
from roles.values.errors import DiskFullError, StorageError
from roles.values.safe_names import numbered
from roles.values.stopping import until_stopped

# Bytes that we leave free: 1 % of the disk, but at most this.
MAX_RESERVE = 200 * 1024 * 1024
_NUMBERS = 20  # "name (20)": how many copies to look through


def room_in(folder: Path) -> int:
    """Bytes that we may write there; negative if less than the reserve is free.

    Creates the folder; raises StorageError if that fails.
    """
    try:
        OpenFolder.base(folder, make=True).close()
        usage = shutil.disk_usage(folder)
    except REFUSED as error:
        raise storage_error(error, folder) from None
    return usage.free - min(MAX_RESERVE, usage.total // 100)


def disk_full(folder: Path, short: int) -> DiskFullError:
    """`short`: how many more bytes must be free."""
    return DiskFullError(
        f"The disk of {folder} is full: {_megabytes(short)} more must be free. "
        "Make room or choose another folder."
    )


class TargetFolder:
    """Paths below it are tuples of stored names. For one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = os.fspath(path)
        self._times: dict[tuple[str, ...], int] = {}
        self._made = list[tuple[str, ...]]()  # folders that we created, outer ones first
        self._partials: dict[tuple[str, ...], list[str]] = {}  # names in folders listed so far

    def holds(
        self, stored: tuple[str, ...], content: Content, should_stop: Callable[[], bool]
    ) -> Path | None:
        """The path of the file if it already has this content, else None; also if stopped.

        Follows no link below this folder.
        """
        try:  # a quick check first: usually nothing is there, and there may be many files
            status = os.lstat("/".join((self._text, *stored)))
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size != content.size:
            return None
        try:
            with OpenFolder.below(self.path, stored[:-1], make=False) as folder:
                name = folder.at(stored[-1])
                descriptor = os.open(name, OPEN_FLAGS, dir_fd=folder.descriptor)
                with closing(PositionedFile(descriptor)) as file:
                    if not _is_content(file, content, should_stop):
                        return None
                if status.st_nlink > 1:
                    with suppress(*LEFT_UNDONE):
                        self._drop_second_names(folder, stored[:-1], status)
                drop_partial(folder, stored[-1])
        except (OSError, StorageError):
            return None
        return self.path.joinpath(*stored)

    def holds_numbered(
        self, stored: tuple[str, ...], content: Content, should_stop: Callable[[], bool]
    ) -> Path | None:
        """Like holds(), but also tries numbered names, which an earlier run may have given it."""
        for number in range(1, _NUMBERS + 1):
            name = stored[-1] if number == 1 else numbered(stored[-1], number)
            place = (*stored[:-1], name)
            if should_stop() or not os.path.lexists("/".join((self._text, *place))):
                return None
            there = self.holds(place, content, should_stop)
            if there is not None:
                return there
        return None

    def _drop_second_names(
        self, folder: OpenFolder, stored: tuple[str, ...], file: os.stat_result
    ) -> None:
        """Lists each folder only once, because all of its files may have two names."""
        if stored not in self._partials:
            self._partials[stored] = partial_names(folder)
        drop_second_names(folder, self._partials[stored], file)

    def make_folders(
        self, folders: Iterable[tuple[tuple[str, ...], int | None]], should_stop: Callable[[], bool]
    ) -> dict[tuple[str, ...], StorageError]:
        """Create these folders and their parents. set_folder_times() sets the times (seconds since
        1970) later.

        Returns the errors of those that cannot be created. Raises DiskFullError, and HaltedError
        once should_stop() returns True.
        """
        failed = dict[tuple[str, ...], StorageError]()
        with closing(LastFolder(self.path, made=self._made)) as last:
            for stored, mtime in until_stopped(folders, should_stop):
                try:
                    _open(last, stored)
                except DiskFullError:
                    raise
                except StorageError as error:
                    failed[stored] = error
                else:
                    if mtime is not None:
                        self._times[stored] = mtime
        return failed

    def remove_made_folders(self) -> None:
        """Remove the folders that we created, if they are empty."""
        made, self._made = self._made, []
        for stored in reversed(made):
            with (
                suppress(*LEFT_UNDONE),
                OpenFolder.below(self.path, stored[:-1], make=False) as folder,
            ):
                disk_calls.remove_folder(folder.at(stored[-1]), at=folder.descriptor)

    def set_folder_times(self, should_stop: Callable[[], bool]) -> None:
        """Set the times of the folders of make_folders(), once all their files are there.

        Ignores refusals. Raises HaltedError once should_stop() returns True.
        """
        times, self._times = self._times, {}
        with closing(LastFolder(self.path, make=False)) as last:
            for stored, mtime in until_stopped(times.items(), should_stop):
                with suppress(*LEFT_UNDONE):
                    folder = last.open(stored)
                    place = Path(folder.path) if folder.descriptor is None else folder.descriptor
                    stamp(place, mtime=mtime)


def _open(last: LastFolder, stored: tuple[str, ...]) -> None:
    """Raises StorageError."""
    try:
        last.open(stored)
    except REFUSED as error:
        raise storage_error(error, last.path_of(stored)) from None


def _is_content(file: PositionedFile, content: Content, should_stop: Callable[[], bool]) -> bool:
    status = os.fstat(file.descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != content.size:
        return False
    digests = ChunkDigests(file, content, should_stop).run()
    return root_of(content.size, content.chunk_size, digests) == content.root


def _megabytes(count: int) -> str:
    return f"{max(1, round(count / 1e6)):,} MB"
