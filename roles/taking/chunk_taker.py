"""The receiving end of one LMK/2 connection: answers offers, receives chunks, checks each.

Each runs in a thread of its own. A chunk is received into one buffer, hashed by the system's code
and written with one call, so that Python works per chunk and not per byte.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from roles.base.rates import RateMeter
from roles.base.throttle import Throttle
from roles.base.worker import POLL_S
from roles.taking.arriving_chunks import ArrivingChunk
from roles.taking.bad_peers import Sender
from roles.taking.buffer_pool import BufferPool, StoppedError
from roles.taking.outbox import Outbox
from roles.taking.transfer import Transfer
from roles.values.addresses import Address, is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire import lmk2_frames as frames

log = logging.getLogger(__name__)

RECEIVE_S = 15.0  # of silence, then a sign of life
# A shutdown of the socket wakes whoever waits there, but not on Windows: there it wakes by itself.
LOOK_S: float | None = POLL_S if sys.platform == "win32" else None
SILENT_S = 45.0  # without one, the other side is gone
WAKE_BYTES = 128 * 1024  # half a part; a peer that needs 45 s for so few is as good as gone
WAKE_PART = 0.25  # of a long part, which only fast peers send
MAX_UNWANTED = 32 * 1024 * 1024  # bytes in a row: eight of the longest chunks, broken off by us
RATE_WEIGHT = 0.5  # of the newest chunk in a connection's rate
_SMALL = 16 * 1024  # bytes: what frames are read from, and what of a chunk comes with them
_SCRAP = 64 * 1024


@dataclass(slots=True)
class PeerLink:
    """One connection to a peer, as the swarm knows it. Its fields belong to the swarm's lock."""

    number: int
    link: socket.socket
    address: Address  # where it listens, or where it called from
    peer: str  # what it calls itself for this run
    computer: str
    meter: RateMeter
    # What it was told last that is wanted, by the handle of each content that it has described.
    opened: dict[int, int | None] = field(default_factory=dict)
    singles: set[int] = field(default_factory=set)  # contents of one chunk that it was asked for
    taking: tuple[int, int] | None = None  # handle and chunk that come now, or next
    chunk_rate: float = 0.0  # bytes per second of its last chunks
    place: int = 0
    joined_at: float = field(default_factory=time.monotonic)
    useful_at: float = field(default_factory=time.monotonic)  # when it brought something last
    outbox: Outbox = field(init=False)  # what it is told, from any thread
    sender: Sender = field(init=False)  # of its chunks
    spoke_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.link)
        self.sender = self.peer, "" if is_loopback(self.address.host) else self.address.host

    def send(self, *words: frames.Frame) -> None:
        """Say something; from any thread, without the swarm's lock. Raises OSError, never waits."""
        self.spoke_at = time.monotonic()
        self.outbox.say(b"".join(map(frames.encode, words)))

    def send_later(self, *words: frames.Frame) -> None:
        """Say something with the next words, or when the swarm looks. Raises OSError."""
        self.outbox.say_later(b"".join(map(frames.encode, words)))

    def hang_up(self) -> None:
        """End it; from any thread. Its own one finds out."""
        with contextlib.suppress(OSError):  # the other side was faster
            self.link.shutdown(socket.SHUT_RDWR)

    def note_rate(self, rate: float) -> None:
        """Another chunk came at this rate."""
        weight = RATE_WEIGHT if self.chunk_rate else 1.0
        self.chunk_rate += weight * (rate - self.chunk_rate)


class Taking(Protocol):
    """What a connection asks of the swarm, from its own thread. No call waits."""

    def joined(self, link: PeerLink) -> None: ...

    def described(self, link: PeerLink, file: frames.File) -> None: ...

    def digests_came(self, link: PeerLink, digests: frames.Digests) -> None: ...

    def answer(self, link: PeerLink, offer: frames.Offer) -> None: ...

    def expected(self, link: PeerLink, handle: int, index: int) -> Transfer | None:
        """What a chunk belongs to that comes now; None when it is not wanted any more."""

    def received(self, link: PeerLink, handle: int, index: int, count: int) -> None: ...

    def keep(
        self, link: PeerLink, handle: int, index: int, chunk: memoryview, digest: bytes
    ) -> None: ...

    def gone(self, link: PeerLink, handle: int, reason: str) -> None: ...


