"""The receiving end of one LMK/2 connection, in a thread of its own.

It answers offers, and receives and checks chunks. A chunk is received into one buffer, hashed by C
code and written with one call, so that Python works per chunk, not per byte.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from roles.net.throttle import Throttle
from roles.net.word_budget import WORD, WordBudget
from roles.swarm.arriving_chunks import ArrivingChunk
from roles.swarm.buffer_pool import BufferPool, StoppedError
from roles.swarm.peer_connection import PeerConnection
from roles.swarm.shared_swarm import SharedSwarm
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from roles.worker import POLL_S, rest

log = logging.getLogger(__name__)

RECEIVE_S = 15.0  # of our silence before we send ALIVE
# How often a waiting thread checks its deadlines. A shutdown of the socket wakes it at once, except
# on Windows.
LOOK_S = POLL_S if sys.platform == "win32" else 5.0
SILENT_S = 45.0  # of the peer's silence before we give it up
STILL_S = 10.0  # without a byte in the middle of a frame: it was damaged, or the peer hangs
# From the first byte of a frame to the last; longer for a part of a chunk, which our seeders give
# up after 60 s. Waiting for our own rate limit does not count.
FRAME_S = 10.0
PART_S = 75.0
WAKE_BYTES = 128 * 1024  # half a part; a peer that needs 45 s for that is as good as gone
WAKE_PART = 0.25  # of a long part, which only fast peers send
MAX_UNWANTED = 32 * 1024 * 1024  # bytes in a row: eight of the longest chunks that we cancelled
_SCRAP = 64 * 1024


class Downloader:
    """Receives from one peer, after the greeting."""

    def __init__(
        self,
        connection: PeerConnection,
        swarm: SharedSwarm,
        buffers: BufferPool,
        throttle: Throttle,
        should_stop: Callable[[], bool],
    ) -> None:
        """The connection stays the caller's to close."""
        self._peer = connection
        self._connection = connection.connection
        self._swarm = swarm
        self._buffers = buffers
        self._host = connection.peer.sender[1]  # "" on this machine, which has no buffer limit
        self._throttle = throttle
        self._should_stop = should_stop
        self._chunk: ArrivingChunk | None = None
        self._words = WordBudget()
        self._unwanted = 0  # bytes of chunks since the last one that was wanted
        self._heard = time.monotonic()
        self._began: float | None = None  # when the current frame began to arrive
        self._patience_s = FRAME_S  # for all of that frame
        self._connection.limit(LOOK_S)

    def run(self) -> None:
        """Receive until the peer leaves or we stop. Raises PeerProtocolError or OSError."""
        self._swarm.joined(self._peer)
        try:
            while not self._should_stop():
                self._began, self._patience_s = None, FRAME_S
                if self._connection.ahead:  # its first bytes came with the last frame
                    self._began = self._heard = time.monotonic()
                kind, length = frames.decode_header(self._take(frames.HEADER.size))
                if kind == frames.Kind.CHUNK:
                    self._read_slowly(1)  # parts may have one byte each
                    self._receive_part(length - frames.PART_HEAD.size)
                    continue
                self._read_slowly(1 + length // WORD)
                if not self._answered(kind, self._take(length)):
                    return
        except (_LeftError, StoppedError):
            return
        finally:
            self._drop_chunk()

    def _read_slowly(self, words: int) -> None:
        """Pause if this peer sends many frames and no chunks."""
        rest(self._words.spend(words, now=time.monotonic()), self._should_stop)

    def _answered(self, kind: int, body: bytes) -> bool:
        """Handle a frame; False when the peer left. If the next frame is here already, the answers
        go out together.
        """
        if self._connection.ahead:
            self._connection.hold()
        else:
            self._connection.release()
        return self._handle(frames.decode(kind, body))

    def _handle(self, frame: frames.Frame | None) -> bool:
        match frame:
            case frames.File():
                self._swarm.described(self._peer, frame)
            case frames.Digests():
                if self._swarm.digests_came(self._peer, frame):
                    self._words.refill()
            case frames.Offer():
                self._swarm.answer(self._peer, frame)
            case frames.Gone(handle, reason):
                self._swarm.gone(self._peer, handle, reason)
            case frames.Place(position):
                self._swarm.queued(self._peer, position)
            case frames.Alive() | None:
                pass
            case frames.Bye(reason):
                log.debug("%s left: %s", self._peer.peer.address, reason)
                return False
            case (
                frames.Open()
                | frames.GetDigests()
                | frames.Want()
                | frames.Take()
                | frames.Decline()
                | frames.Cancel()
            ):
                raise PeerProtocolError("a frame that only leechers send")
        return True

    def _receive_part(self, length: int) -> None:
        """Receive a part; the last one of a chunk ends it."""
        handle, index, offset = frames.PART_HEAD.unpack(self._take(frames.PART_HEAD.size))
        self._patience_s = PART_S
        self._connection.release()  # waiting for a buffer may take long
        chunk = self._chunk
        if chunk is not None and (chunk.handle, chunk.index) != (handle, index):
            self._drop_chunk()  # we cancelled it in the middle
            chunk = None
        transfer = self._swarm.expected(self._peer, handle, index)
        if transfer is None:
            self._drop_chunk()
            self._discard(length)
            return
        whole = transfer.content.length(index)
        if chunk is None:
            buffer = self._buffers.take(whole, self._should_stop, self._host)
            self._began = self._heard = time.monotonic()
            chunk = self._chunk = ArrivingChunk(handle, index, whole, buffer, self._began)
            self._buffers.chunks.add(chunk)
        if offset != chunk.received or offset + length > whole:
            raise PeerProtocolError("it sent a part of a chunk in the wrong place")
        self._fill(chunk, length)
        if chunk.received < whole:
            return
        try:
            view = memoryview(chunk.buffer)[:whole]
            if self._swarm.keep(self._peer, handle, index, view, chunk.hash.digest()):
                self._words.refill()
            self._unwanted = 0
        finally:
            self._drop_chunk()

    def _drop_chunk(self) -> None:
        """The chunk is complete, or does not come: give back its buffer."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self._buffers.chunks.remove(chunk)
            self._buffers.give_back(chunk.buffer, self._host)

    def _fill(self, chunk: ArrivingChunk, length: int) -> None:
        """Receive a part of the chunk, and hash it."""
        begin = chunk.received
        view = memoryview(chunk.buffer)[begin : begin + length]
        ready = self._connection.take_ahead(view)
        while ready < length:
            most = self._throttle.slice(length - ready)
            self._hold_up(most, chunk)
            self._connection.wake_at(min(most, max(WAKE_BYTES, int(length * WAKE_PART))))
            ready += self._receive_into(view[ready : ready + most])
            self._note(chunk, begin + ready)
            self._check_pace(self._heard)
        self._note(chunk, begin + length)
        self._connection.wake_at(1)
        chunk.hash.update(view)

    def _hold_up(self, count: int, chunk: ArrivingChunk | None = None) -> None:
        """Wait until our rate limit allows so many bytes; deadlines move by that time."""
        held_s = self._throttle.wait(count, self._should_stop)
        if held_s:
            self._heard += held_s
            self._began = None if self._began is None else self._began + held_s
        if chunk is not None:
            chunk.was_held_up(held_s)

    def _note(self, chunk: ArrivingChunk, received: int) -> None:
        """`received` bytes of the chunk are here now."""
        if received > chunk.received:
            count, chunk.received = received - chunk.received, received
            self._swarm.received(self._peer, chunk.handle, chunk.index, count)

    def _discard(self, length: int) -> None:
        self._unwanted += length
        if self._unwanted > MAX_UNWANTED:
            raise PeerProtocolError("it sends chunks that nobody asked for")
        scrap = memoryview(bytearray(min(length, _SCRAP)))
        length -= self._connection.take_ahead(scrap[: min(length, len(scrap))])
        while length:
            most = self._throttle.slice(min(length, len(scrap)))
            self._hold_up(most)
            length -= self._receive_into(scrap[:most])

    def _take(self, count: int) -> bytes:
        """The next `count` bytes, of a frame's header or of a short frame."""
        while (taken := self._connection.take(count)) is None:
            self._receive(lambda: self._connection.read_ahead(count))
        return taken

    def _receive_into(self, target: memoryview) -> int:
        """At least one byte. Raises _LeftError when the peer closed."""
        return self._receive(lambda: self._connection.receive_into(target))

    def _receive(self, receive: Callable[[], int | None]) -> int:
        self._connection.release()
        while True:
            if self._should_stop():
                raise StoppedError
            count = receive()
            if count is None:
                self._waited_in_vain()
                continue
            if not count:
                raise _LeftError
            self._heard = time.monotonic()
            self._began = self._began or self._heard
            if self._heard - self._began > self._patience_s:
                raise TimeoutError(f"a frame did not end within {self._patience_s:.0f} s")
            if self._heard - self._peer.spoke_at >= RECEIVE_S:  # we may have nothing else to send
                self._peer.send(frames.Alive())
            return count

    def _waited_in_vain(self) -> None:
        """Send ALIVE if it is time to. Raises TimeoutError when nothing came for too long."""
        if self._connection.was_hung_up:  # on Windows that wakes nobody
            raise ConnectionResetError("this computer's network changed")
        now = time.monotonic()
        if now - self._heard > SILENT_S:
            raise TimeoutError(f"no sign of life for {SILENT_S:.0f} s")
        if self._began is not None and now - self._heard > STILL_S:
            raise TimeoutError(f"nothing for {STILL_S:.0f} s in the middle of a frame")
        if self._connection.wakes_at_once:
            self._check_pace(now)
        self._connection.wake_at(1)  # from now on even one byte counts
        if now - self._peer.spoke_at >= RECEIVE_S:
            self._peer.send(frames.Alive())

    def _check_pace(self, now: float) -> None:
        """Raises PeerProtocolError when a slow chunk keeps a buffer from others."""
        chunk = self._chunk
        if chunk is None or not chunk.is_due(now):
            return
        is_slow = self._buffers.chunks.is_too_slow(chunk, now=now)
        if is_slow and self._buffers.is_awaited(self._host):
            raise PeerProtocolError("it sends a chunk too slowly while others wait to send theirs")


class _LeftError(Exception):
    """The peer closed the connection: not an error."""
