"""Gives a finished file its final name; overwrites nothing unless told to."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections.abc import Callable

from roles.disk.open_folder import OpenFolder
from roles.disk.storage_faults import REFUSED
from roles.values.safe_names import numbered

log = logging.getLogger(__name__)

# Pauses on Windows, where a virus scanner may briefly hold a new file. Their sum is below the 2 s
# that stopping a role may take.
RENAME_TRIES_S = (0.05, 0.1, 0.2, 0.4, 0.5)
MAX_NUMBER = 10_000  # "name (10000)": by then something else is wrong
# Errors where a file can have only one name: FAT, many network drives, some phones.
_NO_LINKS = {
    errno.EACCES,
    errno.EINVAL,
    errno.EMLINK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EXDEV,
}


def give_name(folder: OpenFolder, present: str, name: str, *, may_replace: bool = False) -> str:
    """Rename `present` to `name`, or else to the first free numbered name; returns its new name.

    Never replaces a folder. Raises OSError.
    """
    if may_replace and not is_folder(folder, name):
        patiently(OpenFolder.replace, folder, present, name)
        return name
    for number in range(1, MAX_NUMBER):
        target = name if number == 1 else numbered(name, number)
        if take_name(folder, present, target):
            return target
    raise FileExistsError(errno.EEXIST, "every numbered name is taken")


def take_name(folder: OpenFolder, present: str, name: str) -> bool:
    """Rename `present` to `name`; False if that name is taken. Raises OSError."""
    try:
        patiently(rename_without_overwriting, folder, present, name)
    except FileExistsError:
        return False
    return True


def rename_without_overwriting(folder: OpenFolder, present: str, target: str) -> None:
    """Raises FileExistsError if the name is taken, and other OSErrors.

    On POSIX a rename would replace the other file, but a hard link does not. For a moment the file
    has two names; if the program is killed then, the next run removes the first (target_folder.py).
    """
    if os.name == "nt":  # here rename never replaces
        folder.move(present, target)
        return
    try:
        folder.link(present, target)
    except FileExistsError:
        if not _is_same_file(folder, present, target):  # NFS may have repeated a lost request
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if folder.status(target) is not None:
            raise FileExistsError(errno.EEXIST, "it exists") from None
        folder.move(present, target)
        return
    try:
        folder.remove(present)
    except FileNotFoundError:  # another program removed it as a leftover
        return
    except REFUSED as error:  # the file has its final name all the same
        log.warning("%s stays beside %s for now: %s", present, target, error)


def patiently(
    rename: Callable[[OpenFolder, str, str], object], folder: OpenFolder, present: str, name: str
) -> None:
    """Windows refuses a rename while any program has the file open, usually for a moment."""
    for pause_s in RENAME_TRIES_S if os.name == "nt" else ():
        try:
            rename(folder, present, name)
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    rename(folder, present, name)


def is_folder(folder: OpenFolder, name: str) -> bool:
    """Whether a folder, not a link to one, has this name."""
    status = folder.status(name)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _is_same_file(folder: OpenFolder, name: str, other: str) -> bool:
    first, second = folder.status(name), folder.status(other)
    return first is not None and second is not None and os.path.samestat(first, second)
