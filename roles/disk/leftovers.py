"""Removes what a killed run left in a target folder.

It touches only names that no other program uses, and no file that a running program works on.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.file_lock import try_lock
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.storage_faults import LEFT_UNDONE
from roles.disk.stored_names import StoredPath
from roles.values.content import Content
from roles.values.safe_names import PARTIAL_SUFFIX, shown_name

log = logging.getLogger(__name__)

_OPEN_FLAGS = os.O_RDWR | disk_calls.PLAIN_FLAGS | getattr(os, "O_NONBLOCK", 0)
_PROBE = re.compile(r"\.lmk-Probe-[0-9]+" + re.escape(PARTIAL_SUFFIX))
# A pack in the target folder; with a number, its offset in the pack, a member in its own folder.
_PACK = re.compile(r"(\.lmk-[0-9a-f]{16})(-[0-9]+)?" + re.escape(PARTIAL_SUFFIX))


def pack_stored(pack: Content) -> StoredPath:
    """The stored name of a pack, directly in the target folder. It never gets a final name."""
    return (f".lmk-{pack.root.hex()[:16]}",)


def probe_name(number: int) -> str:
    """The name of a file created only to see how a folder compares names."""
    return f".lmk-Probe-{number}{PARTIAL_SUFFIX}"


def drop_partial(folder: OpenFolder, name: str) -> None:
    """Remove the partial file of a file that is complete or no longer wanted."""
    partial = name + PARTIAL_SUFFIX
    if folder.has(partial):
        with suppress(*LEFT_UNDONE):
            _drop_if_free(folder, partial)


def drop_partials(target: Path, files: Iterable[StoredPath]) -> None:
    """Remove the partial files of these stored files."""
    with closing(LastFolder(target, make=False)) as last:
        for stored in files:
            with suppress(*LEFT_UNDONE):
                drop_partial(last.open(stored[:-1]), stored[-1])


def drop_member_partials(target: Path, folders: Iterable[StoredPath]) -> None:
    """Remove members of packs that a killed run wrote but did not rename.

    In that case their pack is still in the target folder, and unlocked.
    """
    killed = set[str]()
    with suppress(*LEFT_UNDONE), OpenFolder.base(target, make=False) as base:
        killed = {prefix for prefix in _packs(base) if _is_free(base, prefix + PARTIAL_SUFFIX)}
    for stored in folders if killed else ():
        with suppress(*LEFT_UNDONE):
            _drop_members(target, stored, killed)


def drop_packs(target: Path) -> None:
    """Remove all packs that no program works on. Call it if no download here is unfinished."""
    with suppress(*LEFT_UNDONE), OpenFolder.base(target, make=False) as base:
        for name in base.names():
            if _PROBE.fullmatch(name):
                _drop_if_free(base, name)
        for prefix in _packs(base):
            _drop_if_free(base, prefix + PARTIAL_SUFFIX)


def _drop_members(target: Path, stored: StoredPath, killed: set[str]) -> None:
    with OpenFolder.below(target, stored, make=False) as folder:
        for name in folder.names():
            match = _PACK.fullmatch(name)
            if match is not None and match[2] and match[1] in killed:
                _drop(folder, name)


def _packs(base: OpenFolder) -> list[str]:
    """The names of the packs in the target folder, without suffix."""
    matches = map(_PACK.fullmatch, base.names())
    return [match[1] for match in matches if match is not None and not match[2]]


def _is_free(folder: OpenFolder, name: str) -> bool:
    """Whether it is a file that no program works on. Raises OSError."""
    descriptor = folder.open_file(name, _OPEN_FLAGS)
    try:
        return _is_locked_by_us(descriptor)
    finally:
        os.close(descriptor)


def _drop_if_free(folder: OpenFolder, name: str) -> None:
    """Raises OSError. Except on Windows, it keeps the file locked until it is removed."""
    descriptor = folder.open_file(name, _OPEN_FLAGS)
    try:
        at_path = folder.status(name)
        is_it = at_path is not None and os.path.samestat(at_path, os.fstat(descriptor))
        if not (_is_locked_by_us(descriptor) and is_it):
            return
        if os.name != "nt":
            _drop(folder, name)
            return
    finally:
        os.close(descriptor)
    _drop(folder, name)


def _is_locked_by_us(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode) and try_lock(descriptor)


def _drop(folder: OpenFolder, name: str) -> None:
    folder.remove(name)
    log.info("Removed %s, which an earlier run or a cancelled download left.", shown_name(name))
