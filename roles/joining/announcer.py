"""What a seeder's folder offers: to LMK/1 readers through the tracker, and to the window."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from roles.joining.membership import Announced
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import TopListing
from roles.values.events import FolderScanned, ListedFile, Post

REPORT_S = 1.0  # between two reports while the folder is hashed


class Announcer:
    """Owned by the membership's thread."""

    def __init__(self, library: FolderLibrary, post: Post) -> None:
        self._library, self._post = library, post
        self._report_at = 0.0
        self._reported: object = None  # all that the last report was made of
        self._progress: object = None  # the part of it that changes all the time while hashing

    def look(self, announced: Announced) -> Mapping[str, int] | None:
        """Report what is new in the folder.

        Returns the sizes of the files for LMK/1 readers, by name; None before the first scan.
        """
        listing = self._library.top
        if listing is None:
            return None
        self._report(announced, listing)
        return listing.sizes

    def _report(self, announced: Announced, listing: TopListing) -> None:
        problem = self._library.snapshot.problem
        snapshot = self._library.snapshot if announced.takes_shares else None
        reported = (replace(announced, share=None), listing, problem, snapshot is None)
        progress = (snapshot, announced.share)
        if (reported, progress) == (self._reported, self._progress):
            return
        now = time.monotonic()
        is_end = snapshot is not None and snapshot.is_whole and announced.share is snapshot
        if reported == self._reported and not is_end and now < self._report_at:
            return
        self._reported, self._progress, self._report_at = reported, progress, now + REPORT_S
        files = {name: ListedFile(name, size) for name, size in listing.sizes.items()}
        if snapshot is None:
            scanned = FolderScanned(
                (),
                announced.lmk1_count,
                listing.in_subfolders,
                listing.skipped,
                problem,
                is_listed=announced.lmk1_files is listing.sizes,
            )
        else:
            share = self._library.share_id
            offered = {
                path: ListedFile(path, one.content.size, one.content.root, share)
                for path, one in self._library.files().items()
            }
            files = offered if snapshot.is_whole else files | offered
            scanned = FolderScanned(
                (),
                0 if announced.share is None else announced.share.file_count,
                0,
                snapshot.skipped,
                problem,
                snapshot.is_whole,
                announced.share is snapshot,
                announced.refusal,
            )
        self._post(replace(scanned, files=tuple(files[name] for name in sorted(files))))
