"""Asks a tracker, an original one or ours: repeats requests, and never waits for ever."""

from __future__ import annotations

import contextlib
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from roles.joining.record_channel import RecordChannel
from roles.joining.tracker_locator import TrackerLocator
from roles.net import datagrams
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, TrackerSilentError
from roles.worker import POLL_S

log = logging.getLogger(__name__)

# Pause after each try; on a LAN answers come within milliseconds.
TRIES_S = (0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0)
JITTER = 0.25
MAX_REFUSALS = 3  # the machine itself says that nobody listens there: more tries are no use
LINGER_S = 5.0  # on Windows, a second answer to a closed port ends an original tracker
SECOND_S = 0.2  # for the `success` after a list, which comes at once or is lost
FAREWELL_S = 0.5  # at the end, for answers that are on their way
SOON = 4  # tries, 2 s, before the program searches for the tracker elsewhere

T = TypeVar("T")


@dataclass(slots=True)
class _Question:
    """The socket of a request, which may have been sent several times."""

    channel: datagrams.DatagramChannel | RecordChannel
    until: float  # when to close it although answers are missing
    awaited: int = 0  # datagrams that may still come

    def receive(self, timeout_s: float) -> bytes:
        """The next answer. Raises OSError; TimeoutError when none comes."""
        answer = self.channel.receive(timeout_s)
        self.awaited -= 1
        return answer


@dataclass(slots=True)
class _Attempt(Generic[T]):
    """One request, and the results of asking so far."""

    request: bytes
    answers: int  # datagrams that may come
    read: Callable[[bytes], T | None]
    questions: dict[Address, _Question] = field(default_factory=dict)
    refusals: int = 0  # tries in which every address refused: nobody listens there
    why: str = ""
    fault: TrackerSilentError | None = None  # from looking up the tracker's name


