"""The seeder role: offers one folder, announces it to a tracker and serves leechers.

Threads: the role's own accepts connections, reads greetings and measures rates; `lmk-hasher` hashes
the folder, and `lmk-torrent` makes its torrent; `lmk-member` talks to the tracker; each
`lmk-uploader` (LMK/2) and `lmk-upload` (LMK/1) serves one leecher, each `lmk-browser` a connection
of a browser; `lmk-caller` connects to leechers if they cannot connect to us.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roles.joining.announcer import Announcer
from roles.joining.membership import Membership, Seeding
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.lmk1.uploads import Lmk1Uploads
from roles.net.connection import Connection
from roles.net.interfaces import address_for_others, own_name
from roles.net.listening import Listener, listen_tcp
from roles.net.throttle import Throttles
from roles.program.log_file import hide_folder
from roles.program.machine_key import machine_key
from roles.role import Role
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import check_readable
from roles.swarm.acceptor import Acceptor
from roles.swarm.reverse_connections import ReverseConnections
from roles.uploads.peer_uploads import PeerUploads
from roles.uploads.slots import slots_for_lmk2
from roles.values.addresses import web_address
from roles.values.events import (
    HashingChanged,
    Post,
    RoleEvent,
    RoleStarted,
    SeederState,
    UploadsChanged,
    Warned,
)
from roles.values.figures import count
from roles.values.list_lines import WebLine, encode_line
from roles.values.participants import ParticipantState, Status
from roles.values.settings import SeederSettings, TorrentKind
from roles.wire.greeting import Hello
from roles.worker import Worker, loaded

if TYPE_CHECKING:
    from roles.torrents.torrent_maker import TorrentMaker
    from roles.web.browser_uploads import BrowserUploads

REPORT_S = 0.25
ANSWER_S = 1.0  # for the tracker to say that its room is private; a LAN answers at once


class Seeder(Role):
    """Posts SeederEvents."""

    def __init__(
        self, settings: SeederSettings, post: Post, throttles: Throttles | None = None
    ) -> None:
        """`throttles`: shared by the whole program."""
        super().__init__("seeder", post)
        hide_folder(settings.folder)
        if settings.code:  # nothing goes out unencrypted
            settings = replace(settings, door=False)
        self._settings = settings
        self._throttles = throttles or Throttles()
        # The last posted events, which the membership's thread reads without a lock.
        self._uploads = UploadsChanged(SeederState.AVAILABLE, (), 0)
        self._hashing = HashingChanged(0, 0, 0)
        self._torrents: TorrentMaker | None = None
        self._locator = TrackerLocator(
            settings.tracker,
            settings.failover,
            post,
            stopping=self._stopping,
            code=settings.code,
        )
        self._browsers: BrowserUploads | None = None  # of the role's thread

    def _run(self) -> None:
        settings = self._settings
        check_readable(settings.folder)
        cache = _cache_file(settings)
        library = FolderLibrary(
            settings.folder, cache, self._note_hashing, self._stopping, settings.look_s
        )
        if settings.door:
            library.add_line(encode_line(WebLine()))
        if library.notice:
            self._post(Warned(library.notice))
        self._torrents = self._torrent_maker(library)
        announcer = Announcer(library, self._post)
        membership = Membership(
            self._locator,
            self._post,
            self._status,
            Seeding(
                library,
                announcer.look,
                None if self._locator.is_private else TrackerClient(self._locator),
            ),
            machine_key=machine_key(settings.state_folder),
            name=settings.name,
        )
        uploads = PeerUploads(library, slots_for_lmk2(settings.slots), self._throttles.up)
        lmk1_uploads = Lmk1Uploads(
            library,
            uploads,
            slots=settings.slots,
            throttle=self._throttles.up,
            stopping=self._stopping,
        )
        listener, note = listen_tcp(settings.bind, exactly=settings.bind_exactly)
        with listener:
            address = listener.address
            for_others = address_for_others(address)
            web = web_address(for_others) if settings.door else ""
            self._post(RoleStarted(address, for_others, note, web))
            self._serve(listener, library, membership, uploads, lmk1_uploads)

    def _torrent_maker(self, library: FolderLibrary) -> TorrentMaker | None:
        settings = self._settings
        if settings.torrent is TorrentKind.NONE or not settings.door:
            return None
        from roles.torrents.torrent_maker import TorrentMaker
        from roles.torrents.torrent_store import TorrentStore

        kept = None if settings.state_folder is None else settings.state_folder / "torrents"
        return TorrentMaker(
            library,
            TorrentStore(kept),
            self._post,
            self._stopping,
            is_private=settings.torrent is TorrentKind.PRIVATE,
        )

    def _serve(
        self,
        listener: Listener,
        library: FolderLibrary,
        membership: Membership,
        uploads: PeerUploads,
        lmk1_uploads: Lmk1Uploads,
    ) -> None:
        """Accept connections until stopped, then wait for all threads."""
        address = listener.address
        me = Hello(
            membership.peer, self._settings.name or own_name(), address.port, is_seeder=False
        )
        calls = ReverseConnections(
            self._locator,
            uploads,
            me,
            lambda: (library.share_id,),
            lambda: membership.seems_unreachable,
        )
        acceptor = Acceptor(
            listener,
            me,
            uploads,
            take_lmk1=None if self._locator.is_private else lmk1_uploads.answer,
            take_browser=self._take_browser(library, membership, uploads)
            if self._settings.door
            else None,
            private_server=self._locator.private_server,
        )
        beside = list[Worker]()
        report_at = 0.0
        self._post(self._uploads)
        try:
            beside.append(self._start_beside(library.run, "lmk-hasher"))
            beside.append(self._start_beside(lambda: membership.run(address), "lmk-member"))
            beside.append(self._start_beside(calls.run, "lmk-caller"))
            if self._torrents is not None:
                beside.append(self._start_beside(self._torrents.run, "lmk-torrent"))
            self._await_answer(membership)
            while not self._stopping.is_set():
                acceptor.look()
                if self._network_change(address):
                    self._locator.network_changed()
                    membership.wake()
                    calls.wake()
                if library.changed.is_set():
                    library.changed.clear()
                    uploads.look_again()
                now = time.monotonic()
                lmk1_uploads.share_slots()
                if now >= report_at:
                    report_at = now + REPORT_S
                    self._report(uploads, lmk1_uploads, now)
        finally:
            self._stopping.set()
            acceptor.close()
            uploads.stop()
            if self._browsers is not None:
                self._browsers.stop()
            library.wake()
            membership.wake()
            calls.wake()
            for thread in beside:  # only then no further connection can reach `uploads`
                thread.join()
            uploads.join()
            lmk1_uploads.join()
            if self._browsers is not None:
                self._browsers.join()
            self._report(uploads, lmk1_uploads, time.monotonic())

    def _await_answer(self, membership: Membership) -> None:
        """Do not serve the folder in clear if the tracker is about to say that we need a code."""
        until = time.monotonic() + ANSWER_S
        while membership.is_original is None and time.monotonic() < until:
            if self._stopping.wait(0.01):
                return

    def _take_browser(
        self, library: FolderLibrary, membership: Membership, uploads: PeerUploads
    ) -> Callable[[Connection], None]:
        """What serves browsers is loaded with the first of them: most seeders never see one."""

        def browsers() -> BrowserUploads:
            from roles.web.browser_uploads import BrowserUploads
            from roles.web.seeder_site import SeederSite

            site = SeederSite(
                library,
                lambda: self._locator.shown,
                lambda: membership.listed_as,
                lambda: uploads.slots_taken > 0,
            )
            if self._torrents is not None:
                from roles.torrents.torrent_site import TorrentSite

                TorrentSite(site, library, self._torrents).open()
            return BrowserUploads(site, self._throttles.up, lambda: uploads.is_waited_for)

        def take(connection: Connection) -> None:
            """Raises StorageError."""
            if self._browsers is None:
                self._browsers = loaded(browsers)
            self._browsers.take(connection)

        return take

    def _report(self, uploads: PeerUploads, lmk1_uploads: Lmk1Uploads, now: float) -> None:
        lmk2, lmk2_sent = uploads.report(now)
        lmk1, lmk1_sent = lmk1_uploads.report(now)
        web, web_sent = ((), 0) if self._browsers is None else self._browsers.report(now)
        changed = UploadsChanged(
            lmk1_uploads.state, lmk1 + lmk2 + web, lmk1_sent + lmk2_sent + web_sent
        )
        if changed != self._uploads:
            self._uploads = changed
            self._post(changed)

    def _note_hashing(self, event: RoleEvent) -> None:
        if isinstance(event, HashingChanged):
            self._hashing = event
        self._post(event)

    def _status(self) -> Status:
        """What pings report."""
        uploads, hashing = self._uploads, self._hashing
        up = round(sum(upload.rate for upload in uploads.uploads))
        is_reading = hashing.hashed < hashing.size
        reason = "all upload slots are in use" if uploads.state is SeederState.AWAY else ""
        if is_reading:
            reason = f"reading its folder, {count(hashing.files_left, 'file')} left"
        return Status(ParticipantState.GIVING, up=up, reason=reason, given=uploads.sent_total)


def _cache_file(settings: SeederSettings) -> Path | None:
    """The file that keeps this folder's digests."""
    if settings.state_folder is None:
        return None
    name = hashlib.sha256(os.fsencode(settings.folder.absolute())).hexdigest()[:16]
    return settings.state_folder / "digests" / f"{name}.txt"
