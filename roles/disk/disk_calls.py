"""The system calls that give a file its name, times and rights, and that bring it to the disk.

The program makes all of them here, so a test can end it after any of them, or have any of them
fail. Each raises OSError. `at` is the descriptor of the folder that a name is in, None for a path.
"""

from __future__ import annotations

import os
from pathlib import Path

_HAS_LINK_TO_LINK = hasattr(os, "link") and os.link in os.supports_follow_symlinks
HAS_SYNC_ALL = hasattr(os, "sync")
TIMES_BY_DESCRIPTOR = os.utime in os.supports_fd


def link(present: str, name: str, *, at: int | None = None) -> None:
    """Give a file a second name; FileExistsError when something has it. Follows no link."""
    os.link(present, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=not _HAS_LINK_TO_LINK)


def unlink(name: str, *, at: int | None = None) -> None:
    """Take a name away; the file goes with its last one."""
    os.unlink(name, dir_fd=at)


def remove_folder(name: str, *, at: int | None = None) -> None:
    """Only an empty one."""
    os.rmdir(name, dir_fd=at)


def rename(present: str, name: str, *, at: int | None = None) -> None:
    """Rename; POSIX replaces what has the name, Windows raises FileExistsError."""
    os.rename(present, name, src_dir_fd=at, dst_dir_fd=at)


def replace(present: str, name: str, *, at: int | None = None) -> None:
    """Rename, over what has the name."""
    os.replace(present, name, src_dir_fd=at, dst_dir_fd=at)


def sync(descriptor: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    os.fsync(descriptor)


def sync_all() -> None:
    """Wait until everything that any program wrote is on the disk, where HAS_SYNC_ALL."""
    os.sync()


def set_times(file: int | str | Path, mtime_ns: int) -> None:
    """By descriptor only where TIMES_BY_DESCRIPTOR. Raises OverflowError too."""
    os.utime(file, ns=(mtime_ns, mtime_ns))


def set_mode(descriptor: int, mode: int) -> None:
    """Not on Windows."""
    os.fchmod(descriptor, mode)


def truncate(descriptor: int, size: int) -> None:
    """Cut a file off at this size, or have it end in a hole there."""
    os.ftruncate(descriptor, size)
