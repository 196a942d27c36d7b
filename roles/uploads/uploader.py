"""The sending end of one LMK/2 connection, in a thread of its own.

UploadSession decides; this reads frames, waits, and has the system send parts of files.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from roles.disk.holding import Library
from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.net.waiting import Waiting
from roles.net.word_budget import WORD
from roles.uploads.open_sources import OpenSources
from roles.uploads.part_sender import BrokenPartError, PartSender
from roles.uploads.upload_session import POSITION_S, Sending, UploadSession
from roles.values.errors import FileChangedError
from roles.wire import frames
from roles.worker import rest

log = logging.getLogger(__name__)

TELL_S = 0.25  # between two reports to the scheduler of bytes sent
FRAME_S = 10.0  # from the first byte of a leecher's frame to its last
LOOK_AGAIN = b"\1"  # the wake-up byte when the library's contents have changed
_RECEIVE = 8 * 1024  # little, so that the pauses of _hear() come between few frames


class Uploader:
    """Serves one leecher, from its first frame on."""

    def __init__(
        self,
        connection: Connection,
        waiting: Waiting,
        session: UploadSession,
        lock: threading.Lock,
        library: Library,
        throttle: Throttle,
        should_stop: Callable[[], bool],
        longest_part: int,
    ) -> None:
        """The connection and `waiting` stay the caller's to close. `lock` protects the session. Any
        wake-up makes it look for something to offer; LOOK_AGAIN also for missing contents.
        """
        self._connection = connection
        self._waiting = waiting
        waiting.watch(connection)
        self._session = session
        self._lock = lock
        self._library = library
        self._should_stop = should_stop
        self._buffer = frames.FrameBuffer()
        self._sources = OpenSources()
        self._parts = PartSender(connection, throttle, should_stop, self._note_moved, longest_part)
        self._moved, self._moved_at = 0, 0.0  # bytes not reported yet, and the last report's time
        self._half_since: float | None = None  # when the unfinished frame began

    def run(self) -> None:
        """Serve until the leecher leaves or this side stops.

        Raises PeerProtocolError or OSError.
        """
        try:
            while not self._should_stop():
                with self._lock:
                    patience_s = self._session.patience_s()
                if not self._receive(patience_s):
                    return
                self._look()
                while (sending := self._next_chunk()) is not None:
                    self._send(sending)
                    # As a rule the answer to the next offer is here by now.
                    if not self._receive(0):
                        return
        finally:
            self._sources.close_all()

    # Frames of the leecher

    def _receive(self, timeout_s: float) -> bool:
        """Send all frames, then handle what has come; False when the leecher left."""
        self._tell()
        self._parts.flush()
        is_ready, words = self._waiting.wait(timeout_s)
        if LOOK_AGAIN in words:
            with self._lock:
                self._session.contents_changed(now=time.monotonic())
        data = self._connection.receive(_RECEIVE) if is_ready else None
        return data is None or (data != b"" and self._hear(data))

    def _hear(self, data: bytes) -> bool:
        """Handle these bytes; False when the leecher left. Pauses if it sends much and takes
        nothing.
        """
        session, now = self._session, time.monotonic()
        said = self._buffer.feed(data)
        if said or self._half_since is None:
            self._half_since = now
        if self._buffer.is_empty:
            self._half_since = None
        for frame in said:
            if isinstance(frame, frames.Bye):
                log.debug("a leecher left: %s", frame.reason)
            with self._lock:
                pause_s = session.came(frame, now=time.monotonic())
            if session.to_say or session.closed:  # many frames in a row may have long answers
                self._tell()
            if pause_s:
                rest(pause_s, self._should_stop)
            if session.is_over:
                return False
        with self._lock:
            pause_s = session.heard(len(said) + len(data) // WORD, now=time.monotonic())
        if pause_s:
            rest(pause_s, self._should_stop)
        return True

    def _look(self) -> None:
        """Raises TimeoutError when the leecher is silent, or does not end a frame in time."""
        now = time.monotonic()
        with self._lock:
            self._session.look(now=now)
        if self._half_since is not None and now - self._half_since > FRAME_S:
            raise TimeoutError(f"a frame did not end within {FRAME_S:.0f} s")

    def _tell(self) -> None:
        """Queue the session's frames, and close the sources that it has closed."""
        session = self._session
        if session.to_say:
            to_say, session.to_say = session.to_say, []
            for frame in to_say:
                if isinstance(frame, frames.Digests):
                    self._parts.await_turn(len(frame.digests))
                self._parts.keep(frames.encode(frame))
        if session.closed:
            closed, session.closed = session.closed, []
            for handle in closed:
                self._sources.close(handle)

    # Chunks

    def _next_chunk(self) -> Sending | None:
        """The chunk to send now; if there is none, offers the next one."""
        if self._should_stop():
            return None
        now = time.monotonic()
        with self._lock:
            sending = self._session.next_chunk(now=now)
            if sending is None:
                self._session.offer_if_idle(now=now)
        return sending

    def _send(self, sending: Sending) -> None:
        """Send a chunk. Unless it is a single one, handles frames between its parts, and offers the
        next chunk before its end.
        """

        def soon_out() -> None:
            if not sending.is_single:
                with self._lock:
                    self._session.offer_ahead(now=time.monotonic())
                self._tell()

        def between() -> bool:
            return sending.is_single or self._go_on()

        self._tell()
        began, has_changed, is_whole = time.monotonic(), False, False
        try:
            source = self._sources.source(sending.choice.handle, sending.holding)
            content = sending.holding.content
            is_whole = self._parts.send(sending.choice, content, source, soon_out, between)
            if is_whole:
                source.check()
        except BrokenPartError:
            self._library.withdraw(sending.choice.root)
            raise
        except FileChangedError as error:
            log.info("%s", error)
            self._library.withdraw(sending.choice.root)
            has_changed = True
        finally:
            self._session.bytes_sent = self._parts.sent
        now = time.monotonic()
        with self._lock:
            if is_whole and not has_changed:
                self._session.sent(sending, now=now)
                sharers = self._session.sharers
            else:
                self._session.broken_off(sending, now=now, has_changed=has_changed)
        if is_whole and not has_changed:
            self._parts.fit(sending.length, now - began, sharers)

    def _go_on(self) -> bool:
        """Whether the next part follows; False when the chunk was cancelled. Waits while others
        have the slot, which a leecher loses when it hardly reads.
        """
        session = self._session
        self._listen(0)
        with self._lock:
            has_slot = session.part_sent(now=time.monotonic())
        while not (has_slot or session.is_cancelled or self._should_stop()):
            self._listen(POSITION_S)
            self._look()
            with self._lock:
                has_slot = session.regain(now=time.monotonic())
        return not session.is_cancelled

    def _listen(self, timeout_s: float) -> None:
        if not self._receive(timeout_s):
            raise ConnectionResetError("it left in the middle of a chunk")

    def _note_moved(self, count: int) -> None:
        """Report sent bytes to the scheduler every TELL_S."""
        self._moved += count
        now = time.monotonic()
        if now - self._moved_at >= TELL_S:
            with self._lock:
                self._session.moved(self._moved, now=now)
            self._moved, self._moved_at = 0, now