class TrackerAsker:
    """Owned by one thread. Every method may raise TrackerSilentError."""

    def __init__(self, locator: TrackerLocator) -> None:
        self._locator = locator
        self._lingering: deque[_Question] = deque()
        self._kept: RecordChannel | None = None  # with the tracker of a private room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait FAREWELL_S for answers that are on their way: see LINGER_S."""
        deadline = time.monotonic() + FAREWELL_S
        if self._kept is not None:
            self._kept.close()
        while self._lingering:
            question = self._lingering.popleft()
            with closing(question.channel), contextlib.suppress(OSError):
                while question.awaited > 0 and (rest := deadline - time.monotonic()) > 0:
                    question.receive(rest)

    @property
    def is_cut_off(self) -> bool:
        """Whether the tracker of a private room has closed the connection since the last answer."""
        return self._kept is not None and self._kept.is_cut_off

    def _ask(
        self,
        request: Callable[[], bytes],
        read: Callable[[bytes], T | None],
        *,
        answers: int,
    ) -> T:
        """Send until an answer comes; the socket stays open a while for late datagrams.

        `request` makes the bytes, anew for another tracker. `read` returns None for a datagram that
        is not the answer; it may raise PeerProtocolError. `answers` datagrams may come, unless
        _is_all() says that the first is the only one. After two seconds of silence it searches for
        the tracker elsewhere.
        """
        self._close_old()
        self._locator.fail_back()
        attempt = _Attempt(request(), answers, read)
        answer = self._tried(attempt, TRIES_S[:SOON])
        if answer is None and self._locator.stopping.is_set():
            raise self._silent("this program stops")
        if answer is None and self._locator.fail_over():
            attempt = _Attempt(request(), answers, read)
            answer = self._tried(attempt, TRIES_S)
        elif answer is None and attempt.refusals < MAX_REFUSALS:
            answer = self._tried(attempt, TRIES_S[SOON:])
        if answer is None:
            raise attempt.fault or self._silent("" if attempt.refusals else attempt.why)
        self._close_old()
        return answer

    def _tried(self, attempt: _Attempt[T], pauses_s: Iterable[float]) -> T | None:
        """The answer, or None. Each try asks at all of the tracker's addresses."""
        for pause_s in pauses_s:
            try:
                addresses = self._locator.addresses()
            except TrackerSilentError as error:
                attempt.fault = error
                return None
            within_s, refused = pause_s, 0
            for address in addresses:
                answer = None
                try:
                    answer = self._asked_at(address, attempt, within_s)
                except ConnectionError:
                    # That machine says that nobody listens; Windows reports it one call late.
                    refused += 1
                except OSError as error:  # no network: it may come back
                    log.debug("asking %s: %s", address, error)
                    attempt.why = error.strerror or str(error)
                    self._locator.stopping.wait(within_s)
                if answer is not None:
                    self._locator.answered(address)
                    return answer
                if self._locator.stopping.is_set():
                    return None
                within_s = TRIES_S[0]  # for each other address of the same tracker
            if refused == len(addresses):
                attempt.refusals += 1
                if attempt.refusals == MAX_REFUSALS:
                    return None
                self._locator.stopping.wait(pause_s)
        return None

    def _asked_at(self, address: Address, attempt: _Attempt[T], within_s: float) -> T | None:
        """Ask once at this address. Raises OSError."""
        question = attempt.questions.get(address)
        if question is None:
            question = _Question(self._channel_to(address), time.monotonic() + LINGER_S)
            attempt.questions[address] = question
            self._lingering.append(question)
        try:
            question.channel.send(attempt.request)
            question.awaited += attempt.answers
            within_s *= random.uniform(1 - JITTER, 1 + JITTER)
            return self._receive(question, attempt.read, within_s)
        except OSError as error:
            question.awaited = 0
            if not isinstance(error, ConnectionError):  # the socket's own address may be gone
                del attempt.questions[address]
            raise

    def _channel_to(self, address: Address) -> datagrams.DatagramChannel | RecordChannel:
        if not self._locator.is_private:
            return datagrams.DatagramChannel(address)
        kept = self._kept
        if kept is not None and kept.tracker == address:
            self._kept = None
            return kept
        return RecordChannel(address, self._locator)

    def _end_channel(self, channel: datagrams.DatagramChannel | RecordChannel) -> None:
        """A connection is kept for the next question; nothing but answers comes there."""
        if isinstance(channel, RecordChannel):
            if self._kept is not None:
                self._kept.close()
            self._kept = channel
        else:
            channel.close()

    def _is_all(self, answer: object) -> bool:  # noqa: ARG002
        """Whether the answer has no further datagram, whatever `answers` says."""
        return False

    def _receive(
        self,
        question: _Question,
        read: Callable[[bytes], T | None],
        within_s: float,
    ) -> T | None:
        """Wait for the answer, and then for the datagrams that follow it, which it drops."""
        accepted: T | None = None
        deadline = time.monotonic() + within_s
        while (rest := deadline - time.monotonic()) > 0 and not self._locator.stopping.is_set():
            if accepted is not None and question.awaited <= 0:
                break
            try:
                answer = read(question.receive(min(rest, POLL_S)))
            except TimeoutError:
                continue
            except PeerProtocolError as error:
                text = "ignored a datagram of the tracker %s: %s"
                log.warning(text, self._locator.shown, error)
                continue
            if accepted is None and answer is not None:
                accepted = answer
                if self._is_all(answer):
                    question.awaited = 0
                deadline = min(deadline, time.monotonic() + SECOND_S)
        return accepted

    def _close_old(self) -> None:
        """Close sockets whose answers have all come, or that have waited long enough."""
        for question in list(self._lingering):
            if question.awaited <= 0 or question.until < time.monotonic():
                self._lingering.remove(question)
                self._end_channel(question.channel)

    def _silent(self, why: str) -> TrackerSilentError:
        self._locator.is_silent()
        return TrackerSilentError(
            f"No tracker at {self._locator.shown}{f' ({why})' if why else ''}. "
            f"Start one there, or check the address.{self._locator.hint}"
        )


def new_id() -> str:
    return secrets.token_hex(8)
