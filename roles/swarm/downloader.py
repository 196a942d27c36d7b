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
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from roles.net.connections import was_hung_up
from roles.net.outbox import Outbox
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.net.word_budget import WORD, WordBudget
from roles.swarm.arriving_chunks import ArrivingChunk
from roles.swarm.bad_peers import Sender
from roles.swarm.buffer_pool import BufferPool, StoppedError
from roles.swarm.content_transfer import Transfer
from roles.values.addresses import Address, is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from roles.worker import POLL_S

log = logging.getLogger(__name__)

RECEIVE_S = 15.0  # of silence, then a sign of life
# How often a thread that waits looks up. A shutdown of the socket wakes it, but not on Windows.
LOOK_S = POLL_S if sys.platform == "win32" else 5.0
SILENT_S = 45.0  # without a sign of life the other side is gone
STILL_S = 10.0  # without a byte in the middle of a frame: its length was damaged, or it hangs
# From the first byte of a frame to the last: of a word, and of a part of a chunk, which a seeder of
# ours gives up after 60 s. The waits for this program's own limit do not count.
FRAME_S = 10.0
PART_S = 75.0
WAKE_BYTES = 128 * 1024  # half a part; a peer that needs 45 s for so few is as good as gone
WAKE_PART = 0.25  # of a long part, which only fast peers send
MAX_UNWANTED = 32 * 1024 * 1024  # bytes in a row: eight of the longest chunks, broken off by us
RATE_WEIGHT = 0.5  # of the newest chunk in a connection's rate
USEFUL_BYTES = 8 * 1024  # of chunks: who brings so many from time to time is of use
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
    is_caller: bool = False  # it connected to us, and takes no place of those we connect to
    # What it was told last that is wanted, by the handle of each content that it has described.
    opened: dict[int, int | None] = field(default_factory=dict)
    has: dict[int, int] = field(default_factory=dict)  # the chunks that it had of these then
    singles: set[int] = field(default_factory=set)  # contents of one chunk that it was asked for
    taking: tuple[int, int] | None = None  # handle and chunk that come now, or next
    order: deque[tuple[int, int]] = field(default_factory=deque)  # of the chunks that were taken
    chunk_rate: float = 0.0  # bytes per second of its last chunks
    place: int = 0
    joined_at: float = field(default_factory=time.monotonic)
    useful_at: float = field(init=False)  # when it brought something last, or joined
    single_at: float = 0.0  # the same of contents of one chunk, or when it was asked for them
    words: WordBudget = field(default_factory=WordBudget)  # its own thread's
    outbox: Outbox = field(init=False)  # what it is told, from any thread
    sender: Sender = field(init=False)  # of its chunks
    spoke_at: float = field(default_factory=time.monotonic)

    _came: int = 0  # bytes of chunks since useful_at

    def __post_init__(self) -> None:
        self.useful_at = self.joined_at
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

    def forget(self, handle: int) -> None:
        """It has not described this content, or not any more."""
        self.opened.pop(handle, None)
        self.has.pop(handle, None)

    def note_bytes(self, count: int, *, now: float) -> None:
        """So much more of a chunk came."""
        self.meter.add(count, now=now)
        self._came += count
        if self._came >= USEFUL_BYTES:
            self.useful_at, self._came = now, 0

    def note_use(self, *, now: float) -> None:
        """It brought a right chunk, or right digests. Its own thread says so."""
        self.useful_at, self._came = now, 0
        self.words.refill()

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


class Downloader:
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
        self._began: float | None = None  # when the frame that arrives began to
        self._patience_s = FRAME_S  # for all of it
        self._socket.settimeout(LOOK_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Take until the peer leaves or this side stops. Raises PeerProtocolError or OSError."""
        self._swarm.joined(self._link)
        try:
            while not self._should_stop():
                self._began, self._patience_s = None, FRAME_S
                kind, length = frames.decode_header(self._take(frames.HEADER.size))
                if kind == frames.Kind.CHUNK:
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
        """Wait before reading on from who says much and brings nothing."""
        left_s = self._link.words.spend(words, now=time.monotonic())
        while left_s > 0 and not self._should_stop():
            time.sleep(min(left_s, POLL_S))
            left_s -= POLL_S

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
        whole = transfer.content.length(index)
        if chunk is None:
            buffer = self._buffers.take(whole, self._should_stop, self._host)
            self._began = self._heard = time.monotonic()
            chunk = self._chunk = ArrivingChunk(handle, index, whole, buffer, self._began)
            self._buffers.chunks.add(chunk)
        if offset != chunk.received or offset + length > whole:
            raise PeerProtocolError("a part of a chunk where another one belongs")
        self._receive_into(chunk, length)
        if chunk.received < whole:
            return
        try:
            view = memoryview(chunk.buffer)[:whole]
            self._swarm.keep(self._link, handle, index, view, chunk.hash.digest())
            self._unwanted = 0
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
            self._hold_up(most, chunk)
            self._wake_at(min(most, max(WAKE_BYTES, int(length * WAKE_PART))))
            ready += self._receive_some(view[ready : ready + most])
            self._note(chunk, begin + ready)
            self._check_pace(self._heard)
        self._note(chunk, begin + length)
        self._wake_at(1)
        chunk.hash.update(view)

    def _hold_up(self, count: int, chunk: ArrivingChunk | None = None) -> None:
        """Wait until the limit lets so many bytes come: the sender is not to blame for that."""
        held_s = self._throttle.wait(count, self._should_stop)
        if held_s:
            self._heard += held_s
            self._began = None if self._began is None else self._began + held_s
        if chunk is not None:
            chunk.was_held_up(held_s)

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
            self._hold_up(most)
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
            try:
                count = self._socket.recv_into(target)
            except TimeoutError:
                self._waited_in_vain()
                continue
            if not count:
                raise _LeftError
            self._heard = time.monotonic()
            self._began = self._began or self._heard
            if self._heard - self._began > self._patience_s:
                raise TimeoutError(f"a frame that does not end within {self._patience_s:.0f} s")
            if self._heard - self._link.spoke_at >= RECEIVE_S:  # who only hears is alive, too
                self._link.send(frames.Alive())
            return count

    def _waited_in_vain(self) -> None:
        """Give a sign of life when it is time. Raises TimeoutError when nothing came for long."""
        if was_hung_up(self._socket):  # which wakes nobody on Windows
            raise ConnectionResetError("this computer's network changed")
        now = time.monotonic()
        if now - self._heard > SILENT_S:
            raise TimeoutError(f"not a sign of life for {SILENT_S:.0f} s") from None
        if self._began is not None and now - self._heard > STILL_S:
            raise TimeoutError(f"nothing for {STILL_S:.0f} s in the middle of a frame") from None
        if self._woken_at == 1:
            self._check_pace(now)
        self._wake_at(1)  # what is here, be it ever so little, counts
        if now - self._link.spoke_at >= RECEIVE_S:
            self._link.send(frames.Alive())

    def _check_pace(self, now: float) -> None:
        """Raises PeerProtocolError when its chunk keeps a buffer from others for too long."""
        chunk = self._chunk
        if chunk is None or not chunk.is_due(now):
            return
        is_slow = self._buffers.chunks.is_too_slow(chunk, now=now)
        if is_slow and self._buffers.is_awaited(self._host):
            raise PeerProtocolError("its chunk comes too slowly, and others wait to send theirs")


class _LeftError(Exception):
    """The peer closed the connection: no fault of anybody."""
