"""The receiving end of one LMK/2 connection, in a thread of its own.

It answers offers, and receives and checks chunks. A chunk is received into one buffer, hashed by C
code and written with one call, so that Python works per chunk, not per byte.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from roles.net.connection import Connection
from roles.net.frame_budget import FRAME_BYTES
from roles.net.throttle import Throttle
from roles.swarm import frame_deadlines
from roles.swarm.arriving_chunks import ArrivingChunk, ArrivingChunks
from roles.swarm.frame_deadlines import FrameDeadlines
from roles.swarm.peer import Peer
from roles.swarm.shared_swarm import SharedSwarm
from roles.values.errors import PeerProtocolError, StoppedError
from roles.wire import frames
from roles.worker import POLL_S

log = logging.getLogger(__name__)

T = TypeVar("T")

# The thread wakes for what comes in this time, so that others soon see whether a chunk moves.
WAKE_S = 0.25
MIN_WAKE = 64 * 1024  # bytes; a peer that needs 45 s for that is as good as gone
MAX_WAKE = frames.PART  # bytes; with half of it, the processor does as much
_SCRAP = 64 * 1024


class Limits(NamedTuple):
    alive_s: float = 15.0  # of our silence before we send ALIVE
    # How often a waiting thread checks its deadlines. A shutdown of the socket wakes it at once,
    # except on Windows.
    look_s: float = POLL_S if sys.platform == "win32" else 5.0
    # Bytes in a row: eight of the longest chunks that we cancelled.
    unwanted: int = 32 * 1024 * 1024
    deadlines: frame_deadlines.Limits = frame_deadlines.LIMITS


LIMITS = Limits()


class Downloader:
    """Receives from one peer, after the greeting."""

    def __init__(
        self,
        peer: Peer,
        connection: Connection,
        swarm: SharedSwarm,
        chunks: ArrivingChunks,
        throttle: Throttle,
        stopping: threading.Event,
        limits: Limits = LIMITS,
    ) -> None:
        """The peer has joined the swarm. The connection stays the caller's to close."""
        self._peer = peer
        self._connection = connection
        self._swarm = swarm
        self._locked = swarm.locked()  # several times for each chunk
        self._chunks = chunks
        self._throttle = throttle
        self._stopping = stopping
        self._limits = limits
        self._chunk: ArrivingChunk | None = None
        self._unwanted = 0  # bytes of chunks since the last one that was wanted
        now = time.monotonic()
        self._look_at = now + self._limits.alive_s  # when to look whether to send ALIVE
        self._deadlines = FrameDeadlines(self._limits.deadlines, now=now)
        connection.limit(self._limits.look_s)

    def run(self) -> None:
        """Receive until the peer leaves or we stop. Raises PeerProtocolError or OSError."""
        try:
            while True:
                # The first bytes of a frame may have come with the last one.
                self._deadlines.next_frame(time.monotonic() if self._connection.ahead else None)
                kind, length = frames.decode_header(self._take(frames.HEADER.size))
                if kind == frames.CHUNK:
                    self._read_slowly(1)  # parts may have one byte each
                    self._receive_part(length - frames.PART_HEAD.size)
                    continue
                self._read_slowly(1 + length // FRAME_BYTES)
                frame = frames.decode(kind, self._take(length))
                if isinstance(frame, frames.Bye):
                    log.debug("%s says %s", self._peer.address, frame)
                    return
                if self._connection.ahead:  # answers to frames that came together go out together
                    self._connection.hold()
                with self._locked as swarm:
                    swarm.came(self._peer, frame, now=time.monotonic())
        except (_LeftError, StoppedError):
            return
        finally:
            self._drop_chunk()

    def _read_slowly(self, count: int) -> None:
        """Pause if this peer sends many frames and no chunks."""
        if pause_s := self._peer.budget.spend(count, now=time.monotonic()):
            self._connection.release()
            self._stopping.wait(pause_s)

    def _receive_part(self, length: int) -> None:
        """Receive a part; the last one of a chunk ends it."""
        handle, index, offset = frames.PART_HEAD.unpack(self._take(frames.PART_HEAD.size))
        self._deadlines.is_part()
        self._connection.release()  # waiting for a buffer may take long
        with self._locked as swarm:
            transfer = swarm.expected(self._peer, handle, index)
        chunk = self._chunk
        if chunk is not None and (chunk.transfer, chunk.index) != (transfer, index):
            self._drop_chunk()  # we cancelled it in the middle
            chunk = None
        if transfer is None:
            self._discard(length)
            return
        if chunk is None:
            host = self._peer.sender[1]  # "" on this machine, which has no limit
            chunk = self._chunk = self._chunks.begin(transfer, index, host)
            self._deadlines.restart(now=chunk.began)
        whole = len(chunk.buffer)
        if offset != chunk.received or offset + length > whole:
            raise PeerProtocolError("it sent a part of a chunk in the wrong place")
        self._fill(chunk, length)
        if chunk.received < whole:
            return
        try:
            digest = chunk.hash.digest()
            self._swarm.keep(self._peer, transfer, index, memoryview(chunk.buffer), digest)
            self._unwanted = 0
        finally:
            self._drop_chunk()

    def _drop_chunk(self) -> None:
        """The chunk is complete, or does not come."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self._chunks.end(chunk)

    def _fill(self, chunk: ArrivingChunk, length: int) -> None:
        """Receive a part of the chunk, and hash it."""
        begin = chunk.received
        view = memoryview(chunk.buffer)[begin : begin + length]
        ready = self._connection.take_ahead(view)
        most_at_once = wake_bytes(self._peer)
        while ready < length:
            most = length - ready
            if self._throttle.limit is not None:
                most = self._throttle.slice(most)
                self._hold_up(most, chunk)
            ready += self._receive_into(view[ready : ready + most], min(most, most_at_once))
            self._note(chunk, begin + ready)
        if chunk.received < begin + length:  # all of it came with its head
            self._note(chunk, begin + length)
        began = time.monotonic()
        chunk.hash.update(view)
        spent = self._peer.spent
        spent.hashing += time.monotonic() - began
        spent.received += length

    def _hold_up(self, count: int, chunk: ArrivingChunk | None = None) -> None:
        """Wait until our rate limit allows `count` bytes. Deadlines move by that time."""
        held_s = self._throttle.wait(count, self._stopping)
        self._deadlines.held_up(held_s)
        self._peer.spent.held += held_s
        if chunk is not None:
            chunk.was_held_up(held_s)

    def _note(self, chunk: ArrivingChunk, received: int) -> None:
        """`received` bytes of the chunk are here now."""
        count, chunk.received = received - chunk.received, received
        now = time.monotonic()
        with self._locked as swarm:
            swarm.received(self._peer, chunk.transfer, chunk.index, count, now=now)
        self._check_pace(now)

    def _discard(self, length: int) -> None:
        self._unwanted += length
        if self._unwanted > self._limits.unwanted:
            raise PeerProtocolError("it sends chunks that nobody asked for")
        scrap = memoryview(bytearray(min(length, _SCRAP)))
        length -= self._connection.take_ahead(scrap[: min(length, len(scrap))])
        while length:
            most = self._throttle.slice(min(length, len(scrap)))
            self._hold_up(most)
            length -= self._receive_into(scrap[:most], 1)

    def _take(self, count: int) -> bytes:
        """The next `count` bytes, of a frame's header or of a short frame."""
        while (taken := self._connection.take(count)) is None:
            self._receive(self._connection.read_ahead, count)
        return taken

    def _receive_into(self, target: memoryview, at_least: int) -> int:
        """See Carrier.receive_into(). Raises _LeftError when the peer closed."""
        return self._receive(self._connection.receive_into, target, at_least)

    def _receive(self, receive: Callable[[T, int], int | None], what: T, at_least: int = 1) -> int:
        self._connection.release()
        began = time.monotonic()
        while True:
            if self._stopping.is_set():
                raise StoppedError
            count = receive(what, at_least)
            if count is None:
                self._waited_in_vain(at_least)
                at_least = 1  # from now on even one byte counts
                continue
            if not count:
                raise _LeftError
            now = time.monotonic()
            if self._chunk is not None:
                self._peer.spent.receiving += now - began
            self._deadlines.heard(now=now)
            if now >= self._look_at:
                self._show_life(now)
            return count

    def _waited_in_vain(self, at_least: int) -> None:
        """Send ALIVE if it is time to. Raises TimeoutError when nothing came for too long."""
        if self._connection.was_hung_up:  # on Windows that wakes nobody
            raise ConnectionResetError("this computer's network changed")
        now = time.monotonic()
        self._deadlines.heard_nothing(now=now)
        if at_least == 1:
            self._check_pace(now)
        if now >= self._look_at:
            self._show_life(now)

    def _show_life(self, now: float) -> None:
        """We may have nothing else to send."""
        self._look_at = self._peer.sent_at + self._limits.alive_s
        if now >= self._look_at:
            self._look_at = now + self._limits.alive_s
            self._connection.post(frames.encode(frames.Alive()))

    def _check_pace(self, now: float) -> None:
        """Raises PeerProtocolError when a slow chunk keeps a buffer from others."""
        if self._chunk is not None and self._chunks.is_too_slow(self._chunk, now=now):
            raise PeerProtocolError("it sends a chunk too slowly while others wait to send theirs")


def wake_bytes(peer: Peer) -> int:
    """How many bytes of a chunk the thread wakes for."""
    return min(MAX_WAKE, max(MIN_WAKE, int(peer.chunk_rate * WAKE_S)))


class _LeftError(Exception):
    """The peer closed the connection: not an error."""
