"""The temporary folder that the packed program runs from: kept while it runs, swept afterwards.

A folder is ours if it has our lock file, and stale if that lock is free. Folders of other packed
programs have no such file and are never touched.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import platform
import shutil
import stat
import sys
import time
from pathlib import Path

from roles.disk.file_lock import try_lock
from roles.values.errors import ShortageError
from roles.worker import Worker
from ui.packed.parent_watch import watch_parent

log = logging.getLogger(__name__)

PREFIX = "_MEI"  # PyInstaller's
LOCK_NAME = "lmk.lock"
MOST_NAMES = 20_000  # of the temporary folder to look at: 10 ms
MOST_SWEPT = 50  # folders of 20 MB per start: a second on a slow disk
SWEEP_AFTER_S = 1.0  # by then the window is painted and a role listens
_MOST_WORDS = 300  # bytes of a lock file to read; a computer's name has at most 255

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def settle_in() -> None:
    """What the packed program does for itself when it starts; call once there is a log. Returns at
    once; the sweep comes later, in a thread.
    """
    folder = own_unpack_folder()
    if folder is None:
        return
    hold(folder)
    watch_parent(folder)

    def sweep_later() -> None:
        time.sleep(SWEEP_AFTER_S)
        sweep(folder.parent, folder)

    with contextlib.suppress(ShortageError):  # the next start sweeps
        Worker(sweep_later, "lmk-sweep", daemon=True).start()


def own_unpack_folder() -> Path | None:
    """Where this process was unpacked; None from source, and where nothing was unpacked."""
    inside = getattr(sys, "_MEIPASS", "")
    return Path(inside) if Path(inside).name.startswith(PREFIX) else None


def hold(folder: Path) -> list[int]:
    """Mark this folder as in use, for as long as the process or the returned descriptors live.

    The lock on the folder keeps systemd-tmpfiles away, the one on the file keeps sweep() away.
    """
    held = list[int]()
    try:
        if sys.platform != "win32":
            import fcntl

            held.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
            with contextlib.suppress(BlockingIOError):  # somebody is checking it right now
                fcntl.flock(held[0], fcntl.LOCK_SH | fcntl.LOCK_NB)
        held.append(os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600))
        if try_lock(held[-1]):
            os.write(held[-1], _our_words())  # last: sweep() spares an empty lock file
    except OSError as error:  # a disk without locks: this folder is never swept
        log.warning("%s cannot be locked: %s", folder, error)
    return held


def sweep(temporary: Path, own: Path) -> int:
    """Remove what killed runs of this program left in `temporary`, but not `own`; returns how many
    folders.
    """
    swept = 0
    try:
        with os.scandir(temporary) as entries:
            for entry in itertools.islice(entries, MOST_NAMES):
                is_unpacked = entry.name.startswith(PREFIX) and entry.name != own.name
                if is_unpacked and _is_own_folder(entry):
                    swept += _remove_if_stale(Path(entry.path))
                if swept == MOST_SWEPT:
                    break
    except OSError as error:
        log.info("%s cannot be searched: %s", temporary, error)
    if swept:
        log.info("Removed %d folders of killed runs from %s.", swept, temporary)
    return swept


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # gone in the meantime
        return False
    return stat.S_ISDIR(status.st_mode) and _is_our_users(status)


def _remove_if_stale(folder: Path) -> bool:
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | _NO_LINK | getattr(os, "O_NONBLOCK", 0))
    except OSError:  # another program's, or one that is just being unpacked
        return False
    try:
        if not (_has_our_words(lock) and try_lock(lock)):
            return False
        _empty(folder)
    except OSError as error:
        log.info("%s cannot be swept: %s", folder, error)
        return False
    finally:
        os.close(lock)
    with contextlib.suppress(OSError):  # another sweep was faster
        (folder / LOCK_NAME).unlink()
        folder.rmdir()
    return not folder.exists()


def _has_our_words(lock: int) -> bool:
    """Whether we locked it before, on this computer: a network drive may hide locks of other
    computers.
    """
    status = os.fstat(lock)
    if not (stat.S_ISREG(status.st_mode) and _is_our_users(status)):
        return False
    return os.read(lock, _MOST_WORDS) == _our_words()


def _empty(folder: Path) -> None:
    """Remove all but the lock file: the next start continues an interrupted sweep."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != LOCK_NAME:
                Path(entry.path).unlink(missing_ok=True)


def _is_our_users(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.getuid()


def _our_words() -> bytes:
    return f"LMKtorrent runs from this folder on {platform.node()}\n".encode()[:_MOST_WORDS]
