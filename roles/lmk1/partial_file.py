"""The partial file of an LMK/1 download.

It always begins empty, because LMK/1 does not identify content.
"""

from __future__ import annotations

from pathlib import Path

from roles.disk.claimed_file import ClaimedFile


class PartialFile(ClaimedFile):
    """NAME.lmkpart in the folder, written by several threads at once."""

    can_be_checked = False

    def __init__(self, folder: Path, name: str) -> None:
        """Create it, or empty what an earlier run left. Raises StorageError."""
        super().__init__(folder, (name,))
        try:
            self.truncate(0)
        except BaseException:
            self.close()
            raise
