"""The folder that downloads go to: what it already has, its free space, its folders."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.chunk_digests import digests_of
from roles.disk.file_watch import Traces
from roles.disk.final_name import MAX_NUMBER, take_name
from roles.disk.leftovers import drop_partial
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import bytes_on_disk
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.disk.stored_names import StoredPath
from roles.values.content import Content, root_of
from roles.values.errors import DiskFullError, StorageError
from roles.values.safe_names import PARTIAL_SUFFIX, is_partial_name, numbered, shown_name
from roles.values.settings import Existing
from roles.values.stopping import until_stopped

_NUMBERS = 20  # "name (20)": how many copies to look through


class TargetFolder:
    """Paths below it are tuples of stored names. For one thread."""

    def __init__(
        self,
        path: Path,
        existing: Existing = Existing.SKIP,
        stopping: threading.Event | None = None,
        *,
        reads_anew: bool = False,
    ) -> None:
        """`existing` is what to do with files that are there. `reads_anew`: from the disk itself,
        not from the system's cache, where the system lets us choose.
        """
        self.path = path
        self.existing = existing
        self.stopping = stopping or threading.Event()
        self._reads_anew = reads_anew
        self._text = os.fspath(path)
        self._times: dict[StoredPath, int] = {}
        self._partials: dict[StoredPath, list[str]] = {}  # names in folders listed so far
        self._made = list[StoredPath]()  # folders that we created, outer ones first

    def find(self, stored: StoredPath, content: Content) -> Path | None:
        """The path of the file if it already has this content, else None; also if stopped. With
        SKIP, it may have a numbered name, which an earlier run may have given it.

        Follows no link below this folder. Removes what a killed run left of the same file.
        """
        for number in range(1, _NUMBERS + 1 if self.existing is Existing.SKIP else 2):
            name = stored[-1] if number == 1 else numbered(stored[-1], number)
            there = (*stored[:-1], name)
            try:  # a quick check first: usually nothing is there, and there may be many files
                status = os.lstat(self._path_of(there))
            except (OSError, ValueError):
                return None
            if self.stopping.is_set():
                return None
            if self._has(there, status, content):
                return self.path.joinpath(*there)
        return None

    def unchanged(self, stored: StoredPath, content: Content) -> Traces | None:
        """The traces of the file if it is byte for byte this content, else None."""
        try:
            with OpenFolder.below(self.path, stored[:-1], make=False) as folder:
                descriptor = folder.open_file(stored[-1])
                with closing(PositionedFile(descriptor)) as file:
                    traces = Traces.of(os.fstat(descriptor))
                    is_same = _is_content(file, content, self.stopping)
                    return traces if is_same and traces == Traces.of(os.fstat(descriptor)) else None
        except (OSError, StorageError):
            return None

    def has(self, stored: StoredPath) -> bool:
        return os.path.lexists(self._path_of(stored))

    def is_stamped(self, stored: StoredPath, size: int, mtime: int | None) -> bool:
        """Whether a regular file has this size and time, as if nobody had written to it since."""
        try:
            status = os.lstat(self._path_of(stored))
        except (OSError, ValueError):
            return False
        is_as_it_was = (status.st_size, int(status.st_mtime)) == (size, mtime)
        return stat.S_ISREG(status.st_mode) and is_as_it_was

    def set_aside(self, stored: StoredPath) -> str:
        """Give the file the first free numbered name, so that its own is free. Raises
        StorageError.
        """
        name = stored[-1]
        try:
            with OpenFolder.below(self.path, stored[:-1], make=False) as folder:
                for number in range(2, MAX_NUMBER):
                    if take_name(folder, name, numbered(name, number)):
                        return numbered(name, number)
        except REFUSED as error:
            raise storage_error(error, self.path.joinpath(*stored)) from None
        raise StorageError(f"Every numbered name of {shown_name(name)} is taken.")

    def taken_by(self, stored: StoredPath) -> int:
        """Bytes on the disk of its partial file, which an earlier run may have left."""
        *above, name = stored
        return bytes_on_disk(self.path.joinpath(*above, name + PARTIAL_SUFFIX))

    def _path_of(self, stored: StoredPath) -> str:
        """Made without a Path, which takes longer than to look whether there is a file."""
        return "/".join((self._text, *stored))

    def _has(self, stored: StoredPath, status: os.stat_result, content: Content) -> bool:
        if not stat.S_ISREG(status.st_mode) or status.st_size != content.size:
            return False
        try:
            with OpenFolder.below(self.path, stored[:-1], make=False) as folder:
                descriptor = folder.open_file(stored[-1])
                with closing(PositionedFile(descriptor)) as file:
                    if self._reads_anew:
                        disk_calls.drop_cached(descriptor)
                    if not _is_content(file, content, self.stopping):
                        return False
                if status.st_nlink > 1:
                    self._drop_second_names(folder, stored[:-1], status)
                drop_partial(folder, stored[-1])
        except (OSError, StorageError):
            return False
        return True

    def _drop_second_names(
        self, folder: OpenFolder, stored: StoredPath, file: os.stat_result
    ) -> None:
        """Remove partial names of a finished file, which remain if it was named and the program or
        the disk then failed. Lists each folder once: all of its files may have two names.
        """
        with suppress(*LEFT_UNDONE):
            if stored not in self._partials:
                self._partials[stored] = list(filter(is_partial_name, folder.names()))
            for name in self._partials[stored]:
                status = folder.status(name)
                if status is not None and os.path.samestat(status, file):
                    folder.remove(name)

    def make_folders(
        self, folders: Iterable[tuple[StoredPath, int | None]]
    ) -> dict[StoredPath, StorageError]:
        """Create these folders and their parents. set_folder_times() sets the times (seconds since
        1970) later.

        Returns the errors of those that cannot be created. Raises DiskFullError, and StoppedError
        once `stopping` is set.
        """
        failed = dict[StoredPath, StorageError]()
        with closing(LastFolder(self.path, made=self._made)) as last:
            for stored, mtime in until_stopped(folders, self.stopping.is_set):
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

    def remove_made_folders(self, before: Iterable[StoredPath] = ()) -> None:
        """Remove the folders that we created, now or `before`, if they are empty."""
        made, self._made = {*self._made, *before}, []
        for stored in sorted(made, key=len, reverse=True):
            with (
                suppress(*LEFT_UNDONE),
                OpenFolder.below(self.path, stored[:-1], make=False) as folder,
            ):
                folder.remove_folder(stored[-1])

    def set_folder_times(self) -> None:
        """Set the times of the folders of make_folders(), once all their files are there.

        Ignores refusals. Raises StoppedError once `stopping` is set.
        """
        times, self._times = self._times, {}
        with closing(LastFolder(self.path, make=False)) as last:
            for stored, mtime in until_stopped(times.items(), self.stopping.is_set):
                with suppress(*LEFT_UNDONE):
                    folder = last.open(stored)
                    path = Path(folder.path)
                    stamp(path if folder.descriptor is None else folder.descriptor, mtime=mtime)


def _open(last: LastFolder, stored: StoredPath) -> None:
    try:
        last.open(stored)
    except REFUSED as error:
        raise storage_error(error, last.base.joinpath(*stored)) from None


def _is_content(file: PositionedFile, content: Content, stopping: threading.Event) -> bool:
    status = os.fstat(file.descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != content.size:
        return False
    digests = digests_of(file, content, stopping)
    return root_of(content.size, content.chunk_size, digests) == content.root
