"""The sending end of a virtual connection: Uploader's work, done with events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roles.net.send_buffer import ALONE, MAX_BUFFER, fitting_buffer
from roles.uploads.part_sizes import PartSizes, rate_of
from roles.uploads.upload_session import LIMITS as SESSION
from roles.uploads.upload_session import LeavingChunk, UploadSession
from roles.uploads.uploader import LIMITS
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from tests.rooms.network import SEGMENT

if TYPE_CHECKING:
    from tests.rooms.host import Connection, Host

ETHERNET_SEGMENT = 1_448  # bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Of a chunk, on its way. Its digest stands for the bytes of the whole chunk."""

    handle: int
    index: int
    offset: int
    length: int
    digest: bytes

    def __str__(self) -> str:
        return f"Part({self.handle}, {self.index}, {self.offset}, {self.length} bytes)"


class UploadEnd:
    """Serves one leecher."""

    def __init__(self, host: Host, connection: Connection, number: int) -> None:
        self.number = number
        self.connection = connection
        self.is_open = True
        self.is_hung = False  # it is a fault's, and does nothing any more
        self._host = host
        self._clock = host.room.clock
        other = connection.downloader_host.address.host
        self.session = UploadSession(
            number, other, host.scheduler, host.library, now=self._clock.now
        )
        host.scheduler.joined(number, other)
        self._inbox = deque[frames.Frame]()
        self._sizes = PartSizes(frames.PART)
        self._buffer = fitting_buffer(0.0, MAX_BUFFER, 1, ETHERNET_SEGMENT)
        self._sending: LeavingChunk | None = None
        self._out = self._part = 0  # bytes of the chunk that are out, and of the part under way
        self._began = 0.0
        self._awaits_slot = False
        self._moved, self._moved_at = 0, 0.0
        self._look_at = float("inf")
        self._read_at = 0.0  # who says much is read more slowly
        self._fit_window()

    def start(self) -> None:
        """The connection is made."""
        self.connection.to_downloader.on_out = self._note_out
        self._watch()

    def close(self, why: str) -> None:
        """The connection ends."""
        if self.is_open:
            self.is_open = False
            self._host.room.story.tell(self._host.name, self.connection.downloader_host.name, why)
            del self._host.uploads[self.number]
            self._host.scheduler.left(self.number)
            self.connection.closed_by(self._host)

    def hear(self, frame: frames.Frame) -> None:
        """A frame came."""
        self._inbox.append(frame)
        if self._sending is None:
            self._host.do(self.look)

    def look(self) -> None:
        """Something may be to do: it came, or the session was woken, or it is time."""
        if not self.is_open or self.is_hung:
            return
        if self._host.frozen_until > self._clock.now:
            self._host.awake(self.look)
            return
        if self._awaits_slot:
            self._guarded(self._go_on)
        elif self._sending is None:
            self._guarded(self._step)
        self._watch()
        self._host.room.look_at(self._host)

    def _step(self) -> None:
        self._read()
        self.session.look(now=self._clock.now)
        if not self.is_open:
            return
        sending = self.session.next_chunk(now=self._clock.now)
        self._tell()
        if sending is not None:
            self._sending, self._out, self._began = sending, 0, self._clock.now
            self._host.spend(self._host.room.costs.sent_s, self._send_part)

    def _read(self) -> None:
        while self._inbox and self.is_open and self._clock.now >= self._read_at:
            frame = self._inbox.popleft()
            pause_s = self.session.came(frame, now=self._clock.now)
            pause_s += self.session.heard(1, now=self._clock.now)
            self._tell()
            if self.session.is_over:
                self.close("has heard that it left")
            if pause_s > 0:
                self._read_at = self._clock.now + pause_s
                self._clock.at(self._read_at, self.look)

    def _tell(self) -> None:
        to_send, self.session.to_send = self.session.to_send, []
        self.session.closed.clear()
        for frame in to_send:
            self.connection.tell_downloader(frame)

    def _send_part(self) -> None:
        sending = self._sending
        if sending is None or not self.is_open or self.is_hung:
            return
        offer_at = self._sizes.offer_at(sending.length)
        if self._out == offer_at and not sending.is_single:
            self.session.offer_ahead(now=self._clock.now)
            self._tell()
        end = offer_at if self._out < offer_at else sending.length
        self._part = min(self._sizes.part, end - self._out)
        choice = sending.choice
        digest = self._host.sent_digest(choice.root, choice.index)
        part = Part(choice.handle, choice.index, self._out, self._part, digest)
        began = self._clock.now
        size = frames.HEADER.size + frames.PART_HEAD.size + self._part

        def is_late() -> None:
            if self.is_open and self._part and part.offset == self._out and self._began <= began:
                self.close(f"reads nothing for {LIMITS.part_s:.0f} s")

        self.connection.to_downloader.write(part, size, lambda: self._host.awake(self._part_out))
        self._clock.after(LIMITS.part_s, is_late)

    def _part_out(self) -> None:
        sending = self._sending
        if sending is None or not self.is_open or self.is_hung:
            return
        self._out, self._part = self._out + self._part, 0
        if self._host.stops_at is not None and self._host.stops_at(sending, self._out):
            self.is_hung = True
            return
        if self._out < sending.length:
            self._guarded(self._between)
        else:
            self._end(is_whole=True)

    def _between(self) -> None:
        """After a part that is not the last one."""
        assert self._sending is not None
        if self._sending.is_single:
            self._send_part()
            return
        self._read()
        if not self.is_open:
            return
        may_go_on = self.session.part_sent(now=self._clock.now)
        self._tell()
        self._go_on(may_go_on)

    def _go_on(self, may_go_on: bool | None = None) -> None:
        """With the next part, once there is a slot for it."""
        if may_go_on is None:
            self._read()
            if not self.is_open:
                return
            self.session.look(now=self._clock.now)
            may_go_on = self.session.regain(now=self._clock.now)
            self._tell()
        if self.session.is_cancelled:
            self._awaits_slot = False
            self._end(is_whole=False)
        else:
            self._awaits_slot = not may_go_on
            if may_go_on:
                self._send_part()

    def _end(self, *, is_whole: bool) -> None:
        sending, self._sending = self._sending, None
        assert sending is not None
        now = self._clock.now
        has_changed = self._host.has_changed(sending.choice.root)
        if has_changed:
            self._host.library.withdraw(sending.choice.root)
        if is_whole and not has_changed:
            self.session.sent(sending, now=now)
            self._fit(sending.length, now - self._began)
        else:
            self.session.broken_off(sending, now=now, has_changed=has_changed)
        self._tell()
        self.look()

    def _fit(self, length: int, seconds: float) -> None:
        sharers = self.session.sharers
        rate = rate_of(length, seconds, self._buffer, sharers, ALONE)
        if rate is not None:
            self._sizes.fit(rate)
            self._buffer = fitting_buffer(rate, length, sharers, ETHERNET_SEGMENT)
            self._fit_window()

    def _fit_window(self) -> None:
        self.connection.to_downloader.window = max(SEGMENT, self._buffer)

    def _note_out(self, count: int) -> None:
        self._moved += count
        if self._clock.now - self._moved_at >= LIMITS.report_s and self.is_open:
            self.session.moved(self._moved, now=self._clock.now)
            self._moved, self._moved_at = 0, self._clock.now

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (PeerProtocolError, TimeoutError) as error:
            self.close(f"drops it: {error}")

    def _watch(self) -> None:
        """Look again when the session wants to."""
        if not self.is_open or (self._sending is not None and not self._awaits_slot):
            return
        patience_s = SESSION.position_s if self._awaits_slot else self.session.patience_s()
        due = self._clock.now + patience_s
        if due < self._look_at:
            self._look_at = due
            self._clock.at(due, self._on_time)

    def _on_time(self) -> None:
        if self._look_at <= self._clock.now:
            self._look_at = float("inf")
            self._host.do(self.look)
