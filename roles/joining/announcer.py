"""What a seeder says of its folder: to LMK/1 readers through the tracker, and to the window.

It looks at the folder in the membership's thread, which does the talking.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from roles.joining.membership import AGAIN_S, PING_S, STATE_PING_S, Membership, Pace
from roles.joining.tracker_place import TrackerPlace
from roles.lmk1.shared_folder import FolderListing, SharedFolder
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import Address
from roles.values.catalogue import FileLine, decode_line
from roles.values.errors import ShortageError, StorageError
from roles.values.events import FolderScanned, ListedFile, Post, SeederState
from roles.values.participants import Status
from roles.worker import POLL_S

log = logging.getLogger(__name__)

RESCAN_S = 10.0
REPORT_S = 1.0  # between two reports while the folder is hashed


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the share stands at the tracker."""

    snapshot: LibrarySnapshot
    is_listed: bool  # all of it
    refusal: str


class Announcer:
    """Other threads use the public attributes, each one reference that is replaced whole."""

    def __init__(
        self,
        place: TrackerPlace,
        folder: SharedFolder,
        post: Post,
        should_stop: Callable[[], bool],
        library: FolderLibrary | None = None,
        status: Callable[[], Status] | None = None,
    ) -> None:
        """With a library, what is in sub-folders is offered too, to those who speak LMK/2."""
        self.listing = FolderListing({}, 0, ())  # written by the announcing thread, read by all
        self.state = SeederState.AVAILABLE  # written by the seeder's thread
        self.folder_changed = threading.Event()  # set by whoever sees an out-of-date listing
        self._folder = folder
        self._library = library
        self._post = post
        self._problem = ""  # why the folder could not be read the last time
        self._sizes: Mapping[str, int] = {}  # of `listing`: the same object while it is
        self._rescan_at = 0.0
        self._report_at = 0.0
        self._announced = 0  # files that LMK/1 readers can be told of
        self._is_shared = False  # the library is on the tracker's list, or will be
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
            pace=Pace(PING_S, STATE_PING_S, again_s=AGAIN_S, poll_s=POLL_S),
        )

    def read_folder(self) -> None:
        """Look at the folder, before run(). Raises StorageError."""
        self._take(self._folder.scan())
        self._report_folder()

    def run(self, listening: Address) -> None:
        """Announce the seeder that listens there until should_stop()."""
        self._rescan_at = time.monotonic() + RESCAN_S
        self.membership.run(listening)

    def look(self) -> Mapping[str, int]:
        """The files for LMK/1 readers; looks at the folder when it is time to."""
        now = time.monotonic()
        if now >= self._rescan_at or self.folder_changed.is_set():
            self._rescan_at = now + RESCAN_S
            self._rescan()
        if self._library is not None and self._is_shared:
            self._report_library(self._library, now)
        return self._sizes

    def told(self, count: int, *, is_shared: bool) -> None:
        """The tracker has as many of the files for LMK/1 readers now."""
        self._announced, self._is_shared, self._told = count, is_shared, self._sizes
        if count < len(self._sizes) and not is_shared:
            log.warning(
                "The tracker's list has room for %d of the %d files; the others are not offered.",
                count,
                len(self._sizes),
            )
        self._report_folder()

    def _report_library(self, library: FolderLibrary, now: float) -> None:
        """Now and then while it is read and told, and at once when the tracker has all of it."""
        snapshot, listed = library.snapshot, self.membership.listed_share
        standing = _Standing(snapshot, listed is snapshot, self.membership.refusal)
        if standing == self._reported:
            return
        is_end = snapshot.is_whole and standing.is_listed
        is_refused = self._reported is None or standing.refusal != self._reported.refusal
        if is_end or is_refused or now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report_folder()

    def _rescan(self) -> None:
        self.folder_changed.clear()
        try:
            found = self._folder.scan()
        except ShortageError as error:  # says nothing about the folder: what is offered stays
            log.info("%s", error)
            return
        except StorageError as error:
            found, problem = FolderListing({}, 0, ()), str(error)
            if problem != self._problem:
                log.warning("%s", problem)
        else:
            problem = ""
        if found != self.listing or problem != self._problem:
            self._problem = problem
            self._take(found)
            self._report_folder()

    def _take(self, listing: FolderListing) -> None:
        self.listing = listing
        self._sizes = {name: file.size for name, file in listing.files.items()}

    def _report_folder(self) -> None:
        files = {name: ListedFile(name, size) for name, size in self._sizes.items()}
        scanned = FolderScanned(
            (),
            self._announced,
            self.listing.in_subfolders,
            self.listing.skipped,
            self._problem,
            is_listed=self._told is self._sizes,
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
                self._problem or snapshot.problem,
                snapshot.is_whole,
                standing.is_listed,
                standing.refusal,
            )
        self._post(replace(scanned, files=tuple(files[name] for name in sorted(files))))

    def _shared_files(self, lines: tuple[str, ...]) -> list[ListedFile]:
        """The library's files: only the lines that are new are read."""
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
