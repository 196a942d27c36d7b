"""All LMK/2 uploads of this program: a thread for each leecher, one scheduler for all."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time

from roles.disk.holding import Library
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.uploads.upload_scheduler import UploadScheduler
from roles.uploads.upload_session import UploadSession, room_for_leecher
from roles.uploads.uploader import LIMITS, LOOK_AGAIN, Limits, Uploader
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, ShortageError
from roles.values.events import Upload
from roles.wire.greeting import Hello, Welcome
from roles.worker import Workers

log = logging.getLogger(__name__)


class PeerUploads:
    """The role's thread calls report(); the other methods may be called from any thread."""

    def __init__(
        self,
        library: Library,
        slots: int,
        throttle: Throttle,
        limits: Limits = LIMITS,
    ) -> None:
        self._library = library
        self._throttle = throttle
        self._limits = limits
        # Protects the scheduler, all sessions and the table; never held during I/O.
        self._lock = threading.Lock()
        self._scheduler = UploadScheduler(slots, self._have, self._wake, random.Random())
        self._uploaders: dict[int, Uploader] = {}
        self._workers = Workers("lmk-uploader")
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._sent_before = 0  # bytes, of connections that ended

    @property
    def slots_taken(self) -> int:
        with self._lock:
            return self._scheduler.slots_taken

    @property
    def is_waited_for(self) -> bool:
        with self._lock:
            return self._scheduler.is_waited_for

    def limit(self, slots: int) -> None:
        with self._lock:
            self._scheduler.limit(slots)

    def make_room(self, address: Address, *, now: float) -> bool:
        """Whether to accept one more connection from this host; may hang up on an idle one for it.
        This machine may have all connections.
        """
        with self._lock:
            sessions = [uploader.session for uploader in self._uploaders.values()]
            leaving = room_for_leecher(sessions, address.host, now=now)
            idle = [self._uploaders[session.number].connection for session in leaving or ()]
            for session in leaving or ():
                session.is_leaving = True
        for connection in idle:
            log.info("hung up on %s, which was idle, for %s", connection.address, address.host)
            connection.hang_up()
        return leaving is not None

    def called(self) -> frozenset[Address]:
        """The leechers that are served over reverse connections."""
        with self._lock:
            return frozenset(
                uploader.connection.address
                for uploader in self._uploaders.values()
                if isinstance(uploader.leecher, Welcome)
            )

    def serve(self, connection: Connection, leecher: Hello | Welcome) -> bool:
        """Serve a leecher in a thread of its own; False when the system refuses what that needs.

        Takes over the connection, and closes it in any case. `leecher`: what it said of itself, a
        Welcome if this program made the connection.
        """
        number, host = next(self._numbers), connection.address.host
        limits, now = self._limits, time.monotonic()
        session = UploadSession(
            number, host, self._scheduler, self._library, limits.session, now=now
        )
        try:
            uploader = Uploader(
                connection,
                leecher,
                session,
                self._lock,
                self._library,
                self._throttle,
                self._stopping,
                limits,
            )
        except OSError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            connection.close()
            return False
        with self._lock:
            self._uploaders[number] = uploader
            self._scheduler.joined(number, host)
        try:
            self._workers.start(lambda: self._run(uploader))
        except ShortageError as error:
            log.warning("%s cannot be served: %s", connection.address, error)
            self._end(uploader)
            return False
        return True

    def news(self, root: bytes, chunks: int) -> None:
        """These chunks, a bitmap, can be sent from now on."""
        with self._lock:
            self._scheduler.news(root, chunks)

    def look_again(self) -> None:
        """The library's contents have changed."""
        with self._lock:
            for number in self._uploaders:
                self._wake(number, LOOK_AGAIN)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """The uploads that run or wait for a slot, and the bytes sent since the start."""
        with self._lock:
            uploaders = list(self._uploaders.values())
            sent = self._sent_before
        uploads = list[Upload]()
        for uploader in uploaders:
            session, total = uploader.session, uploader.meter.total
            rate = uploader.meter.rate(now=now)
            sent += total
            if rate or session.position:
                address, position = uploader.connection.address, session.position
                uploads.append(
                    Upload(address, session.title, total, 0, rate, uploader.leecher.name, position)
                )
        return tuple(uploads), sent

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        with self._lock:
            uploaders = list(self._uploaders.values())
        for uploader in uploaders:
            uploader.connection.hang_up()
        self.look_again()

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        self._workers.join()

    def _run(self, uploader: Uploader) -> None:
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
            self._end(uploader)

    def _end(self, uploader: Uploader) -> None:
        number = uploader.session.number
        with self._lock:
            del self._uploaders[number]
            self._sent_before += uploader.meter.total
            self._scheduler.left(number)
        uploader.close()

    def _have(self, root: bytes) -> int:
        holding = self._library.find(root)
        return 0 if holding is None else holding.have()

    def _wake(self, number: int, word: bytes = b"\0") -> None:
        """Called with the lock held: the byte goes into a buffer, and nothing waits."""
        uploader = self._uploaders.get(number)
        if uploader is not None:
            uploader.wake(word)
