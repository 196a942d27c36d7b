"""Locks a file while a program works on it. The system releases the lock with the process."""

from __future__ import annotations

import errno
import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Beyond the end of any file, because others cannot read a locked byte.
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
