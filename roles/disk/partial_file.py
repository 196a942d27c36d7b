"""NAME.lmkpart, open and locked, until it is whole and gets its final name.

It never overwrites an existing file unasked, and a file that another program wrote to never gets a
final name. The caller knows which bytes are right.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from roles.disk import disk_calls
from roles.disk.file_lock import try_lock
from roles.disk.file_watch import FileWatch, Traces
from roles.disk.final_name import give_name, rename_without_overwriting
from roles.disk.open_folder import OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import make_sparse, write_sparse
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.values.disk_names import shown_path
from roles.values.errors import FileTouchedError, StorageError
from roles.values.safe_names import PARTIAL_SUFFIX
from roles.values.settings import Existing

P = ParamSpec("P")

COMPARE_BLOCK = 1024 * 1024  # bytes
# Windows neither renames nor removes open files. Elsewhere we keep the lock to the end.
CLOSES_FIRST = os.name == "nt"

_CLAIM_FLAGS = os.O_RDWR | os.O_CREAT | disk_calls.PLAIN_FLAGS


@dataclass(frozen=True, slots=True)
class FinalFile:
    """What a partial file becomes when it is whole."""

    existing: Existing  # what to do with a file that has its name
    mtime: int | None = None  # seconds since 1970, None for now
    is_executable: bool = False
    replaces: Traces | None = None  # a file that has its name and these traces is replaced

    def stamp(self, file: int | Path) -> None:
        stamp(file, mtime=self.mtime, is_executable=self.is_executable)


class PartialFile:
    """Several threads may read and write at once.

    One thread calls finish(), discard() or close(), after the others have ended. Methods raise
    StorageError.
    """

    def __init__(self, folder: Path, stored: Sequence[str], *, can_be_checked: bool = True) -> None:
        """Open or create folder/a/b/NAME.lmkpart; `stored` is (a, b, NAME). If the caller can check
        its content, keep what an earlier run left; otherwise empty it.

        Raises StorageError, for example if another program is downloading to it.
        """
        self._can_be_checked = can_be_checked
        self._folder, self._below = folder, tuple(stored[:-1])
        self._name = stored[-1]
        self.path = folder.joinpath(*self._below, self._name + PARTIAL_SUFFIX)
        try:
            with self._opened_folder(make=True) as opened:
                self.file = PositionedFile(self._open_claimed(opened))
        except REFUSED as error:
            raise storage_error(error, self.path) from None
        self._writing = threading.Lock()  # protects _watch; held from look() to trust()
        try:
            self.identity = os.fstat(self.file.descriptor)
            make_sparse(self.file.descriptor)
            if not can_be_checked:
                disk_calls.truncate(self.file.descriptor, 0)
            self._watch = FileWatch(self.file.descriptor)
        except REFUSED as error:
            self.file.close()
            raise storage_error(error, self.path) from None
        except BaseException:
            self.file.close()
            raise

    def write(self, offset: int, piece: memoryview) -> None:
        """Write all of it; zeros become holes."""
        self._change(write_sparse, self.file, offset, piece)

    def truncate(self, size: int) -> None:
        self._change(disk_calls.truncate, self.file.descriptor, size)

    @property
    def is_touched(self) -> bool:
        """Whether it may have changed on the disk since it was opened or last checked: another
        program has written to it, or a sync failed.
        """
        return self._watch.is_touched

    def begin_check(self) -> None:
        """The caller now checks the whole content, whoever wrote it."""
        with self._writing:
            try:
                self._watch.begin()
            except REFUSED as error:
                raise storage_error(error, self.path) from None

    def finish(self, final: FinalFile, stopping: threading.Event) -> tuple[Path, bool] | None:
        """Sync the file and give it its final name, or remove it if `existing` is SKIP and a file
        with the same content has that name.

        Returns the path, and whether that file was there before; None if `stopping` ended the
        comparison. Raises FileTouchedError if another program wrote to it; then the partial file
        stays.
        """
        target = self.path.with_name(self._name)
        try:
            with self._opened_folder() as folder:
                self._check_untouched(folder)
                if not CLOSES_FIRST:
                    final.stamp(self.file.descriptor)
                    self._watch.keep()
                self._sync()
                is_same = final.existing is Existing.SKIP and self._is_same_as(folder, stopping)
                if is_same is None:
                    return None
                if is_same:
                    self._remove()
                    return target, True
                self._check_untouched(folder)
                name = self._renamed(folder, final)
                folder.sync()
        except REFUSED as error:
            raise storage_error(error, target) from None
        return target.with_name(name), False

    def discard(self) -> None:
        """Close and remove it, unless another program has replaced it."""
        self._remove()

    @property
    def is_in_place(self) -> bool:
        """Whether it is open and, as far as we know, still has its name."""
        try:
            with self._opened_folder() as folder:
                return self.file.is_open and self._is_at_path(folder)
        except (FileNotFoundError, StorageError):
            return False
        except OSError:  # the folder may be unreadable, which does not mean that the file is lost
            return self.file.is_open

    def close(self) -> None:
        """Close it and leave it where it is, with the current time instead of ARRIVING_NS."""
        self._close()

    # What a subclass adds to discard() and close(), such as an end of uploads, is not for finish().

    def _remove(self) -> None:
        try:
            with self._opened_folder() as folder:
                is_replaced = self.file.is_open and not self._is_at_path(folder)
                # Elsewhere, unlocking it first would let another program claim it just before it
                # is removed.
                if CLOSES_FIRST:
                    self._close()
                if not is_replaced:
                    folder.remove(self.path.name)
        except FileNotFoundError:
            return
        except REFUSED as error:
            raise storage_error(error, self.path) from None
        finally:
            self._close()

    def _close(self) -> None:
        try:
            if self.file.is_open and disk_calls.TIMES_BY_DESCRIPTOR:
                stamp(self.file.descriptor)
        finally:
            self.file.close()

    def _change(self, change: Callable[P, None], *args: P.args, **options: P.kwargs) -> None:
        """Make a change of our own, which the watch ignores."""
        watch = self._watch
        with self._writing:
            try:
                if watch.is_remote:
                    watch.is_unwatched = True
                    change(*args, **options)
                    return
                if watch.look().st_nlink == 0:
                    raise self._replaced()
                try:
                    change(*args, **options)
                finally:
                    watch.trust()
            except REFUSED as error:
                raise storage_error(error, self.path) from None

    def _check_untouched(self, folder: OpenFolder) -> None:
        """Raises StorageError if another file has its name, FileTouchedError if it was touched."""
        if not self._is_at_path(folder):
            raise self._replaced()
        if self._watch.is_unwatched and not self._can_be_checked:
            self.begin_check()
        with self._writing:
            self._watch.look()
        if self._watch.is_touched or self._watch.is_unwatched:
            raise self._touched()

    def _sync(self) -> None:
        """Raises OSError. What the disk has lost then, the next sync would not tell."""
        try:
            disk_calls.sync(self.file.descriptor)
        except REFUSED:
            self._watch.is_touched = True
            raise

    def _replaced(self) -> StorageError:
        return StorageError(
            f"Another program replaced or removed {shown_path(self.path)}. "
            "Nothing was kept: download again."
        )

    def _touched(self) -> FileTouchedError:
        return FileTouchedError(
            f"Another program wrote to {shown_path(self.path)} while it arrived. "
            "Close it and download again."
        )

    def _opened_folder(self, *, make: bool = False) -> OpenFolder:
        return OpenFolder.below(self._folder, self._below, make=make)

    def _open_claimed(self, folder: OpenFolder) -> int:
        """Open and lock it, so that no other program works on this download.

        The system releases the lock when the process ends. Tries again if another program has just
        finished and renamed the file.
        """
        while True:
            descriptor = self._open(folder)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise self._not_a_file()
                if not try_lock(descriptor):
                    raise StorageError(
                        f"Another LMKtorrent is downloading {shown_path(self._name)} to this "
                        "folder. Wait, or choose another folder."
                    )
                at_path = folder.status(self.path.name)
                status = os.fstat(descriptor)
                if at_path is not None and os.path.samestat(status, at_path):
                    if status.st_nlink == 1:
                        return descriptor
                    # A program was killed between link and unlink (final_name.py), so this is the
                    # second name of a finished file, to which we must not write.
                    folder.remove(self.path.name)
            except LEFT_UNDONE:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _open(self, folder: OpenFolder) -> int:
        try:
            return folder.open_file(self.path.name, _CLAIM_FLAGS)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.EISDIR}:
                raise self._not_a_file() from None
            raise

    def _not_a_file(self) -> StorageError:
        return StorageError(
            f"{shown_path(self.path)} is not a file. Move it away and download again."
        )

    def _is_at_path(self, folder: OpenFolder) -> bool:
        status = folder.status(self.path.name)
        return status is not None and os.path.samestat(self.identity, status)

    def _renamed(self, folder: OpenFolder, final: FinalFile) -> str:
        """Give it its final name and close it.

        Raises OSError, or FileTouchedError if another program wrote to it just then. In both cases
        it is open and has its partial name.
        """
        former = final.replaces
        is_former = former is not None and former.is_still(folder.status(self._name))
        may_replace = is_former or final.existing is Existing.REPLACE
        if CLOSES_FIRST:
            self.file.close()
            final.stamp(self.path)
            self._watch.keep(folder.status(self.path.name))
        try:
            name = give_name(folder, self.path.name, self._name, may_replace=may_replace)
        except REFUSED:
            if CLOSES_FIRST:
                self._reopen(folder)
            raise
        if not self._watch.has_content_of(folder.status(name)):
            self._take_back(folder, name)
        self.file.close()
        return name

    def _take_back(self, folder: OpenFolder, name: str) -> None:
        """It was changed just before the rename: undo that, and raise FileTouchedError."""
        status = folder.status(name)
        if status is None or not os.path.samestat(self.identity, status):
            raise self._replaced()
        rename_without_overwriting(folder, name, self.path.name)
        if CLOSES_FIRST:
            self._reopen(folder)
        self._watch.is_touched = True
        raise self._touched()

    def _reopen(self, folder: OpenFolder) -> None:
        """It could not be renamed: claim it again, unless another program was faster."""
        with suppress(*LEFT_UNDONE):
            if self._is_at_path(folder):
                self.file = PositionedFile(self._open_claimed(folder))
                if not os.path.samestat(self.identity, os.fstat(self.file.descriptor)):
                    self.file.close()
                    return
                is_same = self._watch.has_content_of(os.fstat(self.file.descriptor))
                self._watch = FileWatch(self.file.descriptor)
                self._watch.is_touched = not is_same

    def _is_same_as(self, folder: OpenFolder, stopping: threading.Event) -> bool | None:
        """Whether a regular file, not a link, with this content has the final name; None if
        `stopping` ended the comparison.
        """
        status, size = folder.status(self._name), self.file.size
        if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return False
        old = folder.open_file(self._name)
        buffer = memoryview(bytearray(min(COMPARE_BLOCK, size)))
        try:
            for offset in range(0, size, COMPARE_BLOCK):
                if stopping.is_set():
                    return None
                block = os.read(old, COMPARE_BLOCK)
                if block != buffer[: self.file.read_into(offset, buffer)]:
                    return False
        finally:
            os.close(old)
        return None if stopping.is_set() else True
