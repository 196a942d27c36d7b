"""The system calls that change names, times, rights and sizes of files, and that sync them.

The whole program makes them here, so a test can end it after any of them or make any of them fail.
Each raises OSError, except drop_cached(). `at` is the descriptor of the folder that names are in;
None if they are paths.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# For os.open(): neither change line ends (Windows) nor follow a link.
PLAIN_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
READ_FLAGS = os.O_RDONLY | PLAIN_FLAGS | getattr(os, "O_NONBLOCK", 0)  # nor block at a pipe
_HAS_LINK_TO_LINK = hasattr(os, "link") and os.link in os.supports_follow_symlinks
HAS_SYNC_ALL = hasattr(os, "sync")
TIMES_BY_DESCRIPTOR = os.utime in os.supports_fd


def link(present: str, name: str, *, at: int | None = None) -> None:
    """Give a file a second name; follows no link. FileExistsError if the name is taken."""
    os.link(present, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=not _HAS_LINK_TO_LINK)


def unlink(name: str, *, at: int | None = None) -> None:
    os.unlink(name, dir_fd=at)


def remove_folder(name: str, *, at: int | None = None) -> None:
    os.rmdir(name, dir_fd=at)


def rename(present: str, name: str, *, at: int | None = None) -> None:
    """On POSIX this replaces a file of that name; on Windows it raises FileExistsError."""
    os.rename(present, name, src_dir_fd=at, dst_dir_fd=at)


def replace(present: str, name: str, *, at: int | None = None) -> None:
    os.replace(present, name, src_dir_fd=at, dst_dir_fd=at)


def sync(descriptor: int) -> None:
    """Wait until a file's data, or a folder's names, are on the disk."""
    os.fsync(descriptor)


def drop_cached(descriptor: int) -> None:
    """Have what is synced of a file read from the disk, not from memory, if the system can."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # some file systems cannot
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def sync_all() -> None:
    """Wait until everything that any program wrote is on the disk. Needs HAS_SYNC_ALL."""
    os.sync()


def set_times(file: int | str | Path, mtime_ns: int) -> None:
    """A descriptor needs TIMES_BY_DESCRIPTOR. May also raise OverflowError."""
    os.utime(file, ns=(mtime_ns, mtime_ns))


def set_mode(descriptor: int, mode: int) -> None:
    """Not on Windows."""
    os.fchmod(descriptor, mode)


def truncate(descriptor: int, size: int) -> None:
    """Cut or extend it; what is added is a hole."""
    os.ftruncate(descriptor, size)
