"""Notices when another program writes to a file that only this program should write to.

Reading the whole file again at the end would also show it, but takes half as long as a fast
transfer.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.storage_faults import REFUSED

# Modification time of a file while it arrives: 2000-01-01. Any write replaces it, even within the
# same tick of the file system's clock (4 ms on older systems) as our own write.
ARRIVING_NS = 946_684_800_000_000_000
# On network drives each look would first send everything that was written, so there files are not
# watched but read again at the end. A look at a local disk takes 2 µs.
_REMOTE = {"9p", "afs", "ceph", "cifs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
_MOUNTS = Path("/proc/self/mountinfo")


class FileWatch:
    """Of one open file, for one thread at a time. Every method may raise OSError.

    Own writes go between look() and trust(). A write of another program in that time, usually a
    fraction of a millisecond, is not noticed, and neither is one through a memory map for which
    the file system gives no new time.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._known = (0, 0, 0)
        self.is_remote = _is_remote(os.fstat(descriptor).st_dev)
        self.is_touched = False  # another program wrote to it since it was checked
        self.is_unwatched = False  # another program may have written to it unnoticed
        self.trust()

    def look(self) -> os.stat_result:
        """The file's status; if another program wrote to it, is_touched from now on."""
        status = os.fstat(self._descriptor)
        if _traces(status) != self._known:
            self.is_touched = True
        return status

    def begin(self) -> None:
        """A check of the whole file begins."""
        if self.is_touched:  # later writes through a memory map are noticed only after a sync
            disk_calls.sync(self._descriptor)
        self.trust()
        self.is_touched = self.is_unwatched = False

    def trust(self) -> None:
        """Take the file as it is now for our own work, and set its time to ARRIVING_NS."""
        if disk_calls.TIMES_BY_DESCRIPTOR:
            try:  # noqa: SIM105 (once for each chunk of LMK/1: suppress() takes as long as the rest)
                disk_calls.set_times(self._descriptor, ARRIVING_NS)
            # Only the owner may, or memory lacks: then the system's clock has to do.
            except REFUSED:
                pass
        self.keep()

    def keep(self, status: os.stat_result | None = None) -> None:
        """As trust(), but with the times that it has now. Give its `status` if it is closed."""
        self._known = _traces(os.fstat(self._descriptor) if status is None else status)

    def has_content_of(self, status: os.stat_result | None) -> bool:
        """Whether nobody has written to it since. A rename changes its ctime, which is ignored."""
        if status is None:
            return False
        now, known = _traces(status), self._known
        return (now[0], now[2]) == (known[0], known[2])


def _traces(status: os.stat_result) -> tuple[int, int, int]:
    """What a write changes. Nobody can set back the second one, ctime."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


@cache
def _is_remote(device: int) -> bool:
    """Whether this is a network drive; False where the system does not say."""
    number = f"{os.major(device)}:{os.minor(device)}" if hasattr(os, "major") else ""
    with suppress(OSError):
        for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            mount, _, file_system = line.partition(" - ")
            if mount.split(" ")[2:3] == [number]:
                kind = file_system.partition(" ")[0]
                return kind in _REMOTE or kind.startswith("fuse.")
    return False
