"""The files of this program that can be given away: read once, in a thread, and kept in memory."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path

from roles.values.errors import ShortageError
from roles.web.start_page import ProgramFile
from roles.worker import Worker

log = logging.getLogger(__name__)

NAME = "lmktorrent"
PYZ = f"{NAME}.pyz"
MAX_BYTES = 64 * 1024 * 1024  # of one file; something that is larger is not this program
FROM_SOURCE = "It cannot be fetched from here: this tracker was started from its source."
UNREADABLE = "It cannot be fetched from here: its own file cannot be read."
_UNPACKED = "_MEI"  # PyInstaller unpacks a one-file program into a folder whose name begins so


class ProgramFiles:
    """The first call of start() reads them. Its users need no lock: `files` is replaced once."""

    def __init__(self, paths: tuple[tuple[Path, str, str], ...] | None = None) -> None:
        """`paths`: as own_files() returns them."""
        self._paths = own_files() if paths is None else paths
        self.files: tuple[ProgramFile, ...] | None = None if self._paths else ()
        self._worker: Worker | None = None

    @property
    def obstacle(self) -> str:
        """Why there are none."""
        return UNREADABLE if self._paths else FROM_SOURCE

    @property
    def is_read(self) -> bool:
        """Whether `files` has them all."""
        return self.files is not None or (self._worker is not None and not self._worker.is_alive())

    def start(self) -> None:
        if self.files is not None or self._worker is not None:
            return
        self._worker = Worker(self._read, "lmk-program")
        try:
            self._worker.start()
        except ShortageError as error:  # the next reader tries again
            log.warning("%s", error)
            self._worker = None

    def join(self) -> None:
        if self._worker is not None:
            self._worker.join()

    def _read(self) -> None:
        files = list[ProgramFile]()
        for path, kind, runs_on in self._paths:
            try:
                with path.open("rb") as file:
                    data = file.read(MAX_BYTES + 1)
                    mtime = int(os.fstat(file.fileno()).st_mtime)
            except (OSError, MemoryError) as error:
                log.warning("Browsers cannot get the program: %s", error)
                continue
            if len(data) <= MAX_BYTES:
                name = {"windows": f"{NAME}.exe", "pyz": PYZ}.get(kind, NAME)
                digest = hashlib.sha256(data).hexdigest()
                size = len(data)
                files.append(ProgramFile(name, size, digest, runs_on, kind, data, mtime))
        self.files = tuple(files)


def own_files() -> tuple[tuple[Path, str, str], ...]:
    """The file that this program runs from, if it is one, and the .pyz that it carries; nothing if
    it runs from source. Each with its kind and what it runs on, see ProgramFile.
    """
    archive = Path(__file__).resolve().parents[2]
    if archive.is_file():
        return ((archive, "pyz", _PYTHON),)
    if not hasattr(sys, "_MEIPASS"):
        return ()
    unpacked = Path(sys._MEIPASS)
    carried = (unpacked / PYZ, "pyz", _PYTHON)
    if not unpacked.name.startswith(_UNPACKED):  # the program is a folder, not one file
        return (carried,)
    kind = "windows" if sys.platform == "win32" else "unix"
    return ((Path(sys.executable), kind, _own_system()), carried)


_PYTHON = "any system with Python 3.11 or newer"


def _own_system() -> str:
    if sys.platform == "win32":
        return "Windows"
    name = {"linux": "Linux", "darwin": "macOS"}.get(sys.platform, sys.platform)
    return f"{name} ({os.uname().machine})"
