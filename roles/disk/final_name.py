"""How a whole file gets its final name, over nothing that exists unless it was told to.

It neither reads nor writes the file, and closes nothing.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections.abc import Callable
from functools import partial

from roles.disk import disk_calls
from roles.disk.open_folder import OpenFolder
from roles.disk.storage_faults import REFUSED
from roles.values.safe_names import numbered

log = logging.getLogger(__name__)

# Windows: a virus scanner holds a new file for moments. Together less than a stop may take.
RENAME_TRIES_S = (0.05, 0.1, 0.2, 0.4, 0.5)
MAX_NUMBER = 10_000  # "name (10000)": by then something else is wrong
# What systems say where a file can have one name only: FAT, many network drives, some phones.
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
    """Rename `present` to `name`, or to the first numbered name that is free. Raises OSError.

    A folder is never replaced. Returns the name that it has now.
    """
    if may_replace and not is_folder(folder, name):
        patiently(partial(_replace, folder, present, name))
        return name
    for number in range(1, MAX_NUMBER):
        target = name if number == 1 else numbered(name, number)
        if take_name(folder, present, target):
            return target
    raise FileExistsError(errno.EEXIST, "every numbered name is taken")


def take_name(folder: OpenFolder, present: str, name: str) -> bool:
    """Rename `present` to `name`; False when something has that name. Raises OSError."""
    try:
        patiently(partial(rename_without_overwriting, folder, present, name))
    except FileExistsError:
        return False
    return True


def rename_without_overwriting(folder: OpenFolder, present: str, target: str) -> None:
    """Raises FileExistsError when something has the name, and other OSErrors.

    A rename on POSIX would replace it, and a hard link does not. The file has two names for a
    moment; what ends the program then is put right by the next one (leftovers.py).
    """
    at = folder.descriptor
    if os.name == "nt":  # renames as we need it
        disk_calls.rename(folder.at(present), folder.at(target))
        return
    try:
        disk_calls.link(folder.at(present), folder.at(target), at=at)
    except FileExistsError:
        if not _is_same_file(folder, present, target):  # NFS may say so of its own first try
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if folder.status(target) is not None:
            raise FileExistsError(errno.EEXIST, "it exists") from None
        disk_calls.rename(folder.at(present), folder.at(target), at=at)
        return
    try:
        disk_calls.unlink(folder.at(present), at=at)
    except FileNotFoundError:  # another program took it for a leftover
        return
    except REFUSED as error:  # the file has its name
        log.warning("%s stays beside %s for now: %s", present, target, error)


def patiently(rename: Callable[[], object]) -> None:
    """Windows refuses a rename while anyone looks at the file, for moments as a rule."""
    for pause_s in RENAME_TRIES_S if os.name == "nt" else ():
        try:
            rename()
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    rename()


def is_folder(folder: OpenFolder, name: str) -> bool:
    """Whether a folder has this name, and not a link to one."""
    status = folder.status(name)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _replace(folder: OpenFolder, present: str, name: str) -> None:
    disk_calls.replace(folder.at(present), folder.at(name), at=folder.descriptor)


def _is_same_file(folder: OpenFolder, one: str, other: str) -> bool:
    first, second = folder.status(one), folder.status(other)
    return first is not None and second is not None and os.path.samestat(first, second)
