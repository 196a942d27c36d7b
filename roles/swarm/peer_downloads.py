"""All LMK/2 connections that this program downloads over, with a thread for each."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable
from logging import INFO, WARNING

from roles.net.connection import Connection
from roles.net.dialling import dialled
from roles.net.peer_greeting import greeted
from roles.net.throttle import Throttle
from roles.swarm.arriving_chunks import ArrivingChunks
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.downloader import Downloader
from roles.swarm.outlook import Outlook
from roles.swarm.peer import Peer
from roles.swarm.peer_book import PeerBook, fast, room_for_caller, stalled
from roles.swarm.shared_swarm import SharedSwarm
from roles.values.addresses import Address
from roles.values.errors import LmkError, ShortageError
from roles.wire.greeting import Hello
from roles.worker import Workers, shortage_of

log = logging.getLogger(__name__)

MAX_THREADS = 160  # of all connections, including those of callers
BUFFERS = 48 * 1024 * 1024  # bytes of all arriving chunks


class PeerDownloads:
    """Its methods may be called from any thread. The swarm's lock protects the book."""

    def __init__(
        self,
        swarm: SharedSwarm,
        hello: Hello,
        throttle: Throttle,
        wake: Callable[[], None] = lambda: None,
        *,
        enter: Callable[[Connection, threading.Event], None] | None = None,
    ) -> None:
        """`hello` is our greeting. `wake` is called when tick() has something to do.
        `enter`: TrackerLocator.enter.
        """
        self.wake = wake
        self._enter = enter
        self._swarm = swarm
        self._hello = hello
        self._throttle = throttle
        self._chunks = ArrivingChunks(BUFFERS)
        self._book = PeerBook(random.Random())
        self._workers = Workers("lmk-downloader")
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        # Why the newest attempt failed, if this computer can connect to nobody; replaced whole.
        self.lack: ShortageError | None = None

    def heard_of(self, addresses: Iterable[Address]) -> bool:
        """Connect to these at the next tick. True when one of them is new."""
        with self._swarm.locked():
            is_news = self._book.heard_of(addresses, now=time.monotonic())
        if is_news:
            self.wake()
        return is_news

    def network_changed(self) -> None:
        """This computer's addresses changed: connect again at the next tick, without pauses."""
        with self._swarm.locked():
            self._book.network_changed(now=time.monotonic())
        self.wake()

    def tick(self, *, now: float) -> None:
        """Leave useless peers, and connect to those that are due. Call it a few times a second."""
        with self._swarm.locked() as swarm:
            peers = swarm.peers.values()
            leaving = self._book.to_leave(peers, moved_at=swarm.moved_at, now=now)
            due = self._book.to_dial(now=now, fast=fast(peers), stalled=stalled(peers, now=now))
        for peer in leaving:
            log.info("left %s, which sends nothing", peer.address)
        self._swarm.hang_up(leaving)
        for address in due:
            if not self._start(lambda address=address: self._dial(address)):  # type: ignore[misc]
                self._note_end(address, was_good=False)

    def make_room_for_caller(self, host: str, *, now: float) -> bool:
        """Whether to accept a seeder that connects to us because others cannot reach it; may hang
        up on an idle one for it. Only while something is wanted.
        """
        with self._swarm.locked() as swarm:
            peers = swarm.peers.values()
            leaving = room_for_caller(peers, host, now=now) if swarm.is_busy else None
        self._swarm.hang_up(leaving or ())
        return leaving is not None

    def adopt(self, connection: Connection, hello: Hello) -> bool:
        """Download from a seeder that connected to us and has our welcome; False when there are too
        many threads. Takes over the connection, and closes it in any case.
        """
        listening = Address(connection.address.host, hello.listen)
        peer = self._peer(listening, hello.peer, hello.name, is_caller=True)
        self._swarm.joined(peer, connection)
        if self._start(lambda: self._receive(peer, connection)):
            return True
        self._swarm.left(peer)
        connection.close()
        return False

    def outlook(self, transfers: Collection[ContentTransfer]) -> Outlook:
        with self._swarm.locked() as swarm:
            return Outlook.of(swarm, transfers, known=self._book.others, lack=self.lack)

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        self._chunks.stop()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection; new ones are made at the next tick."""
        with self._swarm.locked() as swarm:
            peers = list(swarm.peers.values())
        self._swarm.hang_up(peers)

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        self._workers.join()

    def _start(self, work: Callable[[], None]) -> bool:
        if len(self._workers) >= MAX_THREADS or self._stopping.is_set():
            return False
        try:
            self._workers.start(work)
        except ShortageError as error:
            log.warning("cannot connect to a peer: %s", error)
            self.lack = error
            return False
        return True

    def _dial(self, address: Address) -> None:
        peer: Peer | None = None
        try:
            connection = dialled(address, self._stopping)
            with connection:
                welcome = greeted(connection, self._hello, self._stopping, self._enter)
                if welcome.peer == self._hello.peer:
                    with self._swarm.locked():
                        self._book.is_us(address)
                elif not welcome.is_away:
                    with self._swarm.locked():
                        self._book.opened(address)
                    peer = self._peer(address, welcome.peer, welcome.name)
                    self._swarm.joined(peer, connection)
                    self._receive(peer, connection)
        except (OSError, LmkError) as error:
            self.lack = shortage_of(error)
            log.info("%s: %s", address, error)
        finally:  # the pause grows each time that it sends nothing
            self._note_end(address, was_good=peer is not None and peer.meter.total > 0)

    def _peer(self, address: Address, id_: str, name: str, *, is_caller: bool = False) -> Peer:
        number, now = next(self._numbers), time.monotonic()
        return Peer(number, address, id_, name, now, is_caller=is_caller)

    def _receive(self, peer: Peer, connection: Connection) -> None:
        """Download until either side leaves, and close the connection."""
        self.lack = None
        try:
            with connection:
                Downloader(
                    peer,
                    connection,
                    self._swarm,
                    self._chunks,
                    self._throttle,
                    self._stopping,
                ).run()
        except (OSError, LmkError, MemoryError) as error:
            self.lack = shortage_of(error)
            log.log(WARNING if self.lack else INFO, "%s: %s", peer.address, self.lack or error)
        finally:
            self._swarm.left(peer)

    def _note_end(self, address: Address, *, was_good: bool) -> None:
        with self._swarm.locked():
            self._book.closed(address, was_good=was_good, now=time.monotonic())
