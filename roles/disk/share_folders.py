"""Which folder below a target folder has the files of which share, remembered across runs.

Two shares never get one folder, not even if both are called "lesson".
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from roles.disk import disk_calls
from roles.disk.equal_names import key_of_names
from roles.disk.file_lock import try_lock
from roles.disk.state_file import StateFile
from roles.disk.stored_names import StoredNames
from roles.values.disk_names import path_from_disk
from roles.values.errors import StorageError
from roles.values.list_lines import FileLine
from roles.values.safe_names import (
    PARTIAL_SUFFIX,
    UnsafeNameError,
    is_storable,
    safe_name,
    safe_path,
)

RECORD_NAME = "folders.json"
MAX_FOLDERS = 10_000  # remembered; the oldest go first
LOOKED_AT = 200  # files of a share, to see whether a folder has them
ENOUGH = 20  # of these: if none is there, the others are not looked at
SAME_TIME_S = 2  # FAT keeps even seconds only
_PATIENCE_S = 2.0  # while another program chooses
_AGAIN_S = 0.02
_FLAGS = os.O_RDWR | os.O_CREAT | disk_calls.PLAIN_FLAGS
_WINDOWS = os.name == "nt"


class _Row(NamedTuple):
    target: Path
    share: str
    name: str
    is_made: bool

    def kept(self) -> dict[str, object]:
        made = {"made": True} if self.is_made else {}
        return {"target": str(self.target), "share": self.share, "name": self.name, **made}


class ShareFolders:
    """The folders below one target folder, and the names in them. For one thread, except of()."""

    def __init__(
        self,
        target: Path,
        state_folder: Path | None,
        stopping: threading.Event | None = None,
    ) -> None:
        """Without a state folder it remembers until the program ends."""
        self._target = target.absolute()
        self._stopping = stopping or threading.Event()
        self._record = None if state_folder is None else state_folder / RECORD_NAME
        # By share; "" for the target folder itself. Other threads look shares up in it.
        self._folders: dict[str, str] = {}
        self._made = set[str]()  # shares whose folder was not there before, so that it is ours
        self._unsaved = dict[str, str]()
        self._is_choosing = False
        self._turn: int | None = None  # descriptor of the locked file while we choose

    def of(self, share: str) -> str | None:
        """The folder of this share; None if it has none yet."""
        return self._folders.get(share)

    def has_made(self, share: str) -> bool:
        """Whether this share's folder was not there before."""
        return share in self._made

    @cached_property
    def names(self) -> StoredNames:
        """The names directly in the target folder; the first use looks at the disk."""
        key = key_of_names(self._target)
        names = StoredNames(windows=_WINDOWS, key=key, should_stop=self._stopping.is_set)
        for taken in filter(None, self._folders.values()):
            names.below(taken)
        return names

    def load(self) -> None:
        """Read what earlier runs chose."""
        rows = [row for row in self._read() if row.target == self._target]
        self._made |= {row.share for row in rows if row.is_made}
        self._folders = {row.share: row.name for row in rows} | self._folders

    def names_for(
        self, share: str, name: str, files: Sequence[FileLine], known: str | None = None
    ) -> StoredNames:
        """The names in the folder of this share, whose name is from the wire; those in the target
        folder itself where versions before 1.3 put every share.

        `files` are those that are to be downloaded, `known` is the folder that an earlier run
        chose for them. When one is chosen, other programs wait until save().
        """
        if known is None:
            known = self._choose(share, name, files)
        elif self.of(share) is None:
            self._note(share, known)
        return self.names.below(known)

    def _choose(self, share: str, name: str, files: Sequence[FileLine]) -> str:
        if not self._is_choosing:
            self._is_choosing, self._turn = True, self._waited_for_turn()
            self.load()
            for taken in filter(None, self._folders.values()):
                self.names.below(taken)
        known = self.of(share)
        if known is not None and (not known or _is_usable(self._target / known)):
            return known
        chosen = "" if self._is_here_already(files) else self._free(share, name, files)
        if chosen and not os.path.lexists(self._target / chosen):
            self._made.add(share)
        self._note(share, chosen)
        return chosen

    def _note(self, share: str, name: str) -> None:
        """This share has this folder from now on."""
        self._unsaved[share] = name
        self._folders[share] = name

    def save(self) -> None:
        """Remember what was chosen."""
        try:
            if self._unsaved:
                self._write(self._unsaved)
        finally:
            self._unsaved, self._is_choosing = {}, False
            if self._turn is not None:
                os.close(self._turn)
                self._turn = None

    def _is_here_already(self, files: Sequence[FileLine]) -> bool:
        """Whether the target folder itself has at least half of these files. Files in the folders
        of other shares do not count, or a stranger could list those and add more to them.
        """
        names = self.names
        taken = {names.key_wished(name) for name in self._folders.values() if name}

        def is_others(file: FileLine) -> bool:
            top, slash, _ = file.path.partition("/")
            return bool(slash) and is_storable(top) and names.key_wished(top) in taken

        sample = _sample_of(files)
        there, alike = _compared(self._target, [file for file in sample if not is_others(file)])
        return alike > 0 and 2 * alike >= max(len(sample), there)

    def _free(self, share: str, name: str, files: Sequence[FileLine]) -> str:
        try:
            wished = safe_name(name, windows=_WINDOWS)
        except UnsafeNameError:
            wished = f"share {share}"
        number, candidate = 1, wished
        while not (self.names.is_free(candidate) and self._may_take(candidate, files)):
            number += 1
            candidate = f"{wished} ({number})"
        return candidate

    def _may_take(self, name: str, files: Sequence[FileLine]) -> bool:
        """Whether there is no such folder, or it has nothing but files of this share, as far as we
        can tell: a record of its own may have been lost.
        """
        path = self._target / name
        if not os.path.lexists(path):
            return True
        if not _is_usable(path):
            return False
        there, alike = _compared(path, _sample_of(files))
        return 2 * alike > there or not (there or _has_any(path))

    # The record

    def _waited_for_turn(self) -> int | None:
        """Lock out other programs that choose; None if the disk has no locks."""
        if self._record is None:
            return None
        with suppress(OSError):
            self._record.parent.mkdir(parents=True, exist_ok=True)
            turn = os.open(self._record.with_suffix(".lock"), _FLAGS, 0o600)
            until = time.monotonic() + _PATIENCE_S
            with suppress(OSError):
                while not try_lock(turn) and time.monotonic() < until:
                    time.sleep(_AGAIN_S)
            return turn
        return None

    def _read(self) -> list[_Row]:
        """The oldest first."""
        if self._record is None:
            return []
        rows = list[_Row]()
        record = StateFile(self._record).read_record("folders", list) or []
        for row in record[-MAX_FOLDERS:]:
            match row:
                case {
                    "target": str(target),
                    "share": str(share),
                    "name": str(name),
                    **others,
                } if not name or is_folder_name(name):
                    rows.append(_Row(Path(target), share, name, others.get("made") is True))
                case _:
                    pass
        return rows

    def _write(self, folders: Mapping[str, str]) -> None:
        if self._record is None:
            return
        before = self._read()
        rows = [row for row in before if row.target != self._target or row.share not in folders]
        rows += (
            _Row(self._target, share, name, share in self._made) for share, name in folders.items()
        )
        record = [row.kept() for row in rows[-MAX_FOLDERS:]]
        with suppress(StorageError):  # then the next run looks at what the folders have
            StateFile(self._record).write_record("folders", record)


