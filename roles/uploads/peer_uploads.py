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
from roles.net.eviction import Occupant, evicted
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
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
class _Upload:
    uploader: Uploader
    computer: str
    is_called: bool  # this program made the connection
    meter: RateMeter
    thread: threading.Thread | None = None
    is_leaving: bool = False  # we hung up, and another has taken its place


class PeerUploads:
    """The role's thread calls report(); the other methods may be called from any thread."""

    def __init__(self, library: Library, slots: int, throttle: Throttle) -> None:
        self._library = library
        self._throttle = throttle
        # Protects the scheduler, all sessions and the table; never held during I/O.
        self._lock = threading.Lock()
        self._scheduler = UploadScheduler(slots, self._have, random.Random())
        self._uploads: dict[int, _Upload] = {}
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
        now, host = time.monotonic(), address.host
        with self._lock:
            leaving = evicted(
                [
                    Occupant(
                        number,
                        one.uploader.connection.address.host,
                        one.uploader.session.idle_s(now=now),
                        one.uploader.session.is_proven,
                    )
                    for number, one in self._uploads.items()
                    if not one.is_leaving
                ],
                host,
                most=MAX_CONNECTIONS,
                most_of_host=MAX_CONNECTIONS if is_loopback(host) else MAX_PER_HOST,
            )
            idle = [self._uploads[one.number] for one in leaving or ()]
            for one in idle:
                one.is_leaving = True
        for one in idle:
            connection = one.uploader.connection
            log.info("hung up on %s, which was idle, for %s", connection.address, host)
            connection.hang_up()
        return leaving is not None

    def called(self) -> frozenset[Address]:
        """The leechers that are served over reverse connections."""
        with self._lock:
            return frozenset(
                one.uploader.connection.address for one in self._uploads.values() if one.is_called
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
        number, now = next(self._numbers), time.monotonic()
        session = UploadSession(number, self._scheduler, self._library, self._wake, now=now)
        try:
            uploader = Uploader(
                connection,
                session,
                self._lock,
                self._library,
                self._throttle,
                self._stopping.is_set,
                longest_part,
            )
        except OSError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            connection.close()
            return False
        upload = _Upload(uploader, computer, is_called, RateMeter(now=now))
        upload.thread = Worker(lambda: self._serve(number, uploader), "lmk-uploader")
        with self._lock:
            self._uploads[number] = upload
            self._scheduler.joined(number, connection.address.host)
            is_late = self._stopping.is_set()
        try:
            if is_late:
                raise ShortageError("this program stops")
            upload.thread.start()
        except ShortageError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            self._end(number, uploader)
            return False
        return True

    def news(self, root: bytes, chunks: int) -> None:
        """These chunks, a bitmap, can be sent from now on."""
        with self._lock:
            self._wake(self._scheduler.news(root, chunks))

    def look_again(self) -> None:
        """The library's contents have changed."""
        with self._lock:
            self._wake(list(self._uploads), LOOK_AGAIN)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """The uploads that run or wait for a slot, and the bytes sent since the start."""
        with self._lock:
            running = list(self._uploads.values())
            sent_in_all = self._sent_before
        uploads = list[Upload]()
        for one in running:
            session, sent = one.uploader.session, one.uploader.sent
            sent_in_all += sent
            one.meter.add(sent - one.meter.total, now=now)
            rate, position = one.meter.rate(now=now), session.position
            if rate or position:
                address = one.uploader.connection.address
                uploads.append(
                    Upload(address, session.title, sent, 0, rate, one.computer, position)
                )
        return tuple(uploads), sent_in_all

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        with self._lock:
            running = list(self._uploads.values())
        for one in running:
            one.uploader.connection.hang_up()
        self.look_again()

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        with self._lock:
            threads = [one.thread for one in self._uploads.values()]
        for thread in threads:
            if thread is not None:
                thread.join()

    def _serve(self, number: int, uploader: Uploader) -> None:
        address = uploader.connection.address
        try:
            uploader.run()
        except PeerProtocolError as error:
            log.warning("dropped %s: %s", address, error)
        except OSError as error:
            log.info("%s is gone: %s", address, error)
        except MemoryError:
            log.warning("dropped %s: this computer has no memory left", address)
        finally:
            self._end(number, uploader)

    def _end(self, number: int, uploader: Uploader) -> None:
        with self._lock:
            del self._uploads[number]
            self._sent_before += uploader.sent
            self._wake(self._scheduler.left(number))
        uploader.close()

    def _have(self, root: bytes) -> int:
        holding = self._library.find(root)
        return 0 if holding is None else holding.have()

    def _wake(self, numbers: list[int], word: bytes = b"\0") -> None:
        """Called with the lock held: the byte goes into a buffer, and nothing waits."""
        for number in numbers:
            upload = self._uploads.get(number)
            if upload is not None:
                upload.uploader.wake(word)
