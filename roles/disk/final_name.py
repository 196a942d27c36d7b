"""How a whole file gets its final name, over nothing that exists unless it was told to.

It neither reads nor writes the file, and closes nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from roles.disk.open_folder import OpenFolder
from roles.values.safe_names import numbered

# Windows: a virus scanner holds a new file for moments. Together less than a stop may take.
RENAME_TRIES_S = (0.05, 0.1, 0.2, 0.4, 0.5)
MAX_NUMBER = 10_000  # "name (10000)": by then something else is wrong
_LINKS_LINKS = os.link in os.supports_follow_symlinks if hasattr(os, "link") else False


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
    """A hard link fails when the name exists, and a rename on POSIX does not.

    Windows renames as we need it. Raises FileExistsError and other OSErrors.
    """
    at = folder.descriptor
    if os.name == "nt":
        Path(folder.at(present)).rename(folder.at(target))
        return
    try:
        os.link(
            folder.at(present),
            folder.at(target),
            src_dir_fd=at,
            dst_dir_fd=at,
            follow_symlinks=not _LINKS_LINKS,
        )
    except FileExistsError:
        raise
    except OSError:  # FAT and some network disks have no links
        if folder.status(target) is not None:
            raise FileExistsError(errno.EEXIST, "it exists") from None
        os.rename(folder.at(present), folder.at(target), src_dir_fd=at, dst_dir_fd=at)
    else:
        os.unlink(folder.at(present), dir_fd=at)


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
    at = folder.descriptor
    os.replace(folder.at(present), folder.at(name), src_dir_fd=at, dst_dir_fd=at)
