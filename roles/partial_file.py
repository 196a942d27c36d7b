"""A download on disk: NAME.lmkpart while it arrives, its final name once it is whole and synced.

Nothing that exists is ever overwritten unasked, and no file has its final name before its content
is on the disk. It knows no wire.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from roles.errors import DiskFullError, StorageError
from roles.safe_names import PARTIAL_SUFFIX, numbered
from roles.settings import Existing

# Bytes left free for the rest of the machine, or 1 % of a smaller disk.
MAX_RESERVE = 200 * 1024 * 1024
COMPARE_BLOCK = 1024 * 1024
# Windows: a virus scanner holds a new file for moments. Together less than a stop may take.
RENAME_TRIES_S = (0.05, 0.1, 0.2, 0.4, 0.5)
MAX_NUMBER = 10_000  # "name (10000)": by then something else is wrong

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def check_space(folder: Path, needed: int) -> None:
    """Raise DiskFullError when `needed` more bytes would not leave the reserve free.

    Makes the folder; raises StorageError when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usage = shutil.disk_usage(folder)
    except OSError as error:
        raise _storage_error(error, folder) from None
    reserve = min(MAX_RESERVE, usage.total // 100)
    if needed + reserve > usage.free:
        short = needed + reserve - usage.free
        raise DiskFullError(
            f"The disk of {folder} is full: {_megabytes(short)} more must be free. "
            "Make room or choose another folder."
        )


class PartialFile:
    """Open for writing from several threads at once.

    One of them calls finish() or discard(), when the others are through.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Make NAME.lmkpart in the folder. Raises StorageError.

        Another program's running download is never touched.
        """
        self._folder, self._name = folder, name
        self._path = folder / (name + PARTIAL_SUFFIX)
        self._seeking = threading.Lock()  # where the system has no positioned write
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._open_claimed()
        except OSError as error:
            raise _storage_error(error, self._path) from None
        self._is_open = True

    def write(self, offset: int, pieces: Sequence[memoryview]) -> None:
        """Write these pieces one after another from `offset` on.

        Raises StorageError, DiskFullError when it is full.
        """
        try:
            if hasattr(os, "pwritev"):
                self._write_at_once(offset, pieces)
            else:
                with self._seeking:
                    os.lseek(self._descriptor, offset, os.SEEK_SET)
                    for piece in pieces:
                        _write_all(self._descriptor, piece)
        except OSError as error:
            raise _storage_error(error, self._path) from None

    def finish(
        self, existing: Existing, should_stop: Callable[[], bool]
    ) -> tuple[Path, bool] | None:
        """Sync it and give it its final name, or drop it when SKIP finds the same content there.

        Returns the path and whether it was there already; None when it was told to stop before that
        was known. Raises StorageError; the partial file is kept then.
        """
        target = self._folder / self._name
        try:
            os.fsync(self._descriptor)
            is_same = existing is Existing.SKIP and self._is_same_as(target, should_stop)
            if is_same is None:
                return None
            if is_same:
                self.discard()
                return target, True
            if not self._is_at_path(self._descriptor):
                raise StorageError(
                    f"Another program replaced {self._path}. Nothing was kept: download again."
                )
            # An open file cannot be renamed on Windows; elsewhere the lock is kept to the end.
            if os.name == "nt":
                self.close()
            if existing is Existing.REPLACE and not target.is_dir():
                _patiently(lambda: self._path.replace(target))
            else:
                target = self._rename_to_free_name()
            self.close()
            _sync_folder(self._folder)
        except OSError as error:
            raise _storage_error(error, target) from None
        return target, False

    def discard(self) -> None:
        """Close and remove it; what another program put in its place stays."""
        try:
            is_replaced = self._is_open and not self._is_at_path(self._descriptor)
        except OSError as error:
            self.close()
            raise _storage_error(error, self._path) from None
        # An open file cannot be removed on Windows. Elsewhere the lock is kept until it is gone, or
        # another program would claim what is removed a moment later.
        if os.name == "nt":
            self.close()
        try:
            if not is_replaced:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise _storage_error(error, self._path) from None
        finally:
            self.close()

    @property
    def is_in_place(self) -> bool:
        """Whether it is open, and not known to be replaced by another file of its name.

        After a failed finish() on Windows it is closed.
        """
        try:
            return self._is_open and self._is_at_path(self._descriptor)
        except OSError:  # the folder may not even be looked at: what is kept is not lost
            return True

    def close(self) -> None:
        """Close it and leave it where it is."""
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)

    def _open_claimed(self) -> int:
        """Open it, empty, with the lock that says that this download is being worked on.

        The lock goes with the process. What was opened may be a file that another program just
        finished and renamed: then it is tried again.
        """
        while True:
            descriptor = os.open(self._path, _OPEN_FLAGS, 0o666)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise StorageError(
                        f"{self._path} is not a file. Move it away and download again."
                    )
                if not _lock(descriptor):
                    raise StorageError(
                        f"Another LMKtorrent is downloading {self._name} to this folder. "
                        "Wait or choose another."
                    )
                if self._is_at_path(descriptor):
                    if os.fstat(descriptor).st_nlink == 1:
                        os.truncate(descriptor, 0)
                        return descriptor
                    # A program ended between the two steps of a rename: this is the second
                    # name of a whole file, which must not be emptied.
                    self._path.unlink()
            except (OSError, StorageError):
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def _write_at_once(self, offset: int, pieces: Sequence[memoryview]) -> None:
        written = os.pwritev(self._descriptor, pieces, offset)
        total = sum(len(piece) for piece in pieces)
        while written < total:  # a signal or a nearly full disk: the rest, or the error that it is
            rest = b"".join(pieces)[written:]
            written += os.pwrite(self._descriptor, rest, offset + written)

    def _is_same_as(self, target: Path, should_stop: Callable[[], bool]) -> bool | None:
        """Whether a regular file of this content has the name already; None when told to stop.

        Follows no link.
        """
        try:
            status = os.lstat(target)
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(status.st_mode) or status.st_size != os.fstat(self._descriptor).st_size:
            return False
        with target.open("rb") as old, self._path.open("rb") as new:
            while not should_stop():
                block = old.read(COMPARE_BLOCK)
                if block != new.read(COMPARE_BLOCK):
                    return False
                if not block:
                    return True
        return None

    def _rename_to_free_name(self) -> Path:
        for number in range(1, MAX_NUMBER):
            target = self._folder / (self._name if number == 1 else numbered(self._name, number))
            if os.path.lexists(target):
                continue
            try:
                _patiently(partial(_rename_without_overwriting, self._path, target))
            except FileExistsError:
                continue
            return target
        raise FileExistsError(errno.EEXIST, "every numbered name is taken")


