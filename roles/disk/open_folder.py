"""A folder below another one, opened name by name without following links.

It stays open, so nobody can redirect us by replacing a folder on its path with a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.storage_faults import IN_THE_WAY, in_the_way

# Windows has neither, so there we check each folder again when we use it.
HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
_BASE_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_BELOW_FLAGS = _BASE_FLAGS | getattr(os, "O_NOFOLLOW", 0)
_MOUNT_POINT_TAG = 0xA0000003  # a Windows junction, which lstat() reports as a folder


class OpenFolder:
    """Methods take the names of what is directly in it, and raise OSError."""

    __slots__ = ("descriptor", "path")

    def __init__(self, path: str, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor  # None without HAS_DESCRIPTORS

    @classmethod
    def base(cls, path: Path, *, make: bool) -> OpenFolder:
        """The folder that the user chose, which may be a link. Raises OSError, StorageError."""
        try:
            if make:
                path.mkdir(parents=True, exist_ok=True)
            if HAS_DESCRIPTORS:
                return cls(os.fspath(path), os.open(path, _BASE_FLAGS))
        except OSError as error:
            if error.errno in IN_THE_WAY:
                there = nearest_existing(path)
                raise in_the_way(there, is_link=there.is_symlink()) from None
            raise
        if not path.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return cls(os.fspath(path), None)

    @classmethod
    def below(cls, base: Path, names: Sequence[str], *, make: bool) -> OpenFolder:
        """The folder base/name/name. `make` creates missing ones.

        Raises OSError, and StorageError if a link or a file is where a folder must be.
        """
        folder = cls.base(base, make=make)
        for name in names:
            try:
                inner = folder.child(name, make=make)
            finally:
                folder.close()
            folder = inner
        return folder

    def child(self, name: str, *, make: bool) -> OpenFolder:
        """A folder in this one; both are the caller's to close. Raises like below()."""
        path = os.path.join(self.path, name)  # noqa: PTH118 (a Path is slow)
        try:
            if HAS_DESCRIPTORS:
                return OpenFolder(path, self._opened(name, make=make))
            if make:
                _make(path, None)
            _check_is_folder(path)
            return OpenFolder(path, None)
        except OSError as error:
            if error.errno in IN_THE_WAY:
                raise in_the_way(path, is_link=Path(path).is_symlink()) from None
            raise

    def open_file(self, name: str, flags: int = disk_calls.READ_FLAGS) -> int:
        """A descriptor, which the caller must close."""
        return os.open(self._at(name), flags, 0o666, dir_fd=self.descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """The status of what has this name, without following a link; None if nothing has it."""
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        """Whether a file or folder has this name; faster than status()."""
        return os.access(self._at(name), os.F_OK, dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """The names of all that is in it."""
        folder = self.path if self.descriptor is None else self.descriptor
        return os.listdir(folder)  # noqa: PTH208 (a Path knows no descriptor)

    def link(self, present: str, name: str) -> None:
        """As disk_calls.link()."""
        disk_calls.link(self._at(present), self._at(name), at=self.descriptor)

    def move(self, present: str, name: str) -> None:
        """As disk_calls.rename()."""
        disk_calls.rename(self._at(present), self._at(name), at=self.descriptor)

    def replace(self, present: str, name: str) -> None:
        disk_calls.replace(self._at(present), self._at(name), at=self.descriptor)

    def remove(self, name: str) -> None:
        """Remove a file."""
        disk_calls.unlink(self._at(name), at=self.descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder."""
        disk_calls.remove_folder(self._at(name), at=self.descriptor)

    def sync(self) -> None:
        """Make new names survive a power cut, if the system can."""
        if self.descriptor is None:
            return
        try:
            disk_calls.sync(self.descriptor)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network drives cannot
                raise

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def __enter__(self) -> OpenFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _at(self, name: str) -> str:
        """What to pass to functions of os, together with `descriptor`."""
        if self.descriptor is not None:
            return name
        return os.path.join(self.path, name)  # noqa: PTH118

    def _opened(self, name: str, *, make: bool) -> int:
        try:
            return os.open(name, _BELOW_FLAGS, dir_fd=self.descriptor)
        except FileNotFoundError:
            if not make:
                raise
        _make(name, self.descriptor)
        return os.open(name, _BELOW_FLAGS, dir_fd=self.descriptor)


class LastFolder:
    """Keeps the last folder open, because the next file is often in it or below it.

    For one thread. Methods raise like OpenFolder.below().
    """

    def __init__(
        self, base: Path, *, make: bool = True, made: list[tuple[str, ...]] | None = None
    ) -> None:
        """`make` creates missing folders and adds them to `made`, outer ones first."""
        self.base = base
        self._make = make
        self._made = made
        self._names = tuple[str, ...]()
        self._folder: OpenFolder | None = None  # of these names

    def open(self, names: tuple[str, ...]) -> OpenFolder:
        """The folder base/name/name. This object closes it."""
        if self._folder is None or names[: len(self._names)] != self._names:
            self.close()
            self._folder = OpenFolder.base(self.base, make=self._make)
        for name in names[len(self._names) :]:
            self._enter(self._folder, name)
        return self._folder

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()
        self._folder, self._names = None, ()

    def _enter(self, outer: OpenFolder, name: str) -> None:
        is_new = self._made is not None and outer.status(name) is None
        self._folder = outer.child(name, make=self._make)
        outer.close()
        self._names = (*self._names, name)
        if self._made is not None and is_new:
            self._made.append(self._names)


def nearest_existing(path: Path) -> Path:
    """The path itself, or the innermost parent, that exists."""
    return next((there for there in (path, *path.parents) if os.path.lexists(there)), path)


def _make(path: str, descriptor: int | None) -> None:
    try:
        os.mkdir(path, dir_fd=descriptor)
    except FileExistsError:  # made by another thread, or not a folder, which opening it will tell
        return


def _check_is_folder(path: str) -> None:
    status = os.lstat(path)
    tag = getattr(status, "st_reparse_tag", 0)
    if not stat.S_ISDIR(status.st_mode) or tag == _MOUNT_POINT_TAG:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
