"""What travels inside the program's own .pyz: a file, or a folder unpacked until the end.

It knows no profile and no role.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)


def member_of(archive: Path, name: str) -> bytes:
    """The content of one file of the archive. Raises OSError."""
    try:
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    except KeyError:
        raise FileNotFoundError(f"no {name} in {archive}") from None


@cache
def unpacked(archive: Path, name: str) -> Path:
    """Where the folder `name` of the archive lies now; gone at the program's end.

    Where nothing can be written, a folder that does not exist, with a line in the log.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="lmktorrent-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with zipfile.ZipFile(archive) as file:
            members = [member for member in file.namelist() if member.startswith(f"{name}/")]
            file.extractall(folder, members)
    except OSError as error:
        log.warning("The folder %s of %s cannot be unpacked (%s).", name, archive, error)
        return archive / name
    return folder / name