def is_folder_name(text: str) -> bool:
    """Whether it is one name that this system can store as it is."""
    try:
        return safe_name(path_from_disk(text), windows=_WINDOWS) == text
    except UnsafeNameError:
        return False


def _is_usable(path: Path) -> bool:
    """Whether it is a folder or can become one; a link to a folder is none."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _sample_of(files: Sequence[FileLine]) -> Sequence[FileLine]:
    return files[:: len(files) // LOOKED_AT + 1]


def _has_any(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entries)
    except OSError:
        return True


def _compared(base: Path, files: Sequence[FileLine]) -> tuple[int, int]:
    """How many of these files the folder has, and how many of these are as listed or arriving."""
    there = alike = 0
    for number, file in enumerate(files):
        if number == ENOUGH and not there:
            break
        try:
            path = os.fspath(base.joinpath(*safe_path(file.path, windows=_WINDOWS)))
        except UnsafeNameError:
            continue
        try:
            status = os.lstat(path)
        except (OSError, ValueError):
            is_alike = is_there = os.path.lexists(path + PARTIAL_SUFFIX)
        else:
            is_there = True
            is_alike = stat.S_ISREG(status.st_mode) and status.st_size == file.size
            if file.mtime is not None:
                is_alike = is_alike and abs(status.st_mtime - file.mtime) <= SAME_TIME_S
        there, alike = there + is_there, alike + is_alike
    return there, alike
