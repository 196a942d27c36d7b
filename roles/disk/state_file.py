"""A file of the profile. It is replaced as a whole, and never if it could not be read."""

from __future__ import annotations

import errno
import filecmp
import json
import logging
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

from roles.disk import disk_calls
from roles.disk.file_lock import try_lock
from roles.values.disk_names import shown_path
from roles.values.errors import StorageError
from roles.values.strict_json import without_doubles

log = logging.getLogger(__name__)

_MAX_STATE = 64 * 1024 * 1024  # bytes
_MOST_KEPT = 100  # damaged files of one name
_PATIENCE_S = 2.0  # while another of our programs writes the same file
_AGAIN_S = 0.02
_OURS = 0o600  # the rights of a new file
_FLAGS = os.O_RDWR | disk_calls.PLAIN_FLAGS


RecordT = TypeVar("RecordT", list[object], dict[str, object])


class StateFile:
    """One file of the profile. For one thread at a time.

    It keeps content that it does not understand under another name before overwriting it, and never
    touches a file that it cannot read.
    """

    def __init__(self, path: Path, *, is_secret: bool = False) -> None:
        """`is_secret`: after each write, only this user may read it."""
        self.path = path
        self._is_secret = is_secret
        self.notice = ""  # a sentence for the user, if something is wrong with the file
        self._logged = ""
        self.may_write = True  # False if the file could not be read

    def read(self) -> object:
        """Its JSON; None if there is no file, or no usable content, which `notice` then says.

        Accepts UTF-8 with or without a byte order mark, and UTF-16, which PowerShell writes.
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

    def read_record(self, name: str, kind: type[RecordT]) -> RecordT | None:
        """The list or dict that write_record() has written; None if there is no file, or no usable
        content, which `notice` then says.
        """
        match self.read():
            case None:
                pass
            case {"lmk": 1, **rest} if isinstance(rest.get(name), kind):
                return cast("RecordT", rest[name])
            case {"lmk": int(version)} if version > 1:
                self.keep_aside(f"is of version {version}", is_newer=True)
            case _:
                self.keep_aside(f"it is no record of {name}")
        return None

    def write_record(self, name: str, content: object) -> None:
        """Replace the whole file. In ASCII, so that names that are not UTF-8 survive. Raises
        StorageError.
        """
        self.write(json.dumps({"lmk": 1, name: content}, indent=1).encode("ascii"))

    def read_bytes(self) -> bytes | None:
        """Its content; None if there is no file, or it cannot be read, which `notice` then says."""
        self.notice, self.may_write = "", True
        drop_leftover(self.path)
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # opening a pipe would block
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
        """Keep the unusable file under another name; sets `notice`."""
        wrong = why if is_newer else f"is damaged ({why})"
        try:
            kept = _kept_aside(self.path, ".newer" if is_newer else ".damaged")
        except (OSError, StorageError) as error:
            self._leave(f"{wrong} and cannot be kept under another name ({error})")
            return
        self._say(f"{wrong}. It is kept as {kept.name}, and this run starts without it.")

    def write(self, content: bytes) -> None:
        """Replace the whole file. Raises StorageError."""
        if not self.may_write:
            raise StorageError(self.notice)
        write_whole(self.path, content, is_secret=self._is_secret)

    def _leave(self, wrong: str) -> None:
        self.may_write = False
        self._say(f"{wrong}. This run starts without it, and leaves it as it is.")

    def _say(self, what: str) -> None:
        self.notice = f"{shown_path(self.path)} {what}"
        if self.notice != self._logged:  # the file may be read several times
            log.warning("%s %s", self.path.name, what)  # no full path: users send us their logs
        self._logged = self.notice


def _kept_aside(path: Path, ending: str) -> Path:
    """Give the file a second name, unless it has one; returns that name.

    Copies it if the disk has no hard links. Raises OSError and StorageError.
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


def write_whole(
    path: Path, content: bytes, *, is_synced: bool = True, is_secret: bool = False
) -> None:
    """Replace a file atomically. If `path` is a link, replace the file that it points to.

    It keeps its rights, unless it is secret, and is left alone if it is marked read-only. Without
    `is_synced` a power cut may lose the old and the new content, but it is fast: a busy disk may
    sync for many seconds. Raises StorageError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))
        rights = _rights_of(real)
        temporary, descriptor = _claimed(real)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if not is_secret and rights != _OURS and os.name != "nt":
                    with suppress(OSError):  # some disks keep no rights
                        disk_calls.set_mode(descriptor, rights)
                file.write(content)
                file.flush()
                if is_synced:
                    disk_calls.sync(descriptor)
                if os.name != "nt":  # rename it while it is still locked
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
        raise StorageError(
            f"{shown_path(path)} cannot be written ({error.strerror or error})."
        ) from None


def _rights_of(path: Path) -> int:
    """Those that the file has, or will have if it is new. Raises OSError if nobody may write it:
    replacing a file does not ask for that right.
    """
    try:
        rights = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return _OURS
    if not rights & 0o222:
        raise PermissionError(errno.EACCES, "it is marked read-only")
    return rights


def drop_leftover(path: Path) -> None:
    """Remove the temporary file of a run that was killed while writing this file."""
    temporary = _temporary(Path(os.path.realpath(path)))
    with suppress(OSError):  # usually there is none
        descriptor = os.open(temporary, _FLAGS)
        try:
            if try_lock(descriptor):
                disk_calls.unlink(os.fspath(temporary))
        finally:
            os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def _claimed(path: Path) -> tuple[Path, int]:
    """An empty temporary file beside `path`, open and locked. Raises OSError.

    Its name is always the same, so it reuses what a killed run left.
    """
    temporary = _temporary(path)
    until = time.monotonic() + _PATIENCE_S
    with suppress(OSError):  # a folder of that name, or a disk without locks
        while time.monotonic() < until:
            descriptor = os.open(temporary, _FLAGS | os.O_CREAT, _OURS)
            try:
                if try_lock(descriptor) and _is_at(descriptor, temporary):
                    os.ftruncate(descriptor, 0)
                    return temporary, descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(_AGAIN_S)
    import tempfile  # rarely needed; keeps the start fast

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    return Path(name), descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file still has this name; another program may have just renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some disks cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            disk_calls.sync(descriptor)
        finally:
            os.close(descriptor)
