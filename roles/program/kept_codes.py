"""The codes of private rooms that this computer is to remember."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from roles.disk.state_file import StateFile
from roles.values.program_settings import is_text

MAX_CODES = 64


class KeptCodes:
    """One file, which only this user may read. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, is_secret=True)

    def load(self) -> dict[str, str]:
        """The codes, by the tracker's address as text."""
        value = self._file.read()
        if not isinstance(value, dict):
            return {}
        texts = [
            (tracker, code)
            for tracker, code in value.items()
            if isinstance(code, str) and is_text(tracker) and is_text(code)
        ]
        return dict(texts[:MAX_CODES])

    def save(self, codes: Mapping[str, str]) -> None:
        """Raises StorageError."""
        self._file.write(json.dumps(dict([*codes.items()][-MAX_CODES:])).encode())
