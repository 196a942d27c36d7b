"""The sending end of one LMK/2 connection, in a thread of its own.

UploadSession decides; this reads frames, waits, and has the system send parts of files, within the
rate limit.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from roles.disk.holding import ChunkSource, Library
from roles.net.connection import Connection, send_all
from roles.net.frame_budget import FRAME_BYTES
from roles.net.rates import RateMeter
from roles.net.send_buffer import ALONE, SendBuffer
from roles.net.throttle import Throttle
from roles.net.waiting import Waiting
from roles.uploads import upload_session
from roles.uploads.open_sources import OpenSources
from roles.uploads.part_sizes import PartSizes, rate_of
from roles.uploads.upload_session import LeavingChunk, UploadSession
from roles.values.errors import FileChangedError
from roles.wire import frames
from roles.wire.greeting import Hello, Welcome

log = logging.getLogger(__name__)

MAX_QUEUED = 64 * 1024  # bytes of frames that wait for the next part
LOOK_AGAIN = b"\1"  # the wake-up byte when the library's contents have changed
_RECEIVE = 8 * 1024  # little, so that the pauses of _hear() come between few frames


class Limits(NamedTuple):
    report_s: float = 0.25  # between two reports to the scheduler of bytes sent
    frame_s: float = 10.0  # from the first byte of a leecher's frame to its last
    wait_s: float = 2.0  # for one call of the system, which may wait as long again for each 64 KiB
    # For 256 KiB: a slower leecher is as good as gone. It may wait so long for a buffer.
    part_s: float = 60.0
    session: upload_session.Limits = upload_session.LIMITS


LIMITS = Limits()


class Uploader:
    """Serves one leecher, from its first frame on."""

    def __init__(
        self,
        connection: Connection,
        leecher: Hello | Welcome,
        session: UploadSession,
        lock: threading.Lock,
        library: Library,
        throttle: Throttle,
        stopping: threading.Event,
        limits: Limits = LIMITS,
    ) -> None:
        """The connection is closed by close(). `lock` protects the session. Raises OSError when no
        descriptor is left.
        """
        self.connection = connection
        self.leecher = leecher
        self.session = session
        self.meter = RateMeter(now=time.monotonic())  # of chunks
        self._lock = lock
        self._library = library
        self._throttle = throttle
        self._stopping = stopping
        self._limits = limits
        self._queued = b""  # frames that go out with the next part, or before the next wait
        self._frames = frames.FrameBuffer()
        self._half_since: float | None = None  # when the unfinished frame began
        self._sources = OpenSources()
        self._buffer = SendBuffer(connection)
        self._sizes = PartSizes(leecher.longest_part)
        self._moved, self._moved_at = 0, 0.0  # bytes not reported yet, and the last report's time
        connection.limit(limits.wait_s)
        self._waiting = Waiting(connection)

    def wake(self, word: bytes = b"\0") -> None:
        """Look for something to offer, with LOOK_AGAIN also for missing contents. Any thread may
        call it; nothing waits.
        """
        self._waiting.wake(word)

    def close(self) -> None:
        """After run(), or instead of it."""
        self.connection.close()
        self._waiting.close()

    def run(self) -> None:
        """Serve until the leecher leaves or this side stops.

        Raises PeerProtocolError or OSError.
        """
        try:
            while not self._stopping.is_set() and self._receive(self._patience_s()):
                sending = self._next_chunk()
                if sending is not None:
                    self._send(sending)
        finally:
            self._sources.close_all()

    # Frames

    def _patience_s(self) -> float:
        with self._lock:
            return self.session.patience_s()

    def _receive(self, timeout_s: float) -> bool:
        """Send all frames, then handle what has come; False when the leecher left.

        Raises TimeoutError when a frame of its does not end in time.
        """
        self._queue_frames()
        self._send_queue()
        is_ready, words = self._waiting.wait(timeout_s)
        if LOOK_AGAIN in words:
            with self._lock:
                self.session.contents_changed(now=time.monotonic())
        data = self.connection.receive(_RECEIVE) if is_ready else None
        if data is not None and not (data and self._hear(data)):
            return False
        frame_s, since = self._limits.frame_s, self._half_since
        if since is not None and time.monotonic() - since > frame_s:
            raise TimeoutError(f"a frame did not end within {frame_s:.0f} s")
        return True

    def _hear(self, data: bytes) -> bool:
        """Handle these bytes; False when the leecher left. Pauses if it sends much and takes
        nothing.
        """
        session, now = self.session, time.monotonic()
        came = self._frames.feed(data)
        if came or self._half_since is None:
            self._half_since = now
        if self._frames.is_empty:
            self._half_since = None
        for frame in came:
            with self._lock:
                pause_s = session.came(frame, now=now)
            self._queue_frames()  # many frames in a row may have long answers
            if pause_s:
                self._stopping.wait(pause_s)
                now = time.monotonic()
            if session.is_over:
                log.debug("a leecher left: %s", frame)
                return False
        with self._lock:
            pause_s = session.heard(len(came) + len(data) // FRAME_BYTES, now=now)
        if pause_s:
            self._stopping.wait(pause_s)
        return True

    def _queue_frames(self) -> None:
        """Queue the session's frames for the next part or _receive(), so that the leecher wakes
        once; close the sources that it has closed.
        """
        session = self.session
        if session.to_send:
            to_send, session.to_send = session.to_send, []
            for frame in to_send:
                if isinstance(frame, frames.Digests):
                    self._await_turn(len(frame.digests))
                self._queued += frames.encode(frame)
                if len(self._queued) > MAX_QUEUED:
                    self._send_queue()
        if session.closed:
            closed, session.closed = session.closed, []
            for handle in closed:
                self._sources.close(handle)

    def _send_queue(self, *, more: bool = False) -> None:
        if self._queued:
            queued, self._queued = self._queued, b""
            self.connection.send_all(queued, within_s=self._limits.part_s, more=more)

    def _await_turn(self, count: int) -> None:
        """Wait until the rate limit allows `count` bytes; queued frames go out before that."""
        if self._throttle.limit is not None:
            self._send_queue()
            self._throttle.wait(count, self._stopping)

    # Chunks

    def _next_chunk(self) -> LeavingChunk | None:
        """The chunk to send now; if there is none, offers the next one. Raises TimeoutError when
        the leecher is silent.
        """
        now = time.monotonic()
        with self._lock:
            self.session.look(now=now)
            return self.session.next_chunk(now=now)

    def _send(self, sending: LeavingChunk) -> None:
        began, is_whole, has_changed = time.monotonic(), False, False
        try:
            source = self._sources.source(sending.choice.handle, sending.holding)
            is_whole = self._send_parts(sending, source)
            if is_whole:
                source.check()
        except FileChangedError as error:
            log.info("%s", error)
            self._library.withdraw(sending.choice.root)
            is_whole, has_changed = False, True
        now = time.monotonic()
        with self._lock:
            sharers = self.session.sharers
            if is_whole:
                self.session.sent(sending, now=now)
            else:
                self.session.broken_off(sending, now=now, has_changed=has_changed)
        if is_whole:
            self._fit(sending.length, now - began, sharers)

    def _send_parts(self, sending: LeavingChunk, source: ChunkSource) -> bool:
        """False when it was cancelled. Unless it is a single one, handles frames between its parts,
        and offers the next chunk before its end.
        """
        choice, length, sent = sending.choice, sending.length, 0
        start = choice.index * sending.holding.content.chunk_size
        offer_at = self._sizes.offer_at(length)
        while sent < length:
            end = offer_at if sent < offer_at else length
            part = self._throttle.slice(min(self._sizes.part, end - sent))
            self._await_turn(part)
            if sent == offer_at and not sending.is_single:
                with self._lock:
                    self.session.offer_ahead(now=time.monotonic())
            self._queue_frames()
            self._queued += frames.encode_part_head(choice.handle, choice.index, sent, part)
            self._send_queue(more=True)
            try:
                self._send_bytes(source, start + sent, part)
            except FileChangedError as error:  # the rest of this part can never be sent
                self._library.withdraw(choice.root)
                raise ConnectionAbortedError(str(error)) from None
            sent += part
            self.meter.add(part, now=time.monotonic())
            if sent < length and not sending.is_single and not self._may_go_on():
                return False
        return True

    def _send_bytes(self, source: ChunkSource, offset: int, length: int) -> None:
        piece = self._sizes.piece

        def send(sent: int) -> int:
            count = source.send(self.connection, offset + sent, min(piece, length - sent))
            self._note_moved(count)
            return count

        send_all(length, send, self._limits.part_s)

    def _may_go_on(self) -> bool:
        """Whether the next part follows; False when the chunk was cancelled. Waits while others
        have the slot, which a leecher loses when it hardly reads.
        """
        session = self.session
        self._listen(0)
        with self._lock:
            has_slot = session.part_sent(now=time.monotonic())
        while not (has_slot or session.is_cancelled or self._stopping.is_set()):
            self._listen(self._limits.session.position_s)
            now = time.monotonic()
            with self._lock:
                session.look(now=now)
                has_slot = session.regain(now=now)
        return not session.is_cancelled

    def _listen(self, timeout_s: float) -> None:
        if not self._receive(timeout_s):
            raise ConnectionResetError("it left in the middle of a chunk")

    def _note_moved(self, count: int) -> None:
        """Report sent bytes to the scheduler every report_s."""
        self._moved += count
        now = time.monotonic()
        if now - self._moved_at >= self._limits.report_s:
            with self._lock:
                self.session.moved(self._moved, now=now)
            self._moved, self._moved_at = 0, now

    def _fit(self, length: int, seconds: float, sharers: int) -> None:
        """Adapt to the rate of the last chunk: `length` bytes in `seconds`, while `sharers`
        connections shared the network.
        """
        rate = rate_of(length, seconds, self._buffer.size, sharers, ALONE)
        if rate is not None:
            self._buffer.fit(rate, length, sharers)
            self._sizes.fit(rate)
