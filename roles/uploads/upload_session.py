"""Decides what to send to one leecher over one LMK/2 connection.

Pure state: frames and the time go in; frames to send, the next chunk and deadlines come out. All
sessions of a program share one scheduler, so one lock protects them all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from roles.disk.holding import Holding, Library
from roles.net import frame_budget
from roles.net.eviction import Occupant, evicted
from roles.net.frame_budget import FrameBudget
from roles.uploads.open_contents import OpenContents
from roles.uploads.small_contents import SmallContents
from roles.uploads.upload_scheduler import ChosenChunk, UploadScheduler
from roles.values.addresses import is_loopback
from roles.values.bitmaps import bitmap_bytes, bitmap_of
from roles.values.content import DIGEST_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire import frames

MAX_CONNECTIONS = 128  # a thread each
MAX_PER_HOST = 16  # one host must not keep a room out; this machine is exempt
IN_VAIN = 3  # offers in a row that led to nothing: then waiting counts as idle
ANSWERED = 64  # bytes sent in an answer count as one received frame


class Limits(NamedTuple):
    alive_s: float = 15.0  # of our silence before we send ALIVE
    silent_s: float = 45.0  # of its silence before we give it up
    answer_s: float = 2.0  # how long an unanswered offer keeps its slot
    # Half as long after each offer that led to nothing: else a leecher that never answers in time
    # would hold a slot most of the time.
    least_answer_s: float = 0.1
    # In the queue, before a leecher gets its position, and between two positions.
    position_s: float = 1.0
    budget: frame_budget.Limits = frame_budget.LIMITS


LIMITS = Limits()


class LeavingChunk(NamedTuple):
    """A chunk to send now, or on its way to the leecher."""

    choice: ChosenChunk
    holding: Holding
    length: int  # bytes
    is_single: bool  # the only chunk of its content, sent without an offer


class UploadSession:
    def __init__(
        self,
        number: int,
        host: str,
        scheduler: UploadScheduler,
        library: Library,
        limits: Limits = LIMITS,
        *,
        now: float,
    ) -> None:
        """`number` and `host`: the leecher's at the scheduler."""
        self.number = number
        self.host = host
        self.is_leaving = False  # we hung up, and another takes its place
        self.position = 0  # in the queue for a slot; 0 when it does not wait
        self.useful_at = now  # when it last took something, or joined
        self.is_proven = False  # it has taken a whole chunk
        self.fruitless = 0  # offers since the last whole chunk
        self.is_over = False  # the leecher has left
        self.to_send: list[frames.Frame] = []  # the caller sends them and empties the list
        self.closed: list[int] = []  # handles of sources to close; the caller empties the list
        self._scheduler = scheduler
        self._contents = OpenContents(library)
        self._singles = SmallContents()
        self._limits = limits
        self._budget = FrameBudget(limits.budget)
        self._pending: ChosenChunk | None = None  # offered, not answered yet
        self._taken: ChosenChunk | None = None  # to be sent next
        self._sending: ChosenChunk | None = None
        self._sent_last: Holding | None = None
        self.is_cancelled = False  # the chunk that is being sent is no longer wanted
        self._is_idle = True  # next_chunk() has found nothing to send
        self._heard = self._spoke = now
        self._offered_at = now
        self._answer_s = limits.answer_s  # how long the pending offer may keep a slot
        self._position_sent, self._position_sent_at = 0, now

    @property
    def title(self) -> str:
        """The title of the content that was sent last."""
        return "" if self._sent_last is None else self._sent_last.title

    def patience_s(self) -> float:
        """Seconds to wait for a frame before calling look() and next_chunk()."""
        if not self._is_idle and (self._pending is None or self._singles):
            return 0.0
        if self._pending is not None and self._scheduler.has_slot(self.number):
            return self._answer_s
        return self._limits.position_s if self.position else self._limits.alive_s

    def idle_s(self, *, now: float) -> float:
        """Seconds since it took something; 0 while it waits in the queue."""
        is_waiting = self._scheduler.is_queued(self.number) and self.fruitless < IN_VAIN
        return 0.0 if is_waiting else now - self.useful_at

    # Frames of the leecher

    def heard(self, count: int, *, now: float) -> float:
        """Count the frames that came. Returns the seconds to wait before reading more.

        Raises PeerProtocolError when it sends without end and takes nothing.
        """
        self._heard = now
        left_s = self._budget.spend(count, now=now)
        if left_s > 0:
            self._scheduler.release(self.number)
        return left_s

    def came(self, frame: frames.Frame, *, now: float) -> float:
        """Handle a frame. Returns and raises the same as heard()."""
        answered = 0  # bytes
        match frame:
            case frames.Open(handle, root):
                answered = self._open(handle, root, now)
            case frames.GetDigests(handle, first, count):
                answered = self._tell_digests(handle, first, count, now)
            case frames.Want(handle, chunks):
                self._want(handle, chunks)
            case frames.Take(handle, index):
                self._taken = self._answered(handle, index)
            case frames.Decline(handle, index, chunks):
                self._not_sent(self._answered(handle, index))
                self._want(handle, chunks)
            case frames.Cancel(handle, index):
                self._cancel(handle, index)
            case frames.Alive():
                pass
            case frames.Bye():
                self.is_over = True
            case frames.File() | frames.Digests() | frames.Offer() | frames.Place() | frames.Gone():
                raise PeerProtocolError("a frame that only senders send")
        return self.heard(answered // ANSWERED, now=now) if answered else 0.0

    def contents_changed(self, *, now: float) -> None:
        """The library's contents have changed: describe those that were missing."""
        for handle in self._contents.come():
            self._describe(handle, now)

    def _open(self, handle: int, root: bytes, now: float) -> int:
        if self._contents.is_open(handle):
            self._close(handle)
        if self._contents.is_full:
            self._send(frames.Gone(handle, "too many files at once"), now)
            return 0
        self._contents.add(handle, root)
        return self._describe(handle, now)

    def _describe(self, handle: int, now: float) -> int:
        """Send its shape and the chunks that are here; a content of one chunk follows as a whole.
        Returns the bytes of the answer.
        """
        holding = self._contents.ready(handle)
        if holding is None:
            self._gone(handle, "not here yet", now)
            return 0
        content, have = holding.content, holding.have()
        if content.count == 1:
            self._singles.add(handle)
            return 0
        shown = bitmap_bytes(have, content.count)
        self._send(frames.File(handle, content.size, content.chunk_size, shown), now)
        return len(shown)

    def _tell_digests(self, handle: int, first: int, count: int, now: float) -> int:
        """Returns the bytes of the answer if they were all sent before, else 0."""
        holding = self._contents.holding(handle)
        digests = None if holding is None else holding.digests()
        if digests is None:
            self._gone(handle, "not here any more", now)
            return 0
        if not 0 < count <= frames.MAX_DIGESTS or (first + count) * DIGEST_SIZE > len(digests):
            raise PeerProtocolError("it asked for digests that do not exist")
        part = digests[first * DIGEST_SIZE : (first + count) * DIGEST_SIZE]
        self._send(frames.Digests(handle, first, part), now)
        return len(part) if self._contents.is_sent_again(handle, count) else 0

    def _want(self, handle: int, chunks: bytes) -> None:
        if not chunks:
            self._close(handle)
            return
        holding = self._contents.holding(handle)
        if holding is not None:
            content = holding.content
            wanted = bitmap_of(chunks, content.count)
            self._scheduler.want(self.number, handle, content.root, wanted)

    def _close(self, handle: int) -> None:
        """The leecher wants nothing more of this content."""
        self._cancel_sending(handle)
        self._singles.drop(handle)
        self._scheduler.forget(self.number, handle)
        self._contents.close(handle)
        self.closed.append(handle)

    def _answered(self, handle: int, index: int) -> ChosenChunk:
        """The offer that this answers. Raises PeerProtocolError when there was none."""
        pending = self._pending
        if pending is None or (pending.handle, pending.index) != (handle, index):
            raise PeerProtocolError("it answered what was not offered")
        self._pending = None
        return pending

    def _cancel(self, handle: int, index: int) -> None:
        taken = self._taken
        if taken is not None and (taken.handle, taken.index) == (handle, index):
            self._not_sent(taken)
            self._taken = None
        else:
            self._cancel_sending(handle, index)

    def _cancel_sending(self, handle: int, index: int | None = None) -> None:
        sending = self._sending
        if sending is not None and sending.handle == handle and index in (None, sending.index):
            self.is_cancelled = True

    # Offers and chunks

    def next_chunk(self, *, now: float) -> LeavingChunk | None:
        """The chunk to send now. The caller reports the result by sent() or broken_off(). If
        nothing is under way, this offers a chunk, or releases the slot when the turn is over.

        A chunk that was taken too late waits for a slot again, and so do small contents after the
        first few.
        """
        sending = self._next(now)
        self._is_idle = sending is None
        if sending is not None:
            self._sending, self.is_cancelled = sending.choice, False
            self._sent_last = sending.holding
        elif self._taken is None and self._pending is None and not self._singles:
            if self._scheduler.is_turn_over(self.number):
                self._scheduler.release(self.number)
            self._offer(now)
        return sending

    def offer_ahead(self, *, now: float) -> None:
        """The current chunk ends soon: offer the next one, so that it can follow at once."""
        if self._pending is None and not self._scheduler.is_turn_over(self.number):
            self._offer(now)

    def part_sent(self, *, now: float) -> bool:
        """A part is out, and the frames that came meanwhile are handled. Whether the next part may
        follow; otherwise it waits until regain() returns True.
        """
        self.useful_at = now
        if self._scheduler.has_slot(self.number):
            return True
        self._heard = now  # it has read
        return self.regain(now=now)

    def regain(self, *, now: float) -> bool:
        """Whether it has a slot to go on sending; otherwise it waits in the queue for one."""
        if self._scheduler.use_slot(self.number):
            return True
        has_slot = self._scheduler.ask_slot(self.number, now=now)
        self._send_position(now)
        return has_slot

    @property
    def sharers(self) -> int:
        return self._scheduler.leechers

    def moved(self, count: int, *, now: float) -> None:
        """`count`: bytes of chunks that went out since the last call."""
        self._scheduler.moved(self.number, count, now=now)

    def sent(self, sending: LeavingChunk, *, now: float) -> None:
        self._sending = None
        self._spoke = self._heard = now  # it has read, even if it sent nothing
        self._budget.refill()
        self.useful_at, self.is_proven, self.fruitless = now, True, 0
        if sending.is_single:
            self.closed.append(sending.choice.handle)
            self._contents.close(sending.choice.handle)
            self._singles.sent(sending.length, now=now)
            self._end_turn_of_singles()
        else:
            self._scheduler.sent(self.number, sending.choice)

    def broken_off(self, sending: LeavingChunk, *, now: float, has_changed: bool = False) -> None:
        """The chunk was cancelled, or its content has changed."""
        if has_changed:
            self._gone(sending.choice.handle, "it changed", now)
        self._sending = None
        self._spoke = self._heard = now
        if sending.is_single:
            self._end_turn_of_singles()
        else:
            self._not_sent(sending.choice)

    def look(self, *, now: float) -> None:
        """Do what is due. Raises TimeoutError when the leecher has been silent for silent_s."""
        if now - self._heard > self._limits.silent_s:
            raise TimeoutError(f"no sign of life for {self._limits.silent_s:.0f} s")
        if now - self._spoke >= self._limits.alive_s:
            self._send(frames.Alive(), now)
        if self._pending is not None and now - self._offered_at >= self._answer_s:
            self._scheduler.release(self.number)

    def _next(self, now: float) -> LeavingChunk | None:
        """A content of one chunk, or the chunk that was taken, if it may go out now."""
        while self._taken is not None or self._singles:
            is_free = bool(self._singles) and not self._singles.needs_slot(now=now)
            has_slot = self._scheduler.has_slot(self.number) if is_free else self.regain(now=now)
            if not (is_free or has_slot):
                break
            chunk_waits = self._taken is not None and has_slot
            sending = (
                self._next_single(now)
                if self._singles.are_next(chunk_waits=chunk_waits)
                else self._next_taken(now)
            )
            if sending is not None:
                return sending
        return None

    def _next_single(self, now: float) -> LeavingChunk | None:
        """The next content of one chunk; its shape is sent first."""
        handle = self._singles.pop()
        holding = self._contents.holding(handle)
        if holding is None:
            self._gone_if_open(handle, now)
            return None
        content = holding.content
        self._send(frames.File(handle, content.size, content.chunk_size, b"\x01"), now)
        choice = ChosenChunk(handle, content.root, 0)
        return LeavingChunk(choice, holding, content.size, is_single=True)

    def _next_taken(self, now: float) -> LeavingChunk | None:
        choice, self._taken = self._taken, None
        assert choice is not None
        holding = self._contents.holding(choice.handle)
        if holding is None:
            self._gone_if_open(choice.handle, now)
        elif holding.content.root == choice.root:
            length = holding.content.length(choice.index)
            return LeavingChunk(choice, holding, length, is_single=False)
        # The leecher has closed the handle since, or used it for another content.
        self._not_sent(choice)
        return None

    def _end_turn_of_singles(self) -> None:
        if self._singles.is_turn_over and self._scheduler.is_turn_over(self.number):
            self._scheduler.release(self.number)

    def _offer(self, now: float) -> None:
        choice = self._scheduler.next_choice(self.number, now=now)
        self._send_position(now)
        if choice is None:
            return
        self._pending, self._offered_at = choice, now
        answer_s = self._limits.answer_s * 0.5 ** min(self.fruitless, 10)
        self._answer_s = max(self._limits.least_answer_s, answer_s)
        self.fruitless += 1
        self.to_send.append(frames.Offer(choice.handle, choice.index))

    def _not_sent(self, choice: ChosenChunk) -> None:
        self._scheduler.not_sent(self.number, choice)

    def _gone(self, handle: int, reason: str, now: float) -> None:
        """The content is not here. It may come, and is described then."""
        self._cancel_sending(handle)
        self._send(frames.Gone(handle, reason), now)
        self._scheduler.forget(self.number, handle)
        self._contents.note_missing(handle)
        self.closed.append(handle)

    def _gone_if_open(self, handle: int, now: float) -> None:
        """A content that the leecher may wait for is gone."""
        if self._contents.is_open(handle):
            self._gone(handle, "not here any more", now)

    def _send(self, frame: frames.Frame, now: float) -> None:
        self.to_send.append(frame)
        self._spoke = now

    def _send_position(self, now: float) -> None:
        """Send the position once the leecher has waited for position_s, and then when it changes; 0
        when it no longer waits. In a fast room nobody waits that long.
        """
        position = self._scheduler.position(self.number)
        if not self.position:
            self._position_sent_at = now  # if it waits, it waits from now on
        self.position = position
        is_due = now - self._position_sent_at >= self._limits.position_s
        if position != self._position_sent and (is_due or not position):
            self._position_sent, self._position_sent_at = position, now
            self._send(frames.Place(position), now)


def room_for_leecher(
    sessions: Collection[UploadSession], host: str, *, now: float
) -> list[UploadSession] | None:
    """The idle sessions to end so that a leecher from this host may come; None if it may not."""
    return evicted(
        [
            Occupant(session, session.host, session.idle_s(now=now), session.is_proven)
            for session in sessions
            if not session.is_leaving
        ],
        host,
        most=MAX_CONNECTIONS,
        most_of_host=MAX_CONNECTIONS if is_loopback(host) else MAX_PER_HOST,
    )
