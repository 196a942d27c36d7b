"""A download of LMK/1 on disk: it begins empty, for an original's content has no name.

It knows no wire.
"""

from __future__ import annotations

from pathlib import Path

from roles.disk.claimed_file import ClaimedFile


class PartialFile(ClaimedFile):
    """NAME.lmkpart in the folder, written by several threads at once."""

    can_be_checked = False

    def __init__(self, folder: Path, name: str) -> None:
        """Make it; what an earlier run left there is emptied. Raises StorageError."""
        super().__init__(folder, (name,))
        try:
            self.truncate(0)
        except BaseException:
            self.close()
            raise