class ChunkTaker:
    """Takes from one peer, after the greeting."""

    def __init__(
        self,
        link: PeerLink,
        swarm: Taking,
        buffers: BufferPool,
        throttle: Throttle,
        should_stop: Callable[[], bool],
    ) -> None:
        """The socket stays the caller's to close."""
        self._link = link
        self._socket = link.link
        self._swarm = swarm
        self._buffers = buffers
        # Whose buffers it uses; this machine's peers may have as many as there are.
        self._host = link.sender[1]
        self._throttle = throttle
        self._should_stop = should_stop
        self._small = bytearray(_SMALL)
        self._small_view = memoryview(self._small)
        self._start = self._end = 0  # of what is in the small buffer and not used yet
        self._chunk: ArrivingChunk | None = None  # of which parts are here
        self._unwanted = 0  # bytes of chunks since the last one that was wanted
        self._woken_at = 1
        self._heard = time.monotonic()
        self._socket.settimeout(RECEIVE_S if LOOK_S is None else LOOK_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Take until the peer leaves or this side stops. Raises PeerProtocolError or OSError."""
        self._swarm.joined(self._link)
        try:
            while not self._should_stop():
                kind, length = frames.decode_header(self._take(frames.HEADER.size))
                if kind == frames.Kind.CHUNK:
                    self._receive_part(length - frames.PART_HEAD.size)
                elif not self._answered(kind, self._take(length)):
                    return
        except (_LeftError, StoppedError):
            return
        finally:
            self._drop_chunk()

    def _answered(self, kind: int, body: bytes) -> bool:
        """Deal with a frame; False when the peer left. If the next one is here already, both are
        answered together.
        """
        if self._end > self._start:
            self._link.outbox.hold()
        else:
            self._link.outbox.release()
        return self._handle(frames.decode(kind, body))

    def _handle(self, frame: frames.Frame | None) -> bool:
        match frame:
            case frames.File():
                self._swarm.described(self._link, frame)
            case frames.Digests():
                self._swarm.digests_came(self._link, frame)
            case frames.Offer():
                self._swarm.answer(self._link, frame)
            case frames.Gone(handle, reason):
                self._swarm.gone(self._link, handle, reason)
            case frames.Place(place):
                self._link.place = place
            case frames.Alive() | None:
                pass
            case frames.Bye(reason):
                log.debug("%s left: %s", self._link.address, reason)
                return False
            case _:
                raise PeerProtocolError("a frame that only leechers send")
        return True

    def _receive_part(self, length: int) -> None:
        """Receive a part; the last one of a chunk ends it."""
        handle, index, offset = frames.PART_HEAD.unpack(self._take(frames.PART_HEAD.size))
        self._link.outbox.release()  # a buffer may be long in coming
        chunk = self._chunk
        if chunk is not None and (chunk.handle, chunk.index) != (handle, index):
            self._drop_chunk()  # it was cancelled in the middle
            chunk = None
        transfer = self._swarm.expected(self._link, handle, index)
        if transfer is None:
            self._drop_chunk()
            self._discard(length)
            return
        self._unwanted = 0
        whole = transfer.content.length(index)
        if chunk is None:
            buffer = self._buffers.take(whole, self._should_stop, self._host)
            chunk = self._chunk = ArrivingChunk(handle, index, whole, buffer, time.monotonic())
            self._buffers.chunks.add(chunk)
        if offset != chunk.received or offset + length > whole:
            raise PeerProtocolError("a part of a chunk where another one belongs")
        self._receive_into(chunk, length)
        if chunk.received < whole:
            return
        try:
            view = memoryview(chunk.buffer)[:whole]
            self._swarm.keep(self._link, handle, index, view, chunk.hash.digest())
        finally:
            self._drop_chunk()

    def _drop_chunk(self) -> None:
        """It is through, or does not come: others may have its buffer."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self._buffers.chunks.remove(chunk)
            self._buffers.give_back(chunk.buffer, self._host)

    def _receive_into(self, chunk: ArrivingChunk, length: int) -> None:
        """These bytes of the chunk, hashed as they come."""
        begin = chunk.received
        view = memoryview(chunk.buffer)[begin : begin + length]
        ready = self._from_small(view)
        while ready < length:
            most = self._throttle.slice(length - ready)
            chunk.was_held_up(self._throttle.wait(most, self._should_stop))
            self._wake_at(min(most, max(WAKE_BYTES, int(length * WAKE_PART))))
            ready += self._receive_some(view[ready : ready + most])
            self._note(chunk, begin + ready)
        self._note(chunk, begin + length)
        self._wake_at(1)
        chunk.hash.update(view)

    def _wake_at(self, count: int) -> None:
        """Have the system wake this thread for so many bytes and no fewer.

        Else it would be woken for every packet: most of what it costs to take from many peers over
        slow links. Not known on Windows, which loses nothing but time.
        """
        if count != self._woken_at and sys.platform != "win32":
            self._woken_at = count
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _note(self, chunk: ArrivingChunk, received: int) -> None:
        """So much of it is here now."""
        if received > chunk.received:
            count, chunk.received = received - chunk.received, received
            self._swarm.received(self._link, chunk.handle, chunk.index, count)

    def _discard(self, length: int) -> None:
        self._unwanted += length
        if self._unwanted > MAX_UNWANTED:
            raise PeerProtocolError("it sends what nobody asked for")
        scrap = memoryview(bytearray(min(length, _SCRAP)))
        length -= self._from_small(scrap[: min(length, len(scrap))])
        while length:
            most = self._throttle.slice(min(length, len(scrap)))
            self._throttle.wait(most, self._should_stop)
            length -= self._receive_some(scrap[:most])

    def _from_small(self, target: memoryview) -> int:
        """Use up what came along with the last frame; returns how many bytes that was."""
        count = min(len(target), self._end - self._start)
        target[:count] = self._small_view[self._start : self._start + count]
        self._start += count
        return count

    def _take(self, count: int) -> bytes:
        """The next bytes of a frame's head or of a short frame."""
        if count > _SMALL:
            whole = bytearray(count)
            view = memoryview(whole)
            ready = self._from_small(view)
            while ready < count:
                ready += self._receive_some(view[ready:])
            return bytes(whole)
        if self._end - self._start < count:
            rest = self._end - self._start
            self._small_view[:rest] = bytes(self._small_view[self._start : self._end])
            self._start, self._end = 0, rest
            while self._end < count:
                self._end += self._receive_some(self._small_view[self._end :])
        taken = bytes(self._small_view[self._start : self._start + count])
        self._start += count
        return taken

    def _receive_some(self, target: memoryview) -> int:
        """At least one byte. Raises _LeftError when the peer closed."""
        self._link.outbox.release()
        while True:
            if self._should_stop():
                raise StoppedError
            self._check_pace()
            try:
                count = self._socket.recv_into(target)
            except TimeoutError:
                self._waited_in_vain()
                continue
            if not count:
                raise _LeftError
            self._heard = time.monotonic()
            if self._heard - self._link.spoke_at >= RECEIVE_S:  # who only hears is alive, too
                self._link.send(frames.Alive())
            return count

    def _waited_in_vain(self) -> None:
        """Give a sign of life when it is time. Raises TimeoutError when there was none for long."""
        now = time.monotonic()
        if now - self._heard > SILENT_S:
            raise TimeoutError(f"not a sign of life for {SILENT_S:.0f} s") from None
        if LOOK_S is None or now - self._link.spoke_at >= RECEIVE_S:
            self._link.send(frames.Alive())

    def _check_pace(self) -> None:
        """Raises PeerProtocolError when its chunk keeps a buffer from others for too long."""
        chunk, now = self._chunk, time.monotonic()
        if chunk is None or not chunk.is_due(now):
            return
        is_slow = self._buffers.chunks.is_too_slow(chunk, now=now)
        if is_slow and self._buffers.is_awaited(self._host):
            raise PeerProtocolError("its chunk comes too slowly, and others wait to send theirs")


class _LeftError(Exception):
    """The peer closed the connection: no fault of anybody."""
