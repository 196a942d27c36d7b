"""Connections to the peers that this program takes from: made, greeted, run in a thread each."""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable

from roles.base.dialling import dialled
from roles.base.peer_greeting import greeted
from roles.base.rates import RateMeter
from roles.base.throttle import Throttle
from roles.base.worker import Worker, failure_of
from roles.taking.buffer_pool import BufferPool
from roles.taking.chunk_taker import ChunkTaker, PeerLink
from roles.taking.peer_book import MAX_PEERS, PeerBook
from roles.taking.swarm import Swarm
from roles.values.addresses import Address, is_loopback
from roles.values.errors import LmkError, PeerProtocolError, ShortageError
from roles.wire.lmk2_greeting import Hello

log = logging.getLogger(__name__)

MAX_CALLERS = 64  # peers that connected to us, because nobody can reach them
MAX_CALLERS_PER_HOST = 4
MAX_THREADS = 160  # of all connections, those to us included
BUFFERS = 48 * 1024 * 1024  # bytes of chunks that arrive, together


class PeerDownloads:
    """Its methods may be called from any thread."""

    def __init__(
        self,
        swarm: Swarm,
        hello: Hello,
        throttle: Throttle,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`hello` is what we say first. `wake` is called when tick() has something to do."""
        self._wake = wake
        self._swarm = swarm
        self._hello = hello
        self._throttle = throttle
        self._buffers = BufferPool(BUFFERS)
        self._lock = threading.Lock()  # protects the book and the two tables: lines, no I/O
        self._book = PeerBook(random.Random())
        self._threads: set[threading.Thread] = set()
        self._sockets: dict[int, socket.socket] = {}
        self._callers: dict[int, str] = {}  # hosts
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        # What this computer lacks to connect to anybody; replaced whole, by the newest attempt.
        self.lack: ShortageError | None = None

    def heard_of(self, addresses: Iterable[Address]) -> bool:
        """These take part: connect to them at the next tick. True when one was not known."""
        with self._lock:
            is_news = self._book.heard_of(addresses, now=time.monotonic())
        if is_news:
            self._wake()
        return is_news

    def something_is_wanted(self) -> None:
        """Which nothing was before: connect to whom is known at the next tick."""
        self._wake()

    def tick(self) -> None:
        """Connect to whom it is time to connect to, in place of who is of no use."""
        now = time.monotonic()
        with self._swarm.links() as links:
            fast, useless = links.fast(), links.useless(now=now)
        for link in useless if self.others > MAX_PEERS else ():
            with contextlib.suppress(OSError):  # the other side was faster
                link.link.shutdown(socket.SHUT_RDWR)
        with self._lock:
            chosen = [] if self._stopping.is_set() else self._book.to_dial(now=now, fast=fast)
        for address in chosen:
            if not self._start(lambda address=address: self._call(address)):  # type: ignore[misc]
                self._note_end(address, was_good=False)

    def has_room_for_caller(self, host: str) -> bool:
        """Whether a peer that calls us because nobody can reach it is taken from: while something
        is wanted, and not too many of one host; this machine is exempt.
        """
        with self._lock:
            of_host = sum(1 for caller in self._callers.values() if caller == host)
            is_crowd = len(self._callers) >= MAX_CALLERS
        is_greedy = of_host >= MAX_CALLERS_PER_HOST and not is_loopback(host)
        return self._swarm.is_busy and not is_crowd and not is_greedy

    def adopt(self, link: socket.socket, address: Address, hello: Hello) -> bool:
        """Take from a peer that connected to us and was answered; False when there are too many.

        The link is closed in any case.
        """
        number = next(self._numbers)
        with self._lock:
            self._callers[number] = address.host

        def take() -> None:
            try:
                self._take(link, address, hello)
            finally:
                self._forget_caller(number)

        if not self._stopping.is_set() and self._start(take):
            return True
        self._forget_caller(number)
        link.close()
        return False

    @property
    def others(self) -> int:
        """How many peers are known."""
        with self._lock:
            return self._book.others

    def stop(self) -> None:
        """End every connection; its threads end within moments."""
        self._stopping.set()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection; others are made at the next tick."""
        with self._lock:
            for link in self._sockets.values():
                with contextlib.suppress(OSError):  # the other side was faster
                    link.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Wait for its threads, after stop()."""
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

        thread = Worker(main, "lmk-take")
        with self._lock:
            if len(self._threads) >= MAX_THREADS:
                return False
            self._threads.add(thread)
        try:
            thread.start()
        except ShortageError as error:
            log.warning("a peer is not connected to: %s", error)
            with self._lock:
                self._threads.discard(thread)
            return False
        return True

    def _call(self, address: Address) -> None:
        """Connect to a peer, and take what it has."""
        was_good = False
        try:
            with dialled(address, self._stopping.is_set) as link:
                welcome = greeted(link, self._hello, self._stopping.is_set)
                if welcome.peer == self._hello.peer:
                    with self._lock:
                        self._book.is_us(address)
                elif not welcome.is_away:
                    was_good = True
                    self._run(link, address, welcome.peer, welcome.name)
        except PeerProtocolError as error:
            was_good = False  # each time it is waited longer before it is called again
            log.info("%s: %s", address, error)
        except (OSError, LmkError) as error:
            failure = failure_of(error)
            self.lack = failure if isinstance(failure, ShortageError) else None
            log.info("%s: %s", address, error)
        finally:
            self._note_end(address, was_good=was_good)

    def _take(self, link: socket.socket, address: Address, hello: Hello) -> None:
        """Take what a peer has that connected to us."""
        with link:
            try:
                self._run(link, Address(address.host, hello.listen), hello.peer, hello.name)
            except (PeerProtocolError, OSError) as error:
                log.info("%s: %s", address, error)

    def _run(self, link: socket.socket, address: Address, peer: str, computer: str) -> None:
        self.lack = None
        number = next(self._numbers)
        peer_link = PeerLink(number, link, address, peer, computer, RateMeter(now=time.monotonic()))
        with self._lock:
            self._sockets[number] = link
        try:
            ChunkTaker(
                peer_link, self._swarm, self._buffers, self._throttle, self._stopping.is_set
            ).run()
        except MemoryError:
            log.warning("dropped %s: this computer has no memory left", address)
        finally:
            with self._lock:
                del self._sockets[number]
            self._swarm.left(peer_link)

    def _forget_caller(self, number: int) -> None:
        with self._lock:
            del self._callers[number]

    def _note_end(self, address: Address, *, was_good: bool) -> None:
        with self._lock:
            self._book.closed(address, was_good=was_good, now=time.monotonic())
