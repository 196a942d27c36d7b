"""Finds out which names a folder treats as equal.

It asks the disk, because a Linux machine may have a FAT stick, and a Mac a case-sensitive disk.
"""

from __future__ import annotations

import itertools
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.file_lock import try_lock
from roles.disk.leftovers import probe_name
from roles.values.safe_names import collision_key

_MOST_ENTRIES = 100  # entries of a folder to try
_PROBE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | disk_calls.PLAIN_FLAGS


def key_of_names(folder: Path) -> Callable[[str], str]:
    """Returns a function whose result is equal for names that the folder treats as one.

    `folder` need not exist yet.
    """
    by_case = _by_case(folder)
    if by_case or (by_case is None and (os.name == "nt" or sys.platform == "darwin")):
        return collision_key  # "A" and "a" are one file, and so are the two forms of "é"
    return compose if sys.platform == "darwin" else str


def compose(name: str) -> str:
    """Equal for the composed and the decomposed "é"."""
    return unicodedata.normalize("NFC", name)


def _by_case(folder: Path) -> bool | None:
    """Whether the folder ignores case; None if unknown. A folder that does not exist yet will be
    like its parent.
    """
    above = (folder, *folder.parents)
    # os.path.isdir() is also False if the system refuses to say, where Path.is_dir() raises.
    there = next((path for path in above if os.path.isdir(path)), None)  # noqa: PTH112
    if there is None:
        return None
    with suppress(OSError):
        with os.scandir(there) as entries:
            names = [entry.name for entry in itertools.islice(entries, _MOST_ENTRIES)]
        ignores_case = _by_names(there, names)
        if ignores_case is not None:
            return ignores_case
    with suppress(OSError):
        if there == folder:
            return _by_trying(folder)
    with suppress(OSError):
        if there.stat().st_dev == there.parent.stat().st_dev:
            return _by_names(there.parent, [there.name])
    return None


def _by_names(folder: Path, names: Iterable[str]) -> bool | None:
    for name in names:
        other = name.swapcase()
        if other == name or not name.isascii():
            continue
        with suppress(OSError):
            status = os.lstat(folder / name)
            try:
                swapped = os.lstat(folder / other)
            except FileNotFoundError:
                return False
            if not os.path.samestat(status, swapped):
                return False
            # A file with several links may have both names.
            if status.st_nlink == 1 or Path(folder / name).is_dir():
                return True
    return None


def _by_trying(folder: Path) -> bool | None:
    name = probe_name(os.getpid())
    descriptor = os.open(folder / name, _PROBE_FLAGS, 0o600)
    try:
        try_lock(descriptor)  # keeps other programs from removing it as a leftover
        return _by_names(folder, [name])
    finally:
        os.close(descriptor)
        disk_calls.unlink(os.fspath(folder / name))
