"""A seeder's uploads to LMK/1 leechers: each has a thread and holds a slot."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from roles.lmk1.chunk_sender import ChunkSender
from roles.net.connection import Connection
from roles.net.eviction import Occupant, who_goes
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.sharing.folder_library import FolderLibrary
from roles.uploads.peer_uploads import PeerUploads
from roles.uploads.slots import slots_for_lmk2
from roles.values.addresses import is_loopback
from roles.values.errors import FileChangedError, PeerProtocolError, ShortageError
from roles.values.events import SeederState, Upload
from roles.wire.greeting import AWAY
from roles.worker import Workers

log = logging.getLogger(__name__)

# Keeps one machine with many downloads from blocking a room. Loopback is exempt.
SLOTS_PER_HOST = 2
# An original connects to four more seeders, for up to 2 s each, before it sends its first request.
ASK_S = 8.0
LOOK_S = 5.0  # a leecher that acknowledges fewer than LEAST_CHUNKS in this time is idle
LEAST_CHUNKS = 2


@dataclass(slots=True)
class _Serving:
    connection: Connection
    sender: ChunkSender
    meter: RateMeter
    looked_at: float
    idle_since: float | None
    acknowledged: int = 0  # chunks, at `looked_at`
    has_asked: bool = False  # for a range, at `looked_at`
    counted: int = 0  # bytes that `meter` has counted
    is_leaving: bool = False  # we hung up on it

    @property
    def host(self) -> str:
        return self.sender.leecher.host


class Lmk1Uploads:
    """Owned by the seeder's thread."""

    def __init__(
        self,
        library: FolderLibrary,
        swarm: PeerUploads,
        *,
        slots: int,
        throttle: Throttle,
        stopping: threading.Event,
    ) -> None:
        """`slots`: of the seeder; LMK/1 and LMK/2 leechers share them."""
        self._library = library
        self._swarm = swarm
        self._slots = slots
        self._throttle = throttle
        self._stopping = stopping
        self._serving: list[_Serving] = []
        self._workers = Workers("lmk-upload")
        self._sent_before = 0  # bytes, of connections that ended

    def answer(self, connection: Connection) -> None:
        """Serve a leecher that has greeted, perhaps instead of an idle one, or send it away."""
        self._reap()
        address = connection.address
        if not self._is_free(address.host) and not (
            self._end_idle(address.host) and self._is_free(address.host)
        ):
            log.debug("Told %s “away”: all upload slots are in use.", address)
            connection.close(AWAY)
            return
        sender = ChunkSender(connection, self._library, self._throttle, self._stopping)
        try:
            self._workers.start(lambda: self._serve(connection, sender))
        except ShortageError as error:
            log.warning("Told %s “away”: %s", address, error)
            connection.close(AWAY)
            return
        now = time.monotonic()
        meter = RateMeter(now=now)
        self._serving.append(_Serving(connection, sender, meter, now, now + ASK_S))
        log.debug("%s is connected", address)

    def share_slots(self) -> None:
        """Release the slots of ended connections, and of idle ones if LMK/2 leechers wait for them.
        Call it often.
        """
        self._reap()
        if self._swarm.is_waited_for:
            self._end_idle()
        self._swarm.limit(slots_for_lmk2(self._slots, len(self._holding)))

    @property
    def state(self) -> SeederState:
        """What the next LMK/1 leecher can expect."""
        return state_of(self._slots, len(self._holding) + self._swarm.slots_taken)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """The uploads, and the bytes sent since the start."""
        uploads = list[Upload]()
        for serving in self._serving:
            sender = serving.sender
            sent = sender.sent
            serving.meter.add(sent - serving.counted, now=now)
            serving.counted = sent
            _look_at(serving, now)
            rate = serving.meter.rate(now=now)
            uploads.append(Upload(sender.leecher, sender.name, sent, sender.size, rate))
        return tuple(uploads), self._sent_before + sum(upload.sent for upload in uploads)

    def join(self) -> None:
        """Wait for all threads, which end once `stopping` is set."""
        self._workers.join()

    @property
    def _holding(self) -> list[_Serving]:
        """The uploads that have a slot."""
        return [serving for serving in self._serving if not serving.is_leaving]

    def _is_free(self, host: str) -> bool:
        hosts = [serving.host for serving in self._holding]
        return is_free(host, hosts, slots=self._slots, elsewhere=self._swarm.slots_taken)

    def _end_idle(self, host: str = "") -> bool:
        """Hang up on the leecher that has been idle longest, so that a new one from `host`, or an
        LMK/2 leecher, gets its slot. False if none has been idle for long enough.
        """
        now = time.monotonic()
        occupants = [
            Occupant(
                serving,
                serving.host,
                0.0 if serving.idle_since is None else now - serving.idle_since,
                serving.acknowledged > 0,
            )
            for serving in self._holding
        ]
        most = len(occupants) + 1 if is_loopback(host) else SLOTS_PER_HOST
        serving = who_goes(occupants, host, most_of_host=most)
        if serving is None:
            return False
        serving.is_leaving = True
        log.info("Hung up on %s, which was idle, because others wait.", serving.sender.leecher)
        serving.connection.hang_up()
        return True

    def _reap(self) -> None:
        for serving in [serving for serving in self._serving if serving.sender.has_ended]:
            self._serving.remove(serving)
            self._sent_before += serving.sender.sent

    def _serve(self, connection: Connection, sender: ChunkSender) -> None:
        with connection:
            try:
                sender.run()
            except FileChangedError as error:
                log.info("%s: %s", sender.leecher, error)
                self._library.wake()
            except PeerProtocolError as error:
                log.warning("Dropped %s: %s", sender.leecher, error)
            except OSError as error:
                log.info("%s is gone: %s", sender.leecher, error)
            except MemoryError:
                log.warning("Dropped %s: this computer has no memory left.", sender.leecher)


def is_free(host: str, hosts: Sequence[str], *, slots: int, elsewhere: int) -> bool:
    """Whether a leecher on `host` gets one of the `slots`, of which `hosts` and others
    `elsewhere` have some.
    """
    if len(hosts) + elsewhere >= slots:
        return False
    return slots == 1 or is_loopback(host) or hosts.count(host) < SLOTS_PER_HOST


def state_of(slots: int, taken: int) -> SeederState:
    """With one slot it is `connected` while busy, like the original."""
    if taken == 0:
        return SeederState.AVAILABLE
    return SeederState.AWAY if taken >= slots > 1 else SeederState.CONNECTED


def _look_at(serving: _Serving, now: float) -> None:
    """Update `idle_since`. A leecher has ASK_S until it must ask for a range."""
    if not serving.has_asked:
        serving.has_asked = serving.sender.has_asked
        if serving.has_asked:
            serving.looked_at, serving.idle_since = now, None
    elif now - serving.looked_at >= LOOK_S:
        count = serving.sender.acknowledged
        if count - serving.acknowledged >= LEAST_CHUNKS:
            serving.idle_since = None
        elif serving.idle_since is None:
            serving.idle_since = serving.looked_at
        serving.looked_at, serving.acknowledged = now, count