def _rename_without_overwriting(source: Path, target: Path) -> None:
    """A hard link fails when the name exists, and a rename on POSIX does not.

    Windows renames as we need it.
    """
    if os.name == "nt":
        source.rename(target)
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # FAT and some network disks have no links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "it exists") from None
        source.rename(target)
    else:
        source.unlink()


def _patiently(rename: Callable[[], object]) -> None:
    """Windows refuses a rename while anyone looks at the file, for moments as a rule."""
    for pause_s in RENAME_TRIES_S if os.name == "nt" else ():
        try:
            rename()
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    rename()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # not a thing on some network disks
            raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


if sys.platform == "win32":
    import msvcrt

    # Past every file that we take: what is locked there cannot be read by others.
    _LOCKED_BYTE = 1 << 41

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _storage_error(error: OSError, path: Path) -> StorageError:
    """The sentence for what the disk said."""
    if error.errno in _DISK_FULL:
        return DiskFullError(
            f"The disk of {path.parent} is full. Make room or choose another folder."
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StorageError(f"No permission to write {path}. Choose another folder.")
    return StorageError(
        f"{path} cannot be written ({error.strerror or error}). Choose another folder."
    )


def _megabytes(count: int) -> str:
    return f"{max(1, round(count / 1e6)):,} MB"
