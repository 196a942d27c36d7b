"""The lock that says that a file is being worked on; it goes with the process that holds it.

It knows neither names nor downloads.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Past every file that we take: what is locked there cannot be read by others.
    _LOCKED_BYTE = 1 << 41

    def try_lock(descriptor: int) -> bool:
        """Whether the lock was free, and is ours until the descriptor is closed."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Whether the lock was free, and is ours until the descriptor is closed."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
