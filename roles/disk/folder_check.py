"""Tests whether downloads can be stored in a folder, and leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.open_folder import nearest_existing
from roles.disk.reserved_space import free_space_at
from roles.disk.storage_faults import REFUSED, in_the_way, storage_error

_CONTENT = b"LMKtorrent checks whether it can write here.\n"


def try_folder(folder: Path) -> float:
    """Create a folder and a file, write, sync, rename and remove them, below `folder` or, if that
    does not exist yet, below the first folder above it that does.

    Returns how many seconds the disk's clock is ahead. Raises StorageError.
    """
    present = nearest_existing(folder)
    if not present.is_dir():
        raise in_the_way(present, is_link=False)
    try:
        folder.lstat()
    except FileNotFoundError:
        pass  # the first download makes it
    except OSError as error:  # such as a name that is too long
        raise storage_error(error, folder) from None
    trial = present / f".lmktorrent-check-{secrets.token_hex(4)}"
    first, second = trial / "first", trial / "second"
    try:
        trial.mkdir()
        try:
            return _try_file(first, second)
        finally:
            for name in (first, second):
                if os.path.lexists(name):
                    disk_calls.unlink(str(name))
            disk_calls.remove_folder(str(trial))
    except REFUSED as error:
        raise storage_error(error, folder) from None


def free_space_for(folder: Path) -> int:
    """Bytes that downloads may write there, even if it does not exist yet. Raises OSError."""
    return free_space_at(nearest_existing(folder))


def _try_file(first: Path, second: Path) -> float:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | disk_calls.PLAIN_FLAGS
    descriptor = os.open(first, flags, 0o600)
    try:
        os.write(descriptor, _CONTENT)
        disk_calls.sync(descriptor)
    finally:
        os.close(descriptor)
    ahead_s = first.stat().st_mtime - time.time()
    disk_calls.rename(str(first), str(second))
    return ahead_s
