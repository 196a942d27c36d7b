"""The sending end of one LMK/2 connection: offers chunks, sends those that are taken.

Each runs in a thread of its own. Whole parts go from the file to the socket by the system.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Callable

from roles.disk.holding import Library
from roles.net.throttle import Throttle
from roles.net.word_budget import WORD, WordBudget
from roles.uploads.open_contents import OpenContents
from roles.uploads.part_sender import MORE, BrokenPartError, PartSender
from roles.uploads.queue_position import PLACE_S, QueuePosition
from roles.uploads.small_contents import SmallContents
from roles.uploads.upload_scheduler import Choice
from roles.uploads.upload_slot import Desk, GiverProgress
from roles.values.content import DIGEST_SIZE, bitmap_bytes, bitmap_of
from roles.values.errors import FileChangedError, PeerProtocolError
from roles.wire import frames
from roles.worker import rest

log = logging.getLogger(__name__)

ALIVE_S = 15.0  # of silence, then a sign of life
SILENT_S = 45.0  # without one, the other side is gone
ANSWER_S = 2.0  # an offer may wait so long with a slot, then others have it
# Half as long after each offer that led to nothing: else a leecher that never answers in time would
# hold a slot for most of it.
LEAST_ANSWER_S = 0.1
TELL_S = 0.25  # between two reports to the desk of how much went out
FRAME_S = 10.0  # for a whole frame of the leecher, however its bytes trickle in
ANSWERED = 64  # bytes sent in an answer count as much as a frame received
LOOK_AGAIN = b"\1"  # sent to `woken` when other contents are here than before
_RECEIVE = 8 * 1024  # little, so that the pauses of _read_slowly() come between few frames


class Uploader:
    """Serves one leecher, from its first frame on."""

    def __init__(
        self,
        link: socket.socket,
        library: Library,
        desk: Desk,
        throttle: Throttle,
        woken: socket.socket,
        progress: GiverProgress,
        should_stop: Callable[[], bool],
        longest_part: int,
    ) -> None:
        """`link` stays the caller's to close. A byte at `woken` means: look for something to offer;
        LOOK_AGAIN: for contents that were missing, too.
        """
        self._link = link
        self._library = library
        self._desk = desk
        self._woken = woken
        self._progress = progress
        self._should_stop = should_stop
        self._buffer = frames.FrameBuffer()
        self._contents = OpenContents(library)
        self._parts = PartSender(link, throttle, should_stop, self._note_moved, longest_part)
        self._line = QueuePosition(desk, progress, self._send)
        self._singles = SmallContents()
        self._pending: Choice | None = None  # offered, not answered yet
        self._taken: Choice | None = None  # to be sent next
        self._is_sending = False
        self._moved, self._moved_at = 0, 0.0  # bytes that the desk was not told of, and when it was
        self._heard = self._spoke = time.monotonic()
        self._offered_at = 0.0
        self._answer_s = ANSWER_S  # how long the offer that stands may hold a slot
        self._words = WordBudget()
        self._half_since: float | None = None  # when the unfinished frame began
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Serve until the leecher leaves or this side stops.

        Raises PeerProtocolError or OSError.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            try:
                while not self._should_stop():
                    if not self._receive(selector, self._patience_s()):
                        return
                    self._check_clock()
                    while self._has_work() and not self._should_stop():
                        chunk_waits = self._taken is not None and self._line.has_slot
                        if self._singles.are_next(chunk_waits=chunk_waits):
                            self._send_single()
                        else:
                            self._send_taken(selector)
                        # The answer to the offer ahead is there by now, as a rule.
                        if not self._receive(selector, 0):
                            return
                    self._offer_if_idle()
            finally:
                self._contents.close_all()

    def _has_work(self) -> bool:
        """Whether something can be sent now. A chunk that was taken late waits for a slot again,
        and so do small contents after the first few.
        """
        if self._singles and not self._singles.needs_slot(now=time.monotonic()):
            return True
        return (bool(self._singles) or self._taken is not None) and self._line.regain()

    # Frames of the leecher

    def _receive(self, selector: selectors.BaseSelector, timeout_s: float) -> bool:
        """Deal with what has come, when all is said; False when the leecher left."""
        self._parts.flush()
        for key, _ in selector.select(timeout_s):
            if key.fileobj is self._woken:
                woken = b""
                with contextlib.suppress(BlockingIOError):
                    woken = self._woken.recv(1_024)
                for handle in self._contents.come() if LOOK_AGAIN in woken else ():
                    self._describe(handle)
                continue
            data = self._link.recv(_RECEIVE)
            if not data:
                return False
            self._heard = time.monotonic()
            said = self._buffer.feed(data)
            if said or self._half_since is None:
                self._half_since = self._heard
            if self._buffer.is_empty:
                self._half_since = None
            for frame in said:
                if not self._handle(frame):
                    return False
            self._read_slowly(len(said) + len(data) // WORD)
        return True

    def _read_slowly(self, words: int) -> None:
        """Pause before reading on, if this leecher says much and takes nothing."""
        pause_s = self._words.spend(words, now=time.monotonic())
        if pause_s > 0:
            self._line.rest()
            rest(pause_s, self._should_stop)

    def _handle(self, frame: frames.Frame) -> bool:
        match frame:
            case frames.Open(handle, root):
                self._open(handle, root)
            case frames.GetDigests(handle, first, count):
                self._send_digests(handle, first, count)
            case frames.Want(handle, chunks):
                self._want(handle, chunks)
            case frames.Take(handle, index):
                self._take(handle, index)
            case frames.Decline(handle, index, chunks):
                self._declined(handle, index, chunks)
            case frames.Cancel(handle, index):
                self._cancel(handle, index)
            case frames.Alive():
                pass
            case frames.Bye(reason):
                log.debug("a leecher left: %s", reason)
                return False
            case _:
                raise PeerProtocolError("a frame that only senders send")
        return True

    def _open(self, handle: int, root: bytes) -> None:
        if self._contents.is_open(handle):
            self._close(handle)
        if self._contents.is_full:
            self._send(frames.Gone(handle, "too many files at once"))
            return
        self._contents.open(handle, root)
        self._read_slowly(self._describe(handle) // ANSWERED)

    def _describe(self, handle: int) -> int:
        """Its shape and what is here of it; all of it follows when it is one chunk. Returns how
        many bytes the description has.
        """
        holding = self._contents.ready(handle)
        if holding is None:
            self._gone(handle, "not here yet")
            return 0
        content, have = holding.content, holding.have()
        if content.count == 1:
            self._singles.add(handle)
            return 0
        shown = bitmap_bytes(have, content.count)
        self._send(frames.File(handle, content.size, content.chunk_size, shown))
        return len(shown)

    def _send_digests(self, handle: int, first: int, count: int) -> None:
        holding = self._contents.holding(handle)
        digests = None if holding is None else holding.digests()
        if digests is None:
            self._gone(handle, "not here any more")
            return
        if not 0 < count <= frames.MAX_DIGESTS or (first + count) * DIGEST_SIZE > len(digests):
            raise PeerProtocolError("it asked for digests that do not exist")
        part = digests[first * DIGEST_SIZE : (first + count) * DIGEST_SIZE]
        if self._contents.is_told_again(handle, count):
            self._read_slowly(len(part) // ANSWERED)
        self._parts.await_turn(len(part))
        self._send(frames.Digests(handle, first, part))

    def _want(self, handle: int, chunks: bytes) -> None:
        if not chunks:
            self._close(handle)
            return
        holding = self._contents.holding(handle)
        if holding is not None:
            content = holding.content
            self._desk.want(handle, content.root, bitmap_of(chunks, content.count))

    def _close(self, handle: int) -> None:
        """The leecher wants nothing more of it."""
        self._parts.cancel(handle)
        self._singles.drop(handle)
        self._desk.forget(handle)
        self._contents.close(handle)

    def _take(self, handle: int, index: int) -> None:
        pending = self._pending
        if pending is None or (pending.handle, pending.index) != (handle, index):
            raise PeerProtocolError("it took what was not offered")
        self._pending, self._taken = None, pending

    def _declined(self, handle: int, index: int, chunks: bytes) -> None:
        pending = self._pending
        if pending is None or (pending.handle, pending.index) != (handle, index):
            raise PeerProtocolError("it declined what was not offered")
        self._pending = None
        self._desk.not_sent(pending)
        self._want(handle, chunks)

    def _cancel(self, handle: int, index: int) -> None:
        if self._taken is not None and (self._taken.handle, self._taken.index) == (handle, index):
            self._desk.not_sent(self._taken)
            self._taken = None
        else:
            self._parts.cancel(handle, index)

    # Offers and chunks

    def _offer_if_idle(self) -> None:
        """Offer a chunk, unless one is under way; else leave the slot to others."""
        if self._pending is not None or self._taken is not None or self._singles:
            return
        if self._desk.is_turn_over():
            self._line.rest()
        self._offer()

    def _offer(self) -> None:
        choice = self._desk.next_choice()
        self._line.tell()
        if choice is None:
            return
        self._pending = choice
        self._offered_at = time.monotonic()
        self._answer_s = max(LEAST_ANSWER_S, ANSWER_S * 0.5 ** min(self._progress.fruitless, 10))
        self._progress.fruitless += 1
        # Ahead of a chunk it goes into one packet with the chunk's first bytes.
        flags = MORE if self._is_sending else 0
        self._parts.say(frames.encode(frames.Offer(choice.handle, choice.index)), flags)

    def _send_single(self) -> None:
        """The answer to the opening of a content of one chunk: its shape, and the chunk at once."""
        handle = self._singles.pop()
        holding = self._contents.holding(handle)
        if holding is None:
            self._gone_if_open(handle)
            return
        content = holding.content
        shape = frames.File(handle, content.size, content.chunk_size, b"\x01")
        self._parts.say(frames.encode(shape), MORE)
        if self._send_chunk(Choice(handle, content.root, 0), lambda: None, lambda: None):
            self._contents.close(handle)
            self._singles.sent(content.size, now=self._spoke)
        if self._singles.is_turn_over and self._desk.is_turn_over():
            self._line.rest()

    def _send_taken(self, selector: selectors.BaseSelector) -> None:
        """Send the chunk that was taken, the next offer ahead of its end."""
        choice, self._taken = self._taken, None
        assert choice is not None
        self._is_sending = True

        def offer_next() -> None:
            if self._pending is None and not self._desk.is_turn_over():
                self._offer()

        def read_frames() -> None:
            if not self._receive(selector, 0):
                raise ConnectionResetError("it left in the middle of a chunk")
            self._progress.useful_at = time.monotonic()
            if not self._line.has_slot:
                self._await_slot(selector)

        if self._send_chunk(choice, offer_next, read_frames):
            self._desk.sent(choice)
        else:
            self._desk.not_sent(choice)
        self._is_sending = False

    def _note_moved(self, count: int) -> None:
        """So many bytes went out. Report it to the desk every TELL_S."""
        self._moved += count
        now = time.monotonic()
        if now - self._moved_at >= TELL_S:
            self._desk.moved(self._moved)
            self._moved, self._moved_at = 0, now

    def _await_slot(self, selector: selectors.BaseSelector) -> None:
        """Wait for a slot again, in the middle of a chunk that the leecher hardly read."""
        self._heard = time.monotonic()  # it has read
        while not (self._should_stop() or self._parts.is_cancelled or self._line.regain()):
            if not self._receive(selector, PLACE_S):
                raise ConnectionResetError("it left in the middle of a chunk")
            self._check_clock()

    def _send_chunk(
        self, choice: Choice, soon_out: Callable[[], None], between: Callable[[], None]
    ) -> bool:
        """Send it; False when it changed, or was cancelled meanwhile."""
        holding = self._contents.holding(choice.handle)
        if holding is None:
            self._gone_if_open(choice.handle)
            return False
        if holding.content.root != choice.root:  # it has given the handle to another one since
            return False
        self._progress.title = holding.title
        began = time.monotonic()
        try:
            source = self._contents.source(choice.handle, holding)
            is_whole = self._parts.send(choice, holding.content, source, soon_out, between)
            if is_whole:
                source.check()
        except BrokenPartError:
            self._library.withdraw(choice.root)
            raise
        except FileChangedError as error:
            log.info("%s", error)
            self._library.withdraw(choice.root)
            self._gone(choice.handle, "it changed")
            return False
        finally:
            self._progress.sent = self._parts.sent
        self._spoke = self._heard = time.monotonic()  # it has read, if it had nothing to say
        if not is_whole:
            return False
        length, seconds = holding.content.length(choice.index), self._spoke - began
        self._parts.fit(length, seconds, self._desk.sharers())
        self._words.refill()
        progress = self._progress
        progress.useful_at, progress.is_proven, progress.fruitless = self._spoke, True, 0
        return True

    def _gone(self, handle: int, reason: str) -> None:
        """It is not here; it may come, and is described then."""
        self._parts.cancel(handle)
        self._send(frames.Gone(handle, reason))
        self._desk.forget(handle)
        self._contents.note_missing(handle)

    def _gone_if_open(self, handle: int) -> None:
        """What the leecher waits for does not come."""
        if self._contents.is_open(handle):
            self._gone(handle, "not here any more")

    # Clocks

    def _patience_s(self) -> float:
        """How long to wait for a frame."""
        if self._pending is not None and self._line.has_slot:
            return self._answer_s
        return PLACE_S if self._progress.place else ALIVE_S

    def _check_clock(self) -> None:
        now = time.monotonic()
        if now - self._heard > SILENT_S:
            raise TimeoutError(f"not a sign of life for {SILENT_S:.0f} s")
        if now - self._spoke >= ALIVE_S:
            self._send(frames.Alive())
        if self._pending is not None and now - self._offered_at >= self._answer_s:
            self._line.rest()
        if self._half_since is not None and now - self._half_since > FRAME_S:
            raise TimeoutError(f"a frame did not end within {FRAME_S:.0f} s")

    def _send(self, frame: frames.Frame) -> None:
        self._parts.keep(frames.encode(frame))
        self._spoke = time.monotonic()
