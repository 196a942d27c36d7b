"""Everyone who takes from this program by LMK/2: a thread each, one desk for all of them."""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.disk.holding import Library
from roles.net.eviction import Holder, has_room, who_goes
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.uploads.upload_scheduler import Choice, UploadScheduler
from roles.uploads.upload_slot import GiverProgress
from roles.uploads.uploader import LOOK_AGAIN, Uploader
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, ShortageError
from roles.values.events import Upload
from roles.wire.frames import PART
from roles.worker import Worker

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 128  # a thread each
MAX_PER_HOST = 16  # one host must not keep a room out; this machine is exempt
IN_VAIN = 3  # offers in a row that led to nothing: then waiting for the next one counts as idle


@dataclass(slots=True)
class _Giving:
    """One connection."""

    number: int
    link: socket.socket
    address: Address
    computer: str
    wake: socket.socket
    meter: RateMeter
    is_called: bool
    longest_part: int
    progress: GiverProgress = field(default_factory=GiverProgress)
    counted: int = 0
    is_leaving: bool = False  # it was hung up on, and its place is given away
    thread: threading.Thread | None = None


class PeerUploads:
    """serve() and report() are called by the role's thread, news() by any."""

    def __init__(self, library: Library, slots: int, throttle: Throttle) -> None:
        self._library = library
        self._throttle = throttle
        self._lock = threading.Lock()  # protects the desk and the table: lines, no I/O
        self._desk = UploadScheduler(slots, self._have, random.Random())
        self._givings: dict[int, _Giving] = {}
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._sent_before = 0  # bytes, of connections that ended

    @property
    def slots_taken(self) -> int:
        """How many slots are held."""
        with self._lock:
            return self._desk.slots_taken

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for a slot."""
        with self._lock:
            return self._desk.is_waited_for

    def limit(self, slots: int) -> None:
        """So many slots from now on."""
        with self._lock:
            self._wake(self._desk.limit(slots))

    def make_room(self, address: Address, *, is_here: bool) -> bool:
        """Whether to accept one more connection from this host, if need be in place of an idle one.

        `is_here`: it is this machine, which may have all the places.
        """
        of_host = MAX_CONNECTIONS if is_here else MAX_PER_HOST
        with self._lock:
            now = time.monotonic()
            staying = (one for one in self._givings.values() if not one.is_leaving)
            holders = [self._holder(one, now) for one in staying]
            if has_room(holders, address.host, most=MAX_CONNECTIONS, most_of_host=of_host):
                return True
            idle = who_goes(holders, address.host, most_of_host=of_host)
            if idle is None:
                return False
            giving = self._givings[idle.number]
            giving.is_leaving = True
        log.info("hung up on %s, which was idle, for %s", giving.address, address.host)
        _hang_up(giving.link)
        return True

    def called(self) -> frozenset[Address]:
        """Who is served over a connection that this program made."""
        with self._lock:
            return frozenset(item.address for item in self._givings.values() if item.is_called)

    def serve(
        self,
        link: socket.socket,
        address: Address,
        computer: str,
        *,
        longest_part: int = PART,
        is_called: bool = False,
    ) -> bool:
        """Serve a leecher in a thread of its own; False when the system has none left, or nothing
        else that it takes.

        `longest_part`: bytes that it takes in one frame. `is_called`: this program made the
        connection. The link is closed in any case.
        """
        try:
            woken, wake = socket.socketpair()
        except OSError as error:
            log.warning("%s cannot be served: %s", address, error)
            link.close()
            return False
        woken.setblocking(False)
        wake.setblocking(False)
        number = next(self._numbers)
        meter = RateMeter(now=time.monotonic())
        giving = _Giving(number, link, address, computer, wake, meter, is_called, longest_part)
        giving.thread = Worker(lambda: self._serve(giving, woken), "lmk-give")
        with self._lock:
            self._givings[number] = giving
            self._desk.enter(number, address.host)
            is_late = self._stopping.is_set()
        try:
            if is_late:
                raise ShortageError("this program stops")
            giving.thread.start()
        except ShortageError as error:
            log.warning("%s cannot be served: %s", address, error)
            self._end(giving, woken)
            return False
        return True

    def news(self, root: bytes, chunks: int) -> None:
        """These chunks can be sent from now on."""
        with self._lock:
            self._wake(self._desk.news(root, chunks))

    def look_again(self) -> None:
        """There are other contents than before."""
        with self._lock:
            self._wake(list(self._givings), LOOK_AGAIN)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """Who takes what or waits for it, and the bytes sent since the start."""
        with self._lock:
            givings = list(self._givings.values())
            sent_before = self._sent_before
        uploads = list[Upload]()
        for giving in givings:
            sent = giving.progress.sent
            giving.meter.add(sent - giving.counted, now=now)
            giving.counted = sent
            rate, place = giving.meter.rate(now=now), giving.progress.place
            if not (rate or place):
                continue
            title, computer = giving.progress.title, giving.computer
            uploads.append(Upload(giving.address, title, sent, 0, rate, computer, place))
        return tuple(uploads), sent_before + sum(item.counted for item in givings)

    def stop(self) -> None:
        """End every connection; its threads end within moments."""
        self._stopping.set()
        with self._lock:
            givings = list(self._givings.values())
        for giving in givings:
            _hang_up(giving.link)
        self.look_again()

    def join(self) -> None:
        """Wait for its threads, after stop()."""
        with self._lock:
            threads = [item.thread for item in self._givings.values()]
        for thread in threads:
            if thread is not None:
                thread.join()

    def _serve(self, giving: _Giving, woken: socket.socket) -> None:
        seat = _Seat(giving.number, self._desk, self._lock, self._wake)
        try:
            Uploader(
                giving.link,
                self._library,
                seat,
                self._throttle,
                woken,
                giving.progress,
                self._stopping.is_set,
                giving.longest_part,
            ).run()
        except PeerProtocolError as error:
            log.warning("dropped %s: %s", giving.address, error)
        except OSError as error:
            log.info("%s is gone: %s", giving.address, error)
        except MemoryError:
            log.warning("dropped %s: this computer has no memory left", giving.address)
        finally:
            self._end(giving, woken)

    def _end(self, giving: _Giving, woken: socket.socket) -> None:
        with self._lock:
            del self._givings[giving.number]
            self._sent_before += giving.progress.sent
            self._wake(self._desk.leave(giving.number))
        for end in (giving.link, giving.wake, woken):
            end.close()

    def _have(self, root: bytes) -> int:
        holding = self._library.find(root)
        return 0 if holding is None else holding.have()

    def _holder(self, giving: _Giving, now: float) -> Holder:
        """How idle it is; with the lock held."""
        progress = giving.progress
        waits_for_us = self._desk.is_in_line(giving.number) and progress.fruitless < IN_VAIN
        idle_s = 0.0 if waits_for_us else now - progress.useful_at
        return Holder(giving.number, giving.address.host, idle_s, progress.is_proven)

    def _wake(self, numbers: list[int], word: bytes = b"\0") -> None:
        """Called with the lock held: the byte goes into a buffer, nothing waits."""
        for number in numbers:
            giving = self._givings.get(number)
            if giving is not None:
                with contextlib.suppress(OSError):  # full: it is awake already
                    giving.wake.send(word)


class _Seat:
    """The desk as one connection's thread sees it: chunk_giver.Desk."""

    def __init__(
        self,
        number: int,
        desk: UploadScheduler,
        lock: threading.Lock,
        wake: Callable[[list[int]], None],
    ) -> None:
        """`lock` protects the desk; `wake` is called with it held."""
        self._number = number
        self._desk = desk
        self._lock = lock
        self._wake = wake

    def want(self, handle: int, root: bytes, chunks: int) -> None:
        with self._lock:
            self._desk.want(self._number, handle, root, chunks)

    def forget(self, handle: int) -> None:
        with self._lock:
            self._desk.forget(self._number, handle)

    def ask_slot(self) -> bool:
        with self._lock:
            return self._desk.ask_slot(self._number, now=time.monotonic())

    def has_slot(self) -> bool:
        with self._lock:
            return self._desk.has_slot(self._number)

    def moved(self, count: int) -> None:
        with self._lock:
            self._desk.moved(self._number, count, now=time.monotonic())

    def next_choice(self) -> Choice | None:
        with self._lock:
            choice, others = self._desk.next_choice(self._number, now=time.monotonic())
            self._wake(others)
            return choice

    def is_turn_over(self) -> bool:
        with self._lock:
            return self._desk.is_turn_over(self._number)

    def sent(self, choice: Choice) -> None:
        with self._lock:
            self._desk.sent(self._number, choice.handle, choice.index)

    def not_sent(self, choice: Choice) -> None:
        with self._lock:
            self._desk.not_sent(self._number, choice.handle, choice.index)

    def give_back(self) -> None:
        with self._lock:
            self._wake(self._desk.give_back(self._number))

    def place(self) -> int:
        with self._lock:
            return self._desk.place(self._number)

    def sharers(self) -> int:
        with self._lock:
            return self._desk.members


def _hang_up(link: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        link.shutdown(socket.SHUT_RDWR)
