"""A file of the profile: replaced whole, and never over what could not be read.

It knows no settings and no role.
"""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from pathlib import Path

from roles.base import disk_calls
from roles.base.file_lock import try_lock
from roles.values.errors import StorageError

log = logging.getLogger(__name__)

_MAX_STATE = 64 * 1024 * 1024  # bytes of a state file that are read
_PATIENCE_S = 2.0  # for another program of ours that writes the same file
_AGAIN_S = 0.02
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def read_state(path: Path) -> object:
    """The JSON of a state file; None when there is none, or a damaged one, which is logged."""
    drop_leftover(path)
    try:
        if path.stat().st_size > _MAX_STATE:
            raise ValueError("too large")
        value: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s cannot be read (%s): starting without it.", path, error)
        return None
    return value


def write_whole(path: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Replace a file so that it is the old or the new one at any instant, never half.

    A link stays a link: the file that it leads to is replaced. Unless `is_synced`, a power cut may
    leave neither; a busy disk syncs for many seconds. Raises StorageError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))
        temporary, descriptor = _claimed(real)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if is_synced:
                    disk_calls.sync(descriptor)
                if os.name != "nt":  # the lock is kept to the end where an open file can move
                    disk_calls.replace(os.fspath(temporary), os.fspath(real))
            if os.name == "nt":
                disk_calls.replace(os.fspath(temporary), os.fspath(real))
        except OSError:
            with suppress(OSError):
                disk_calls.unlink(os.fspath(temporary))
            raise
        if is_synced and os.name != "nt":
            _sync_folder(real.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror or error}).") from None


def drop_leftover(path: Path) -> None:
    """Remove what a run that was killed while it wrote this file left beside it."""
    temporary = _temporary(Path(os.path.realpath(path)))
    with suppress(OSError):  # as a rule there is none
        descriptor = os.open(temporary, _FLAGS)
        try:
            if try_lock(descriptor):
                disk_calls.unlink(os.fspath(temporary))
        finally:
            os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def _claimed(path: Path) -> tuple[Path, int]:
    """A new file beside it, open and locked. Raises OSError.

    Always of the same name: what a killed run left is used again.
    """
    temporary = _temporary(path)
    until = time.monotonic() + _PATIENCE_S
    with suppress(OSError):  # a folder of that name, or a disk without locks
        while time.monotonic() < until:
            descriptor = os.open(temporary, _FLAGS | os.O_CREAT, 0o600)
            is_ours = False
            try:
                is_ours = try_lock(descriptor) and _is_at(descriptor, temporary)
                if is_ours:
                    os.ftruncate(descriptor, 0)
                    return temporary, descriptor
            finally:
                if not is_ours:
                    os.close(descriptor)
            time.sleep(_AGAIN_S)
    import tempfile  # no start waits for it

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    return Path(name), descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether it still has this name: the other program renamed it just now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some disks cannot; the file itself is there
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            disk_calls.sync(descriptor)
        finally:
            os.close(descriptor)
