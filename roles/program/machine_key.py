"""A secret of this computer's user. With it, each room knows this computer by another id."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path

from roles.disk.state_file import StateFile
from roles.values.errors import StorageError

log = logging.getLogger(__name__)

SIZE = 32  # bytes
NAME = "machine-key.json"


@cache
def machine_key(state_folder: Path | None) -> bytes:
    """The same at each start, unless it cannot be kept."""
    if state_folder is None:
        return os.urandom(SIZE)
    file = StateFile(state_folder / NAME, is_secret=True)
    kept = file.read()
    if isinstance(kept, str) and len(kept) == 2 * SIZE and kept.isascii():
        return kept.encode()
    if kept is not None:
        file.keep_aside("it is no key")
    key = os.urandom(SIZE).hex()
    try:
        file.write(f'"{key}"'.encode())
    except StorageError as error:
        log.warning("After a restart this computer counts as another one: %s", error)
    return key.encode()
