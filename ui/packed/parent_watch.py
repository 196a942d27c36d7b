"""Ends the packed program, in order and within 2 s, if its first process is killed.

That one only unpacks and waits; the second process is the program.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import re
import signal
import sys
import time
from pathlib import Path

from roles.values.errors import ShortageError
from roles.worker import Worker

log = logging.getLogger(__name__)

LOOK_S = 0.25  # between two checks of our parent
GRACE_S = 1.25  # for the roles to leave; with one check before it, less than 2 s

_UNPACKED_BY = re.compile(r"_MEI([0-9a-f]{8})[A-Za-z0-9]{6}")  # PyInstaller's name on POSIX

if sys.platform == "win32":
    import _winapi

    _SYNCHRONIZE = 0x0010_0000
    _NO_SUCH_PROCESS = 87  # ERROR_INVALID_PARAMETER

    def _wait_for_end(parent: int) -> None:
        try:
            handle = _winapi.OpenProcess(_SYNCHRONIZE, False, parent)
        except OSError as error:
            if error.winerror == _NO_SUCH_PROCESS:
                return
            raise
        _winapi.WaitForSingleObject(handle, _winapi.INFINITE)

    def _ask_to_end() -> None:
        _thread.interrupt_main(signal.SIGTERM)

else:

    def _wait_for_end(parent: int) -> None:
        while os.getppid() == parent:  # an orphan gets another parent
            time.sleep(LOOK_S)

    def _ask_to_end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def watch_parent(unpack_folder: Path) -> None:
    """End this process when the process that unpacked it is gone, even if it is gone already."""
    named = _UNPACKED_BY.fullmatch(unpack_folder.name)
    parent = int(named[1], 16) if named is not None else os.getppid()
    with contextlib.suppress(ShortageError):  # then only the program's own end ends it
        Worker(lambda: _watch(parent), "lmk-parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    try:
        _wait_for_end(parent)
    except OSError as error:
        log.warning("Cannot tell whether the process that unpacked this program lives: %s", error)
        return
    log.info("The process that unpacked this program was killed: ending.")
    _ask_to_end()
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGTERM)
