"""All LMK/2 connections that this program downloads over, with a thread for each."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from roles.net.connection import Connection
from roles.net.dialling import dialled
from roles.net.eviction import Holder, has_room, who_goes
from roles.net.peer_greeting import greeted
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.swarm.buffer_pool import BufferPool
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.downloader import Downloader
from roles.swarm.peer import Peer
from roles.swarm.peer_book import PeerBook
from roles.swarm.peer_connection import PeerConnection
from roles.swarm.shared_swarm import SharedSwarm
from roles.values.addresses import Address, is_loopback
from roles.values.errors import LmkError, PeerProtocolError, ShortageError
from roles.wire.greeting import Hello
from roles.worker import Worker, shortage_of

log = logging.getLogger(__name__)

MAX_CALLERS = 64  # peers that connected to us, because others cannot reach them
MAX_CALLERS_PER_HOST = 4
MAX_THREADS = 160  # of all connections, including those of callers
BUFFERS = 48 * 1024 * 1024  # bytes of all arriving chunks


@dataclass(slots=True)
class _Caller:
    """A peer that connected to us to upload."""

    connection: Connection
    came_at: float
    peer: Peer | None = None  # set by its thread
    is_leaving: bool = False  # we hung up, and another has taken its place

    def idle_s(self, now: float) -> float:
        return now - (self.came_at if self.peer is None else self.peer.useful_at)

    @property
    def is_proven(self) -> bool:
        return self.peer is not None and self.peer.meter.total > 0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What some contents can expect of the peers."""

    known: int  # known peers
    connections: int
    is_receiving: bool  # a chunk is arriving
    position: int  # our best one in a peer's queue, 0 for none
    newest_at: float  # when the newest connection was made
    held: frozenset[int]  # handles of contents that a connected peer has, or may have
    lied_about: frozenset[int]  # handles of contents for which all peers left are given up
    all_suspect: bool  # for one of the contents, all peers left sent bad chunks
    lack: ShortageError | None = None  # why this computer can connect to nobody


