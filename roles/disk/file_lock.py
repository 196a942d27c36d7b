"""The lock that says that a file is being worked on; it goes with the process that holds it.

It knows neither names nor downloads.
"""

from __future__ import annotations

import errno
import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Past every file that we take: what is locked there cannot be read by others.
    _LOCKED_BYTE = 1 << 41
    _IS_LOCKED = {errno.EACCES, errno.EDEADLOCK}

    def try_lock(descriptor: int) -> bool:
        """Whether the lock was free, and is ours until the descriptor is closed. Raises OSError."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno not in _IS_LOCKED:
                raise
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Whether the lock was free, and is ours until the descriptor is closed. Raises OSError."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
