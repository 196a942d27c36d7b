"""One connection of a browser to a seeder, in a thread of its own: requests, answers, deadlines."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from roles.net.connection import Connection
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.values.errors import FileChangedError
from roles.web.http_wire import HttpError, Request, RequestReader, text_answer
from roles.web.seeder_site import Answer, FilePart, SeederSite, changed
from roles.web.sending_turns import SendingTurns

log = logging.getLogger(__name__)

PIECE = 1024 * 1024  # bytes of a file that the system gets to send at once
# Bytes at a file's end that are read, and sent once it is known that the file has not changed. What
# is shorter waits for no turn.
LAST = 64 * 1024
MOVED = 64 * 1024  # bytes; a byte now and then is no progress
_RECEIVE = 8 * 1024
_UNREAD = 64 * 1024  # bytes of a refused request that are read, so that the answer arrives


class Limits(NamedTuple):
    request_s: float = 10.0  # from a request's first byte to its last
    between_s: float = 15.0  # between two requests
    stall_s: float = 20.0  # without a byte that the browser takes
    # For the rest of a request, or for the next MOVED bytes; then the browser may lose its place.
    patience_s: float = 2.0
    slow_s: float = 60.0  # of sending; from then on the mean rate must be at least
    slowest: int = 8 * 1024  # bytes per second
    wait_s: float = 0.25  # for one call of the system
    refused_s: float = 2.0  # for the rest of a refused request


LIMITS = Limits()


@dataclass(slots=True)
class _Sending:
    """The answer under way."""

    needs_turn: bool = False
    has_begun: bool = False  # a part of it is out
    sent: int = 0  # bytes
    spent_s: float = 0.0  # sending
    stalled_s: float = 0.0  # since the browser took something
    moved: int = 0  # bytes that are not MOVED yet
    waited_s: float = 0.0  # for these

    def note(self, count: int, seconds: float) -> None:
        """`count` bytes went out in this time."""
        self.sent, self.spent_s = self.sent + count, self.spent_s + seconds
        self.stalled_s = 0.0 if count else self.stalled_s + seconds
        self.moved, self.waited_s = self.moved + count, self.waited_s + seconds
        if self.moved >= MOVED:
            self.moved, self.waited_s = 0, 0.0


class HttpConnection:
    """The connection stays the caller's to close."""

    def __init__(
        self,
        connection: Connection,
        site: SeederSite,
        turns: SendingTurns,
        throttle: Throttle,
        stopping: threading.Event,
        limits: Limits = LIMITS,
    ) -> None:
        self.connection = connection
        self.meter = RateMeter(now=time.monotonic())
        self.title = ""  # of what it downloads now
        # If it is between two requests, or has tried our patience. Then it may lose its place.
        self.idle_since: float | None = None
        self._site = site
        self._turns = turns
        self._throttle = throttle
        self._stopping = stopping
        self._limits = limits
        self._reader = RequestReader()
        self._has_asked = False
        self._turn: float | None = None  # when it began
        self._now = _Sending()
        connection.limit(limits.wait_s)

    def run(self) -> None:
        """Serve until the browser leaves or is silent too long, or this side stops. Raises OSError
        and, if an answer breaks off because a file has changed, FileChangedError.
        """
        try:
            while (request := self._next_request()) is not None and self._answer(request):
                pass
        except HttpError as error:  # what came is no request
            log.debug("%s: %s", self.connection.address, error)
            self._refuse(None, error)
            self._let_it_read()

    # Requests

    def _next_request(self) -> Request | None:
        """None if it left, or did not ask in time. Raises HttpError."""
        since = time.monotonic()
        has_begun = not (self._has_asked and self._reader.is_empty)
        while (request := self._reader.next()) is None:
            waited_s = time.monotonic() - since
            is_idle = not has_begun or waited_s >= self._limits.patience_s
            self.idle_since = since if is_idle else None
            within_s = self._limits.request_s if has_begun else self._limits.between_s
            if self._stopping.is_set() or waited_s > within_s:
                return None
            data = self.connection.receive(_RECEIVE)
            if data == b"":
                return None
            if data is not None:
                if not has_begun:
                    has_begun, since = True, time.monotonic()
                self._reader.feed(data)
        self.idle_since = None
        self._has_asked = True
        return request

    def _let_it_read(self) -> None:
        """Closing with something unread would take the answer from the browser."""
        self.connection.end_sending()
        until, unread = time.monotonic() + self._limits.refused_s, _UNREAD
        while unread > 0 and time.monotonic() < until and not self._stopping.is_set():
            data = self.connection.receive(_RECEIVE)
            if data == b"":
                return
            unread -= len(data or b"")

    # Answers

    def _answer(self, request: Request) -> bool:
        """Whether another request may follow."""
        self._now = _Sending()
        try:
            answer = self._site.answer(request)
            self.title = answer.title
            self._send_answer(answer)
        except HttpError as error:
            self._refuse(request, error)
        except FileChangedError:
            if self._now.has_begun:  # the browser sees that the end is missing
                raise
            self._refuse(request, changed())
        finally:
            self.title = ""
            self._end_turn()
        return request.keeps_open

    def _refuse(self, request: Request | None, error: HttpError) -> None:
        self._send(text_answer(request, error.status, str(error), error.fields))

    def _send_answer(self, answer: Answer) -> None:
        match answer.body:
            case None:
                self._send(answer.head)
            case FilePart() as part:
                with closing(part):
                    self._send_part(answer.head, part)
            case pieces:
                with closing(pieces):
                    self._send_pieces(answer.head, pieces)

    def _send_part(self, head: bytes, part: FilePart) -> None:
        """The last bytes go out only once it is known that the file has not changed."""
        last = min(part.length, LAST)
        if last < part.length:
            self._now.needs_turn = self._now.has_begun = True
            self.connection.send_all(head, within_s=self._limits.stall_s, more=True)
            head = b""
            self._send_by(
                lambda at, most: part.file.send(self.connection, part.start + at, most),
                part.length - last,
            )
        end, data = part.start + part.length, bytearray(head)
        while last:
            block = part.file.read(end - last, last)
            data += block
            last -= len(block)
        self._send(data)

    def _send_pieces(self, head: bytes, pieces: Generator[bytes, None, None]) -> None:
        for piece in pieces:
            self._send(head + piece)
            head = b""
            self._now.needs_turn = True

    def _send(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        self._send_by(lambda at, most: self.connection.send(view[at : at + most]), len(view))

    def _send_by(self, send: Callable[[int, int], int], length: int) -> None:
        """Call `send` until `length` bytes are out, within the rate limit. It gets how many are out
        and how many to send at most, and returns how many it sent.
        """
        sent, self._now.has_begun = 0, True
        while sent < length:
            allowed = self._throttle.slice(min(PIECE, length - sent))
            self._throttle.wait(allowed, self._stopping)
            until = sent + allowed
            while sent < until:
                self._await_turn()
                began = time.monotonic()
                count = send(sent, until - sent)
                sent += count
                self._note(count, time.monotonic() - began)

    def _await_turn(self) -> None:
        """A browser that takes nothing gets none: it would only keep it from others."""
        if self._stopping.is_set():
            raise ConnectionAbortedError("this side stops")
        if self._turn is not None and self._turns.is_over(self._turn):
            self._end_turn()
        if self._now.needs_turn and self._turn is None and not self._now.stalled_s:
            self._turn = self._turns.take(self._stopping)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn = None
            self._turns.give_back()

    def _note(self, count: int, seconds: float) -> None:
        """`count` bytes went out in this time. Raises TimeoutError."""
        now, answer, limits = time.monotonic(), self._now, self._limits
        self.meter.add(count, now=now)
        answer.note(count, seconds)
        is_idle = answer.waited_s >= limits.patience_s
        self.idle_since = now - answer.waited_s if is_idle else None
        if answer.stalled_s:
            self._end_turn()
        if answer.stalled_s > limits.stall_s:
            raise TimeoutError(f"it took nothing for {limits.stall_s:.0f} s")
        if answer.spent_s > limits.slow_s and answer.sent < limits.slowest * answer.spent_s:
            raise TimeoutError("it is too slow")
