"""A leecher's LMK/1 downloads, and what they share."""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING

from roles.downloads.download_life import DownloadContext
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.seeder_book import SeederBook
from roles.lmk1.seeder_finder import SeederFinder
from roles.net.throttle import Throttle
from roles.values.listed_file import ListedFile
from roles.values.safe_names import safe_name
from roles.values.settings import Existing
from roles.worker import loaded

if TYPE_CHECKING:
    from roles.lmk1.download import Lmk1Download


class Lmk1Downloads:
    """Creates the downloads. Owned by the leecher's thread."""

    def __init__(
        self,
        locator: TrackerLocator,
        throttle: Throttle,
        context: DownloadContext,
    ) -> None:
        self._throttle, self._context = throttle, context
        self._book = SeederBook(random.Random())
        self._made: dict[str, Lmk1Download] = {}  # the newest of each key
        # Protects _made, the book and the plans of all downloads; never held during I/O.
        self._lock = threading.Lock()
        self.finder = SeederFinder(locator, self._sought)  # for the room reader's thread

    def made(self, key: str, existing: Existing) -> Lmk1Download | None:
        """A new download of this key; None if it is offered under LMK/2, or not at all. Raises
        StorageError.
        """
        file = self.finder.file(key)
        if file is None:
            return None
        download = loaded(_download_class)(
            file,
            safe_name(file.name, windows=os.name == "nt"),
            existing,
            self._context,
            book=self._book,
            lock=self._lock,
            seeders=lambda: self.finder.seeders(file),
            throttle=self._throttle,
        )
        with self._lock:
            self._made[key] = download
        return download

    def _sought(self) -> tuple[ListedFile, ...]:
        with self._lock:
            made = list(self._made.values())
        return tuple(download.file for download in made if download.needs_peers)

    def network_changed(self) -> None:
        """Seeders that could not be reached from the old addresses may be reachable now."""
        with self._lock:
            self._book.network_changed()


def _download_class() -> type[Lmk1Download]:
    from roles.lmk1.download import Lmk1Download  # few leechers ever meet an original seeder

    return Lmk1Download
