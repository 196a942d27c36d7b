"""A folder of a download of which the user watches the pieces. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from roles.downloads.folder_map import ContentPieces, FolderMap
from roles.joining.list_copy import Selection
from roles.values.events import DownloadState, FileEnded
from roles.values.watched import FolderPieces

LOOK_S = 0.25  # between two looks
MAP_AGAIN_S = 3.0  # between two maps of a folder whose list changes: it may have 100,000 files


class WatchedFolder:
    """Owned by the download's thread, except for `below`. At first nothing is watched."""

    def __init__(self) -> None:
        # Set by the leecher's thread: its path, which ends in "/"; "" for all of the download.
        self.below: str | None = None
        self.pieces: FolderPieces | None = None  # replaced whole, for any thread
        self._map: FolderMap | None = None
        self._mapped: Selection | None = None  # what the map is of
        self._mapped_at = self._look_at = 0.0

    def look(
        self,
        wanted: Selection,
        missing: Callable[[], AbstractSet[str]],
        coming: Callable[[], Iterable[ContentPieces]],
        *,
        now: float,
    ) -> None:
        """Update the pieces. `missing` returns the paths of files that are not here, `coming` the
        contents that are on their way. Call it often.
        """
        below = self.below
        if below is None:
            self._map = self.pieces = None
            return
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        is_old = wanted is not self._mapped and now >= self._mapped_at + MAP_AGAIN_S
        if self._map is None or self._map.below != below or is_old:
            self._map = FolderMap(wanted.files, below, missing())
            self._mapped, self._mapped_at = wanted, now
        self.pieces = self._map.pieces(coming())

    def note(self, ended: Iterable[FileEnded]) -> None:
        """Those of these files that did not fail are here now."""
        if self._map is not None:
            for file in ended:
                if file.state is not DownloadState.FAILED:
                    self._map.has(file.name)

    def forget(self) -> None:
        """Files that were here or had failed may be missing now: make another map."""
        self._map = None
