"""Turns errors of a disk into sentences for the user."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from roles.values.disk_names import shown_path
from roles.values.errors import DiskFullError, NoPermissionError, ShortageError, StorageError
from roles.worker import SHORTAGES

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
REFUSED = (OSError, MemoryError)  # the system refused a call
LEFT_UNDONE = (*REFUSED, StorageError)  # to suppress when a later run can do it
IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR, errno.EEXIST}  # a link or a file instead of a folder


def storage_error(error: OSError | MemoryError, path: Path) -> StorageError:
    """The disk refused to write `path`."""
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    if error.errno in _DISK_FULL:
        return DiskFullError(
            f"The disk is full. Free some space for {shown_path(path.parent)} or choose another "
            "folder."
        )
    if error.errno in SHORTAGES:
        return ShortageError(
            f"{shown_path(path)} cannot be written now ({error.strerror}). "
            "Close other programs, and try again."
        )
    if isinstance(error, PermissionError):
        return NoPermissionError(
            f"No permission to write {shown_path(path)}. Choose another folder."
        )
    return StorageError(
        f"{shown_path(path)} cannot be written ({error.strerror or error}). Choose another folder."
    )


def unreadable(error: OSError, folder: Path) -> StorageError:
    """The disk refused to read `folder`."""
    why = error.strerror or type(error).__name__
    if error.errno in SHORTAGES:
        return ShortageError(f"The folder {shown_path(folder)} cannot be read now ({why}).")
    return StorageError(
        f"The folder {shown_path(folder)} cannot be read ({why}). Choose another one."
    )


def in_the_way(path: Path | str, *, is_link: bool) -> StorageError:
    """`path` is a link or a file, where a folder must be."""
    what = "a link to another place" if is_link else "a file"
    return StorageError(
        f"{shown_path(path)} is {what}, but must be a folder. "
        "Move it away or choose another folder."
    )
