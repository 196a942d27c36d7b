"""A leecher as a peer of others: its port, its uploads and downloads, its membership of the room.

Threads: `lmk-acceptor` accepts connections; `lmk-member` and `lmk-caller` are like a seeder's;
`lmk-uploader` sends to one peer, `lmk-downloader` takes from one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from roles.joining.membership import Membership
from roles.joining.tracker_asker import new_id
from roles.joining.tracker_locator import TrackerLocator
from roles.net.interfaces import own_name
from roles.net.listening import listen_tcp
from roles.net.throttle import Throttles
from roles.program.machine_key import machine_key
from roles.swarm.acceptor import Acceptor
from roles.swarm.bottleneck import BottleneckMeter
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer_downloads import PeerDownloads
from roles.swarm.reverse_connections import ReverseConnections
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.shown_peers import sources_of, watched_peers
from roles.swarm.swarm_library import SwarmLibrary
from roles.uploads.peer_uploads import PeerUploads
from roles.uploads.slots import slots_for_lmk2
from roles.values.addresses import Address
from roles.values.errors import ShortageError
from roles.values.events import Post, SeederState, Source, UploadsChanged
from roles.values.participants import Status
from roles.values.settings import DEFAULT_SLOTS, LeecherSettings
from roles.values.watched import Bottleneck, WatchedPeer
from roles.wire.greeting import Hello

log = logging.getLogger(__name__)

REPORT_S = 1.0
TICK_S = 0.25  # between two looks for chunks that come too slowly
START_AGAIN_S = 1.0  # after a thread that could not be started
IDLE_S = 5.0  # with nothing on its way: then the connections end
MAX_SHARES = 8  # that the tracker is told of


class SwarmPeer:
    """Owned by the leecher's thread, unless a method says otherwise. It joins the swarm at once.

    Downloads use `swarm`, `library` and `downloads`, whose methods any thread may call.
    """

    def __init__(
        self,
        settings: LeecherSettings,
        locator: TrackerLocator,
        throttles: Throttles,
        post: Post,
        shares: Iterable[str],
        status: Callable[[], Status],
        start_beside: Callable[[Callable[[], None], str], threading.Thread],
        wake: Callable[[], None],
    ) -> None:
        """Listen, and join the room. Raises StorageError when no port is free, and OSError.

        `shares` are those that it takes part in from the start. `status` returns what the room
        is told of the downloads. `wake` is called when tick() has something to do.
        """
        self._post = post
        self._downloads_status = status
        self._stopping = locator.stopping
        self._shares = tuple(shares)[:MAX_SHARES]  # replaced whole by join()
        self._reported = UploadsChanged(SeederState.AVAILABLE, (), 0)
        self._listener, _ = listen_tcp(settings.bind, exactly=settings.bind_exactly)
        address = self._listener.address
        me = Hello(new_id(), settings.name or own_name(), address.port, is_seeder=False)
        self.library = SwarmLibrary()
        self._uploads = PeerUploads(self.library, slots_for_lmk2(DEFAULT_SLOTS), throttles.up)
        self.library.look_again = self._uploads.look_again
        self.swarm = SharedSwarm(self._uploads.news)
        self.downloads = PeerDownloads(self.swarm, me, throttles.down, wake, enter=locator.enter)
        membership = Membership(
            locator,
            post,
            self._status,
            peer=me.peer,
            machine_key=machine_key(settings.state_folder),
            name=settings.name,
        )
        calls = ReverseConnections(
            locator,
            self._uploads,
            me,
            lambda: self._shares,
            lambda: membership.seems_unreachable,
        )
        self._membership, self._calls = membership, calls
        try:
            self._acceptor = Acceptor(
                self._listener,
                me,
                self._uploads,
                downloads=self.downloads,
                private_server=locator.private_server,
            )
        except OSError:  # no descriptor left
            self._listener.close()
            raise
        self.bottleneck: Bottleneck | None = None  # of the last seconds
        self._bottlenecks = BottleneckMeter()
        self._throttle = throttles.down
        self._tick_at = self._report_at = self._start_at = 0.0
        self._idle_since: float | None = None
        self._start_beside = start_beside
        self._beside = list[threading.Thread]()
        self._to_start: list[tuple[Callable[[], None], str]] = [
            (self._receive, "lmk-acceptor"),
            (lambda: membership.run(address), "lmk-member"),
            (calls.run, "lmk-caller"),
        ]
        self._start_threads()

    def join(self, shares: Iterable[str]) -> None:
        """Take part in these shares, too; from any thread."""
        before = self._shares
        self._shares = tuple(dict.fromkeys((*shares, *before)))[:MAX_SHARES]
        if self._shares != before:
            self._membership.wake()  # their seeder may leave in this second

    def found(self, peers: Iterable[Address]) -> bool:
        """These peers take part; True when one of them was not known. From any thread."""
        return self.downloads.heard_of(peers)

    def sources(self) -> tuple[Source, ...]:
        """Each peer's part in what arrives; from any thread."""
        with self.swarm.locked() as swarm:
            return sources_of(swarm.peers.values(), now=time.monotonic())

    def watched(
        self, transfer: ContentTransfer | None, *, now: float
    ) -> tuple[int, int, tuple[WatchedPeer, ...]]:
        """What is here of a content and what is coming, both bitmaps, and what each peer has."""
        with self.swarm.locked() as swarm:
            peers = watched_peers(swarm.peers.values(), transfer, now=now)
            if transfer is None:
                return 0, 0, peers
            swarm.survey((transfer,), now=now)
            return transfer.plan.had, transfer.plan.coming, peers

    def network_changed(self) -> None:
        self._membership.wake()
        self._calls.wake()
        self.downloads.network_changed()

    def tick(self) -> None:
        """Connect, ask twice for what is late, report uploads. Call it some times a second."""
        now = time.monotonic()
        self._start_threads()
        if self.swarm.is_busy:
            self._idle_since = None
            self.downloads.tick(now=now)
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= IDLE_S:
            self.downloads.hang_up()
        if now >= self._tick_at:
            self._tick_at = now + TICK_S
            self.swarm.tick(now=now)
        if now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report(now)

    def close(self) -> None:
        """End everything; it is told to stop already."""
        self.downloads.stop()
        self._uploads.stop()
        self._membership.wake()
        self._calls.wake()
        self._listener.end()
        for thread in self._beside:  # from here on nobody comes in, and no thread is started
            thread.join()
        self.downloads.join()
        self._uploads.join()
        self._acceptor.close()
        self._listener.close()
        self._report(time.monotonic())

    def _start_threads(self) -> None:
        """Start those that do not run yet; if the system has none left, again at a later tick."""
        while self._to_start and time.monotonic() >= self._start_at:
            try:
                self._beside.append(self._start_beside(*self._to_start[0]))
            except ShortageError as error:
                self._start_at = time.monotonic() + START_AGAIN_S
                log.debug("%s cannot be started: %s", self._to_start[0][1], error)
                return
            del self._to_start[0]

    def _receive(self) -> None:
        while not self._stopping.is_set():
            self._acceptor.look()

    def _report(self, now: float) -> None:
        with self.swarm.locked() as swarm:
            peers = swarm.peers.values()
            self.bottleneck = self._bottlenecks.note(peers, self._throttle.limit, now=now)
        uploads, sent = self._uploads.report(now)
        state = SeederState.CONNECTED if uploads else SeederState.AVAILABLE
        reported = UploadsChanged(state, uploads, sent)
        if reported != self._reported:
            self._reported = reported
            self._post(reported)

    def _status(self) -> Status:
        up = round(sum(upload.rate for upload in self._reported.uploads))
        return replace(
            self._downloads_status(),
            shares=self._shares,
            up=up,
            given=self._reported.sent_total,
        )
