"""Files and folders inside the program's own .pyz."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from roles.values.errors import StorageError


def member_of(archive: Path, name: str) -> bytes:
    """Raises OSError."""
    try:
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    except KeyError:
        raise FileNotFoundError(f"no {name} in {archive}") from None


@cache
def unpacked(archive: Path, name: str) -> Path:
    """The folder `name` of the archive, unpacked until the program ends. Raises StorageError."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="lmktorrent-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with zipfile.ZipFile(archive) as file:
            members = [member for member in file.namelist() if member.startswith(f"{name}/")]
            file.extractall(folder, members)
    except OSError as error:
        raise StorageError(
            f"The folder {name} of the program cannot be unpacked ({error.strerror or error}). "
            "Make room in the folder for temporary files, or name another one with TMPDIR."
        ) from None
    return folder / name
