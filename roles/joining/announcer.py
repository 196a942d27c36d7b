"""What a seeder tells of its folder: to LMK/1 readers through the tracker, and to the window.

It works in the membership's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from roles.joining.membership import AGAIN_S, PING_S, STATE_PING_S, Membership, Pace
from roles.joining.tracker_dialects import Lmk1Client
from roles.joining.tracker_place import TrackerPlace
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import TopListing
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import Address
from roles.values.catalogue import FileLine, decode_line
from roles.values.events import FolderScanned, ListedFile, Post, SeederState
from roles.values.participants import Status
from roles.worker import POLL_S

log = logging.getLogger(__name__)

REPORT_S = 1.0  # between two reports while the folder is hashed


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the share stands at the tracker."""

    snapshot: LibrarySnapshot
    is_listed: bool  # whether the tracker has all of the snapshot
    refusal: str


class Lmk1Folder(Protocol):
    """A folder as LMK/1 offers it, without sub-folders."""

    @property
    def listing(self) -> TopListing: ...

    @property
    def problem(self) -> str:
        """Why the last look failed; "" if it did not."""

    def read(self) -> None:
        """Look at it for the first time. Raises StorageError."""

    def look(self) -> bool:
        """Look again if it is time to. Returns whether anything has changed."""


class Announcer:
    """Other threads use the public attributes, each a reference that is replaced whole."""

    def __init__(
        self,
        place: TrackerPlace,
        folder: Lmk1Folder,
        post: Post,
        should_stop: Callable[[], bool],
        library: FolderLibrary | None = None,
        status: Callable[[], Status] | None = None,
        lmk1: Lmk1Client | None = None,
    ) -> None:
        """With a library, LMK/2 readers also get sub-folders. `lmk1` as in Membership."""
        self.state = SeederState.AVAILABLE  # written by the seeder's thread
        self._folder = folder
        self._library = library
        self._post = post
        self._report_at = 0.0
        self._announced = 0  # files on the tracker's list for LMK/1 readers
        self._is_shared = False  # the tracker takes the library's list
        self._shared = dict[str, ListedFile]()  # the library's files by their lines
        self._told: Mapping[str, int] | None = None  # the sizes that the tracker has
        self._reported: _Standing | None = None
        self.membership = Membership(
            place,
            post,
            should_stop,
            status or (lambda: Status(self.state.value)),
            is_leecher=False,
            own_share=library,
            lmk1_list=self,
            lmk1=lmk1,
            pace=Pace(PING_S, STATE_PING_S, again_s=AGAIN_S, poll_s=POLL_S),
        )

    def read_folder(self) -> None:
        """Call it before run(). Raises StorageError."""
        self._folder.read()
        self._report_folder()

    def run(self, listening: Address) -> None:
        """Announce the seeder that listens there, until should_stop()."""
        self.membership.run(listening)

    def look(self) -> Mapping[str, int]:
        """Sizes of the files for LMK/1 readers, by name; looks at the folder if it is time to."""
        if self._folder.look():
            self._report_folder()
        if self._library is not None and self._is_shared:
            self._report_library(self._library, time.monotonic())
        return self._folder.listing.sizes

    def told(self, count: int, *, is_shared: bool) -> None:
        """The tracker has so many of the files for LMK/1 readers now."""
        sizes = self._folder.listing.sizes
        self._announced, self._is_shared, self._told = count, is_shared, sizes
        if count < len(sizes) and not is_shared:
            log.warning(
                "The tracker's list has room for %d of the %d files; the others are not offered.",
                count,
                len(sizes),
            )
        self._report_folder()

    def _report_library(self, library: FolderLibrary, now: float) -> None:
        """Report every REPORT_S while the folder is read, and at once when the tracker has all of
        it or refuses it.
        """
        snapshot, listed = library.snapshot, self.membership.listed_share
        standing = _Standing(snapshot, listed is snapshot, self.membership.refusal)
        if standing == self._reported:
            return
        is_end = snapshot.is_whole and standing.is_listed
        is_refused = self._reported is None or standing.refusal != self._reported.refusal
        if is_end or is_refused or now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report_folder()

    def _report_folder(self) -> None:
        listing, problem = self._folder.listing, self._folder.problem
        files = {name: ListedFile(name, size) for name, size in listing.sizes.items()}
        scanned = FolderScanned(
            (),
            self._announced,
            listing.in_subfolders,
            listing.skipped,
            problem,
            is_listed=self._told is listing.sizes,
        )
        if self._library is not None and self._is_shared:
            snapshot, listed = self._library.snapshot, self.membership.listed_share
            standing = _Standing(snapshot, listed is snapshot, self.membership.refusal)
            self._reported = standing
            shared = {file.name: file for file in self._shared_files(snapshot.lines)}
            files = shared if snapshot.is_whole else files | shared
            scanned = FolderScanned(
                (),
                listed.file_count if isinstance(listed, LibrarySnapshot) else 0,
                0,
                snapshot.skipped,
                problem or snapshot.problem,
                snapshot.is_whole,
                standing.is_listed,
                standing.refusal,
            )
        self._post(replace(scanned, files=tuple(files[name] for name in sorted(files))))

    def _shared_files(self, lines: tuple[str, ...]) -> list[ListedFile]:
        """The library's files; decodes only lines that are new."""
        known, self._shared = self._shared, {}
        share = self._library.share_id if self._library is not None else ""
        for text in lines:
            file = known.get(text)
            if file is None:
                line = decode_line(text)
                if not isinstance(line, FileLine) or line.content is None:
                    continue
                file = ListedFile(line.path, line.size, line.content.root, share)
            self._shared[text] = file
        return list(self._shared.values())
