"""Notices when another program writes to a file that only we should write to.

Reading the whole file again at the end would show it too, but takes half as long as a fast
transfer.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roles.disk import disk_calls
from roles.disk.storage_faults import REFUSED

# Modification time of a partial file: 2000-01-01. Any write changes it, even one within the same
# tick of the file system's clock (4 ms on older systems) as our own.
ARRIVING_NS = 946_684_800_000_000_000
# On a network drive each look would first send all written data, so we do not watch files there,
# but read them again at the end. On a local disk a look takes 2 µs.
_REMOTE = {"9p", "afs", "ceph", "cifs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
_MOUNTS = Path("/proc/self/mountinfo")


class Traces(NamedTuple):
    """What shows that a file is the same as before, and that nobody has written to it."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Traces:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_still(self, status: os.stat_result | None) -> bool:
        return status is not None and stat.S_ISREG(status.st_mode) and Traces.of(status) == self


class FileWatch:
    """Watches one open file; for one thread at a time. Every method may raise OSError.

    Make your own writes between look() and trust(). It does not notice what another program writes
    in that time, usually a fraction of a millisecond, nor a write through a memory map for which
    the file system does not update the time.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._known = (0, 0, 0)
        self.is_remote = _is_remote(os.fstat(descriptor).st_dev)
        self.is_touched = False  # it may have changed on the disk since the last check
        self.is_unwatched = False  # another program may have done so unnoticed
        self.trust()

    def look(self) -> os.stat_result:
        """The file's status. Sets is_touched if another program wrote to it."""
        status = os.fstat(self._descriptor)
        if _state(status) != self._known:
            self.is_touched = True
        return status

    def begin(self) -> None:
        """Call this before checking the whole file."""
        if self.is_touched:  # further writes through a memory map only show after a sync
            disk_calls.sync(self._descriptor)
            disk_calls.drop_cached(self._descriptor)  # after a failed sync, memory may have more
        self.trust()
        self.is_touched = self.is_unwatched = False

    def trust(self) -> None:
        """Accept the file as it is now, and set its time to ARRIVING_NS."""
        if disk_calls.TIMES_BY_DESCRIPTOR:
            try:  # noqa: SIM105 (once for each chunk of LMK/1: suppress() takes as long as the rest)
                disk_calls.set_times(self._descriptor, ARRIVING_NS)
            # Only the owner may set it. The system's clock has to do then.
            except REFUSED:
                pass
        self.keep()

    def keep(self, status: os.stat_result | None = None) -> None:
        """Like trust(), but keeps the file's times. If the file is closed, pass its `status`."""
        self._known = _state(os.fstat(self._descriptor) if status is None else status)

    def has_content_of(self, status: os.stat_result | None) -> bool:
        """Whether nobody has written to it since. Ignores the ctime, which a rename changes."""
        if status is None:
            return False
        now, known = _state(status), self._known
        return (now[0], now[2]) == (known[0], known[2])


def _state(status: os.stat_result) -> tuple[int, int, int]:
    """What a write changes. Programs can set the mtime back, but not the ctime. A tuple, because it
    is made twice for each chunk of LMK/1, and Traces take four times as long.
    """
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


@cache
def _is_remote(device: int) -> bool:
    """Whether this is a network drive; False if the system does not tell."""
    number = f"{os.major(device)}:{os.minor(device)}" if hasattr(os, "major") else ""
    with suppress(OSError):
        for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            mount, _, file_system = line.partition(" - ")
            if mount.split(" ")[2:3] == [number]:
                kind = file_system.partition(" ")[0]
                return kind in _REMOTE or kind.startswith("fuse.")
    return False