class PeerDownloads:
    """Its methods may be called from any thread."""

    def __init__(
        self,
        swarm: SharedSwarm,
        hello: Hello,
        throttle: Throttle,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`hello` is our greeting. `wake` is called when tick() has something to do."""
        self._wake = wake
        self._swarm = swarm
        self._hello = hello
        self._throttle = throttle
        self._buffers = BufferPool(BUFFERS)
        self._lock = threading.Lock()  # protects the book and the tables; never held during I/O
        self._book = PeerBook(random.Random())
        self._threads: set[threading.Thread] = set()
        self._connections: dict[int, Connection] = {}
        self._callers: dict[int, _Caller] = {}
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        # Why the newest attempt failed, if this computer can connect to nobody; replaced whole.
        self.lack: ShortageError | None = None

    def heard_of(self, addresses: Iterable[Address]) -> bool:
        """Connect to these at the next tick. True when one of them is new."""
        with self._lock:
            is_news = self._book.heard_of(addresses, now=time.monotonic())
        if is_news:
            self._wake()
        return is_news

    def something_is_wanted(self) -> None:
        """The first content was added: connect to known peers at the next tick."""
        self._wake()

    def network_changed(self) -> None:
        """This computer's addresses changed: connect again at the next tick, without pauses."""
        with self._lock:
            self._book.network_changed(now=time.monotonic())
        self._wake()

    def tick(self) -> None:
        """Leave useless peers, and connect to those that are due. Call it a few times a second."""
        now = time.monotonic()
        with self._lock:
            waiting, is_any_new = self._book.waiting(now=now)
        with self._swarm.peers() as peers:
            fast, stalled = peers.fast(), peers.stalled(now=now)
            leaving = peers.to_leave(now=now, waiting=waiting, is_any_new=is_any_new)
        for peer in leaving:
            log.info("left %s, which sends nothing", peer.address)
            self._swarm.hang_up(peer.number)
        with self._lock:
            chosen = (
                []
                if self._stopping.is_set()
                else self._book.to_dial(now=now, fast=fast, stalled=stalled)
            )
        for address in chosen:
            if not self._start(lambda address=address: self._call(address)):  # type: ignore[misc]
                self._note_end(address, was_good=False)

    def make_room_for_caller(self, host: str) -> bool:
        """Whether to accept a seeder that connects to us because others cannot reach it; may hang
        up on an idle one for it. Only while something is wanted.
        """
        of_host = MAX_CALLERS if is_loopback(host) else MAX_CALLERS_PER_HOST
        if not self._swarm.is_busy:
            return False
        with self._lock:
            now = time.monotonic()
            staying = (item for item in self._callers.items() if not item[1].is_leaving)
            holders = [
                Holder(number, one.connection.address.host, one.idle_s(now), one.is_proven)
                for number, one in staying
            ]
            if has_room(holders, host, most=MAX_CALLERS, most_of_host=of_host):
                return True
            idle = who_goes(holders, host, most_of_host=of_host)
            if idle is None:
                return False
            caller = self._callers[idle.number]
            caller.is_leaving = True
        caller.connection.hang_up()
        return True

    def adopt(self, connection: Connection, hello: Hello) -> bool:
        """Download from a seeder that connected to us and has our welcome; False when there are too
        many threads. Takes over the connection, and closes it in any case.
        """
        number = next(self._numbers)
        caller = _Caller(connection, time.monotonic())
        with self._lock:
            self._callers[number] = caller

        def take() -> None:
            try:
                self._take(caller, hello)
            finally:
                self._forget_caller(number)

        if not self._stopping.is_set() and self._start(take):
            return True
        self._forget_caller(number)
        connection.close()
        return False

    def outlook(self, transfers: Mapping[int, ContentTransfer]) -> Outlook:
        """What can be expected for these contents, by their handles."""
        with self._lock:
            known = self._book.others
        held = self._swarm.held(transfers)
        with self._swarm.peers() as peers:
            connections, is_receiving, position = peers.standing()
            # Otherwise a known peer that is not connected now may be honest.
            are_all_here = bool(connections) or known <= 1
            lied_about = (
                handle
                for handle, transfer in transfers.items()
                if are_all_here and peers.are_lying([transfer])
            )
            return Outlook(
                known,
                connections,
                is_receiving,
                position,
                peers.newest_at(),
                held,
                frozenset(lied_about),
                all_suspect=peers.are_suspect(transfers.values()),
                lack=self.lack,
            )

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection; new ones are made at the next tick."""
        with self._lock:
            for connection in self._connections.values():
                connection.hang_up()

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _start(self, work: Callable[[], None]) -> bool:
        def main() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = Worker(main, "lmk-downloader")
        with self._lock:
            if len(self._threads) >= MAX_THREADS:
                return False
            self._threads.add(thread)
        try:
            thread.start()
        except ShortageError as error:
            log.warning("cannot connect to a peer: %s", error)
            self.lack = error
            with self._lock:
                self._threads.discard(thread)
            return False
        return True

    def _call(self, address: Address) -> None:
        """Connect to a peer, and download from it."""
        meter = RateMeter(now=time.monotonic())
        try:
            with dialled(address, self._stopping.is_set) as connection:
                welcome = greeted(connection, self._hello, self._stopping.is_set)
                if welcome.peer == self._hello.peer:
                    with self._lock:
                        self._book.is_us(address)
                elif not welcome.is_away:
                    with self._lock:
                        self._book.opened(address)
                    peer = Peer(
                        next(self._numbers),
                        address,
                        welcome.peer,
                        welcome.name,
                        meter,
                        time.monotonic(),
                    )
                    self._run(PeerConnection(peer, connection))
        except (OSError, LmkError) as error:
            self.lack = shortage_of(error)
            log.info("%s: %s", address, error)
        finally:  # the pause grows each time that it sends nothing
            self._note_end(address, was_good=meter.total > 0)

    def _take(self, caller: _Caller, hello: Hello) -> None:
        """Download from a seeder that connected to us."""
        address = caller.connection.address
        with caller.connection as connection:
            now = time.monotonic()
            listening = Address(address.host, hello.listen)
            caller.peer = Peer(
                next(self._numbers),
                listening,
                hello.peer,
                hello.name,
                RateMeter(now=now),
                now,
                is_caller=True,
            )
            try:
                self._run(PeerConnection(caller.peer, connection))
            except (PeerProtocolError, OSError) as error:
                log.info("%s: %s", address, error)

    def _run(self, connection: PeerConnection) -> None:
        self.lack = None
        number = connection.peer.number
        with self._lock:
            self._connections[number] = connection.connection
        try:
            Downloader(
                connection, self._swarm, self._buffers, self._throttle, self._stopping.is_set
            ).run()
        except MemoryError as error:
            log.warning("dropped %s: this computer has no memory left", connection.peer.address)
            self.lack = shortage_of(error)
        finally:
            with self._lock:
                del self._connections[number]
            self._swarm.left(connection)

    def _forget_caller(self, number: int) -> None:
        with self._lock:
            del self._callers[number]

    def _note_end(self, address: Address, *, was_good: bool) -> None:
        with self._lock:
            self._book.closed(address, was_good=was_good, now=time.monotonic())
