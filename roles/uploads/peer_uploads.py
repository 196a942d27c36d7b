"""All LMK/2 uploads of this program: a thread for each leecher, one scheduler for all."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from dataclasses import dataclass

from roles.disk.holding import Library
from roles.net.connection import Connection
from roles.net.eviction import Occupant, has_room, who_goes
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.net.waiting import Waiting
from roles.uploads.upload_scheduler import UploadScheduler
from roles.uploads.upload_session import UploadSession
from roles.uploads.uploader import LOOK_AGAIN, Uploader
from roles.values.addresses import Address, is_loopback
from roles.values.errors import PeerProtocolError, ShortageError
from roles.values.events import Upload
from roles.wire.frames import PART
from roles.worker import Worker

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 128  # a thread each
MAX_PER_HOST = 16  # one host must not keep a room out; this machine is exempt


@dataclass(slots=True)
class _Leecher:
    number: int
    connection: Connection
    waiting: Waiting
    computer: str
    meter: RateMeter
    is_called: bool
    longest_part: int
    session: UploadSession
    counted: int = 0  # bytes that the meter has
    is_leaving: bool = False  # we hung up, and another has taken its place
    thread: threading.Thread | None = None


class PeerUploads:
    """The role's thread calls report(); the other methods may be called from any thread."""

    def __init__(self, library: Library, slots: int, throttle: Throttle) -> None:
        self._library = library
        self._throttle = throttle
        # Protects the scheduler, all sessions and the table; never held during I/O.
        self._lock = threading.Lock()
        self._scheduler = UploadScheduler(slots, self._have, random.Random())
        self._leechers: dict[int, _Leecher] = {}
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._sent_before = 0  # bytes, of connections that ended

    @property
    def slots_taken(self) -> int:
        with self._lock:
            return self._scheduler.slots_taken

    @property
    def is_waited_for(self) -> bool:
        """Whether a leecher waits for a slot."""
        with self._lock:
            return self._scheduler.is_waited_for

    def limit(self, slots: int) -> None:
        """Set the number of slots."""
        with self._lock:
            self._wake(self._scheduler.limit(slots))

    def make_room(self, address: Address) -> bool:
        """Whether to accept one more connection from this host; may hang up on an idle one for it.
        This machine may have all connections.
        """
        of_host = MAX_CONNECTIONS if is_loopback(address.host) else MAX_PER_HOST
        with self._lock:
            now = time.monotonic()
            staying = (one for one in self._leechers.values() if not one.is_leaving)
            occupants = [
                Occupant(
                    one.number,
                    one.connection.address.host,
                    one.session.idle_s(now=now),
                    one.session.is_proven,
                )
                for one in staying
            ]
            if has_room(occupants, address.host, most=MAX_CONNECTIONS, most_of_host=of_host):
                return True
            idle = who_goes(occupants, address.host, most_of_host=of_host)
            if idle is None:
                return False
            leecher = self._leechers[idle.number]
            leecher.is_leaving = True
        log.info("hung up on %s, which was idle, for %s", leecher.connection.address, address.host)
        leecher.connection.hang_up()
        return True

    def called(self) -> frozenset[Address]:
        """The leechers that are served over reverse connections."""
        with self._lock:
            return frozenset(
                one.connection.address for one in self._leechers.values() if one.is_called
            )

    def serve(
        self,
        connection: Connection,
        computer: str,
        *,
        longest_part: int = PART,
        is_called: bool = False,
    ) -> bool:
        """Serve a leecher in a thread of its own; False when the system refuses what that needs.

        Takes over the connection, and closes it in any case. `longest_part`: bytes that the leecher
        takes in one frame. `is_called`: this program made the connection.
        """
        try:
            waiting = Waiting()
        except OSError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            connection.close()
            return False
        number = next(self._numbers)
        now = time.monotonic()
        session = UploadSession(number, self._scheduler, self._library, self._wake, now=now)
        meter = RateMeter(now=now)
        leecher = _Leecher(
            number, connection, waiting, computer, meter, is_called, longest_part, session
        )
        leecher.thread = Worker(lambda: self._serve(leecher), "lmk-uploader")
        with self._lock:
            self._leechers[number] = leecher
            self._scheduler.joined(number, connection.address.host)
            is_late = self._stopping.is_set()
        try:
            if is_late:
                raise ShortageError("this program stops")
            leecher.thread.start()
        except ShortageError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            self._end(leecher)
            return False
        return True

    def news(self, root: bytes, chunks: int) -> None:
        """These chunks, a bitmap, can be sent from now on."""
        with self._lock:
            self._wake(self._scheduler.news(root, chunks))

    def look_again(self) -> None:
        """The library's contents have changed."""
        with self._lock:
            self._wake(list(self._leechers), LOOK_AGAIN)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """The uploads that run or wait for a slot, and the bytes sent since the start."""
        with self._lock:
            leechers = list(self._leechers.values())
            sent_before = self._sent_before
        uploads = list[Upload]()
        for leecher in leechers:
            session, sent = leecher.session, leecher.session.bytes_sent
            leecher.meter.add(sent - leecher.counted, now=now)
            leecher.counted = sent
            rate, position = leecher.meter.rate(now=now), session.position
            if not (rate or position):
                continue
            title, computer = session.title, leecher.computer
            address = leecher.connection.address
            uploads.append(Upload(address, title, sent, 0, rate, computer, position))
        return tuple(uploads), sent_before + sum(item.counted for item in leechers)

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        with self._lock:
            leechers = list(self._leechers.values())
        for leecher in leechers:
            leecher.connection.hang_up()
        self.look_again()

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        with self._lock:
            threads = [item.thread for item in self._leechers.values()]
        for thread in threads:
            if thread is not None:
                thread.join()

    def _serve(self, leecher: _Leecher) -> None:
        try:
            Uploader(
                leecher.connection,
                leecher.waiting,
                leecher.session,
                self._lock,
                self._library,
                self._throttle,
                self._stopping.is_set,
                leecher.longest_part,
            ).run()
        except PeerProtocolError as error:
            log.warning("dropped %s: %s", leecher.connection.address, error)
        except OSError as error:
            log.info("%s is gone: %s", leecher.connection.address, error)
        except MemoryError:
            log.warning("dropped %s: this computer has no memory left", leecher.connection.address)
        finally:
            self._end(leecher)

    def _end(self, leecher: _Leecher) -> None:
        with self._lock:
            del self._leechers[leecher.number]
            self._sent_before += leecher.session.bytes_sent
            self._wake(self._scheduler.left(leecher.number))
        leecher.connection.close()
        leecher.waiting.close()

    def _have(self, root: bytes) -> int:
        holding = self._library.find(root)
        return 0 if holding is None else holding.have()

    def _wake(self, numbers: list[int], word: bytes = b"\0") -> None:
        """Called with the lock held: the byte goes into a buffer, and nothing waits."""
        for number in numbers:
            leecher = self._leechers.get(number)
            if leecher is not None:
                leecher.waiting.wake(word)
