"""What a seeder's folder offers: to LMK/1 readers through the tracker, and to the window."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from roles.joining.membership import Announced
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import TopListing
from roles.sharing.offers import LibrarySnapshot
from roles.values.events import FolderScanned, Post
from roles.values.listed_file import ListedFile

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
        newest = self._library.snapshot
        problem, snapshot = newest.problem, newest if announced.takes_shares else None
        reported = (replace(announced, share=None), listing, problem, snapshot is None)
        progress = (snapshot, announced.share)
        if (reported, progress) == (self._reported, self._progress):
            return
        now = time.monotonic()
        is_end = snapshot is not None and snapshot.is_whole and announced.share is snapshot
        if reported == self._reported and not is_end and now < self._report_at:
            return
        self._reported, self._progress, self._report_at = reported, progress, now + REPORT_S
        if snapshot is None:
            self._post(_told_to_original(announced, listing, problem))
        else:
            self._post(self._shared(announced, listing, snapshot))

    def _shared(
        self, announced: Announced, listing: TopListing, snapshot: LibrarySnapshot
    ) -> FolderScanned:
        share = self._library.share_id
        files = {
            path: ListedFile(path, holding.content.size, holding.content.root, share)
            for path, holding in self._library.files().items()
        }
        if not snapshot.is_whole:  # those at the top are shown before they are read
            files = {name: ListedFile(name, size) for name, size in listing.sizes.items()} | files
        return FolderScanned(
            tuple(files[name] for name in sorted(files)),
            announced=0 if announced.share is None else announced.share.file_count,
            in_subfolders=0,
            skipped=snapshot.skipped,
            problem=snapshot.problem,
            is_whole=snapshot.is_whole,
            is_listed=announced.share is snapshot,
            refusal=announced.refusal,
        )


def _told_to_original(announced: Announced, listing: TopListing, problem: str) -> FolderScanned:
    return FolderScanned(
        tuple(ListedFile(name, listing.sizes[name]) for name in sorted(listing.sizes)),
        announced=announced.lmk1_count,
        in_subfolders=listing.in_subfolders,
        skipped=listing.skipped,
        problem=problem,
        is_listed=announced.lmk1_files is listing.sizes,
    )
