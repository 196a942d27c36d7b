"""A file of the profile: replaced whole, and never if it could not be read.

It knows no settings and no role.
"""

from __future__ import annotations

import filecmp
import json
import logging
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.file_lock import try_lock
from roles.values.errors import StorageError
from roles.values.strict_json import without_doubles

log = logging.getLogger(__name__)

_MAX_STATE = 64 * 1024 * 1024  # bytes of a state file that are read
_MOST_KEPT = 100  # damaged files of one name
_PATIENCE_S = 2.0  # for another program of ours that writes the same file
_AGAIN_S = 0.02
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class StateFile:
    """One file of the profile. For one thread at a time.

    Content that cannot be understood is kept under another name before it is overwritten. A file
    that cannot be read is left alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = ""  # for the user, when something is wrong with it
        self._logged = ""
        self.may_write = True  # False: the file could not be read, and may be of use

    def read(self) -> object:
        """The JSON in it; None when there is none, or none that can be understood: see `notice`.

        In UTF-8, with or without a mark, or in UTF-16 as PowerShell writes it.
        """
        data = self.read_bytes()
        if not data:
            if data is not None:
                self._say("is empty. This run starts without it.")
            return None
        try:
            # Writing the file back would lose one of two equal keys.
            value: object = json.loads(data, object_pairs_hook=without_doubles)
            if value is None:
                raise ValueError("there is nothing in it")
        except (ValueError, RecursionError) as error:
            self.keep_aside(str(error)[:80] or type(error).__name__)
            return None
        return value

    def read_bytes(self) -> bytes | None:
        """All of it; None when there is none, or it cannot be read: see `notice`."""
        self.notice, self.may_write = "", True
        drop_leftover(self.path)
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # a pipe would be waited for
                raise OSError("it is not a file")
            with self.path.open("rb") as file:
                data = file.read(_MAX_STATE + 1)
            if len(data) > _MAX_STATE:
                raise OSError("it is too large to be ours")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._leave(f"cannot be read ({error.strerror or error})")
            return None
        return data

    def keep_aside(self, why: str, *, is_newer: bool = False) -> None:
        """It cannot be used: keep it under another name, and say so in `notice`."""
        wrong = why if is_newer else f"is damaged ({why})"
        try:
            kept = _kept_aside(self.path, ".newer" if is_newer else ".damaged")
        except (OSError, StorageError) as error:
            self._leave(f"{wrong} and cannot be kept under another name ({error})")
            return
        self._say(f"{wrong}. It is kept as {kept.name}, and this run starts without it.")

    def write(self, content: bytes, *, is_synced: bool = True) -> None:
        """Replace it whole. Raises StorageError."""
        if not self.may_write:
            raise StorageError(self.notice)
        write_whole(self.path, content, is_synced=is_synced)

    def _leave(self, wrong: str) -> None:
        self.may_write = False
        self._say(f"{wrong}. This run starts without it, and leaves it as it is.")

    def _say(self, what: str) -> None:
        self.notice = f"{self.path} {what}"
        if self.notice != self._logged:  # it may be read again before it is written
            log.warning("%s %s", self.path.name, what)  # logs hold no path of the user's
        self._logged = self.notice


def _kept_aside(path: Path, ending: str) -> Path:
    """Give the file a second name, unless it has one. Raises OSError and StorageError.

    On disks where a file can have only one name, this makes a copy.
    """
    for number in range(1, _MOST_KEPT):
        kept = path.with_name(path.name + ending + (f"-{number}" if number > 1 else ""))
        if not os.path.lexists(kept):
            try:
                disk_calls.link(os.path.realpath(path), os.fspath(kept))
            except OSError:
                write_whole(kept, path.read_bytes())
            return kept
        if kept.is_file() and (kept.samefile(path) or filecmp.cmp(kept, path, shallow=False)):
            return kept
    raise StorageError(f"there are {_MOST_KEPT} of them already")


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
            try:
                if try_lock(descriptor) and _is_at(descriptor, temporary):
                    os.ftruncate(descriptor, 0)
                    return temporary, descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(_AGAIN_S)
    import tempfile  # no start waits for it

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    return Path(name), descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether it still has this name, or another program has just renamed it."""
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
