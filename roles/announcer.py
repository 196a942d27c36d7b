"""Keeps one seeder and its folder on a tracker's list, and puts them back when forgotten.

It runs in a thread of its own, for a tracker may be silent for seconds, and a running upload must
not wait for that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from roles.addresses import EVERY_INTERFACE, Address
from roles.errors import StorageError, TrackerSilentError
from roles.events import FolderScanned, ListedFile, Post, SeederState, TrackerAnswered, TrackerLost
from roles.interfaces import own_address_towards
from roles.settings import SeederSettings
from roles.shared_folder import FolderListing, SharedFolder
from roles.tracker_client import TrackerClient
from roles.worker import POLL_S

log = logging.getLogger(__name__)

PING_S = 15.0  # a tracker of ours forgets a seeder after 50 s, an original one after 10 min
STATE_PING_S = 2.0  # a changed state is told earlier, but no more often than this
RESCAN_S = 10.0
AGAIN_S = 3.0  # after the tracker was silent


class Announcer:
    """Owned by its thread.

    Other threads use the three public attributes, each one reference that is replaced whole.
    """

    def __init__(
        self,
        settings: SeederSettings,
        folder: SharedFolder,
        post: Post,
        should_stop: Callable[[], bool],
    ) -> None:
        self.listing = FolderListing({}, 0, ())  # written by this thread, read by all
        self.state = SeederState.AVAILABLE  # written by the seeder's thread
        self.folder_changed = threading.Event()  # set by whoever sees an out-of-date listing
        self._settings = settings
        self._folder = folder
        self._post = post
        self._should_stop = should_stop
        self._named: Address | None = None  # as the tracker knows us
        self._is_original = False
        self._told: FolderListing | None = None
        self._told_state = SeederState.AVAILABLE
        self._announced = 0
        self._loss = ""  # why the tracker could not be reached the last time
        self._problem = ""  # why the folder could not be read the last time

    def read_folder(self) -> None:
        """Look at the folder, before run(). Raises StorageError."""
        self.listing = self._folder.scan()
        if self.listing.left_out:
            log.info(
                "Not offered, for no leecher could store the name: %s",
                ", ".join(self.listing.left_out[:10]),
            )
        self._report_folder()

    def run(self, listening: Address) -> None:
        """Announce the seeder that listens there until should_stop()."""
        ping_at = again_at = 0.0
        rescan_at = time.monotonic() + RESCAN_S
        with TrackerClient(self._settings.tracker, self._should_stop) as client:
            while not self._should_stop():
                now = time.monotonic()
                if now >= rescan_at or self.folder_changed.is_set():
                    rescan_at = now + RESCAN_S
                    self._rescan()
                is_news = self.listing is not self._told or (
                    self.state is not self._told_state and now >= ping_at - PING_S + STATE_PING_S
                )
                if (now >= ping_at or is_news) and now >= again_at:
                    again_at = now + (0 if self._announce(client, listening) else AGAIN_S)
                    ping_at = now + PING_S
                self.folder_changed.wait(POLL_S)
            self._leave(client)

    def _rescan(self) -> None:
        self.folder_changed.clear()
        try:
            found = self._folder.scan()
        except StorageError as error:
            found, problem = FolderListing({}, 0, ()), str(error)
            if problem != self._problem:
                log.warning("%s", problem)
        else:
            problem = ""
        if found != self.listing or problem != self._problem:
            self.listing, self._problem = found, problem
            self._report_folder()

    def _announce(self, client: TrackerClient, listening: Address) -> bool:
        """Do what is due at the tracker; False when it was silent."""
        try:
            named = self._name_for(client, listening)
            state = self.state
            if named != self._named or not client.ping(named, state=state.value):
                self._register(client, named, is_everywhere=listening.host == EVERY_INTERFACE)
                client.ping(named, state=state.value)
            self._told_state = state
            if self._told is not self.listing:
                self._upload(client, named)
        except TrackerSilentError as error:
            self._lost(error)
            return False
        return True

    @staticmethod
    def _name_for(client: TrackerClient, listening: Address) -> Address:
        """Where others reach this seeder: the bound address, else the one towards the tracker.

        Raises TrackerSilentError when there is no way to the tracker.
        """
        if listening.host != EVERY_INTERFACE:
            return listening
        tracker = client.looked_up()
        try:
            return Address(own_address_towards(tracker.host), listening.port)
        except OSError as error:
            raise TrackerSilentError(
                f"No way leads to the tracker {tracker} ({error.strerror or error}). "
                "Is this computer on the network?"
            ) from None

    def _register(self, client: TrackerClient, named: Address, *, is_everywhere: bool) -> None:
        self._is_original = client.add_seeder(named, everywhere=is_everywhere)
        if self._named is None:
            log.info("Registered as %s at the tracker %s.", named, self._settings.tracker)
            self._post(TrackerAnswered(self._settings.tracker, self._is_original))
        self._loss = ""
        self._named, self._told = named, None

    def _upload(self, client: TrackerClient, named: Address) -> None:
        listing = self.listing
        sizes = {name: file.size for name, file in listing.files.items()}
        if self._is_original:
            self._announced = client.upload_files_to_original(sizes)
        else:
            self._announced = client.upload_files(sizes, named.port)
        self._told = listing
        if self._announced < len(sizes):
            log.warning(
                "The tracker's list has room for %d of the %d files; the others are not offered.",
                self._announced,
                len(sizes),
            )
        self._report_folder()

    def _lost(self, reason: TrackerSilentError) -> None:
        if str(reason) != self._loss:
            log.warning("%s", reason)
        self._named, self._loss = None, str(reason)
        self._post(TrackerLost(self._settings.tracker, reason))

    def _leave(self, client: TrackerClient) -> None:
        """Say goodbye, in one datagram that is not waited for: the role is stopping.

        Not to an original: it would not understand, and an answer that finds nobody ends it on
        Windows.
        """
        if self._named is None or self._is_original:
            return
        try:
            client.ping(self._named, state=self.state.value, leaving=True)
        except TrackerSilentError:
            log.debug("left the tracker %s", self._settings.tracker)

    def _report_folder(self) -> None:
        listing = self.listing
        files = tuple(ListedFile(name, file.size) for name, file in listing.files.items())
        self._post(
            FolderScanned(
                files, self._announced, listing.in_subfolders, listing.left_out, self._problem
            )
        )
