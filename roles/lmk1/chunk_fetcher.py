"""The leecher's side of one connection: greets a seeder, fetches one part, verifies each chunk.

An original seeder crashes if a connection closes at the wrong moment, so every way out of here
sends the word that it waits for (docs/PROTOCOL.md, section 2.3).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from roles.lmk1 import peer_wire as wire
from roles.lmk1.peer_wire import CHUNK_SIZE, HEADER, chunk_length
from roles.net.connection import Connection
from roles.net.dialling import dialled
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, SeederLackedFileError
from roles.wire.greeting import EXIT_CONNECTION, MAX_GREETING, REQUEST_CONNECTION
from roles.worker import POLL_S

if TYPE_CHECKING:
    from roles.lmk1.fetchers import Fetchers

# Acknowledgements sent in advance; this number was fastest with an original seeder.
MAX_AHEAD = 64
# For reading a late answer; closing with unread data would reset the connection.
FAREWELL_S = 0.5
BUFFER = 512 * 1024  # bytes, a hundred chunks


class Limits(NamedTuple):
    answer_s: float = 10.0  # an original may be waiting for another leecher's second message
    first_chunk_s: float = 30.0  # an original reads the whole range into memory first
    chunk_s: float = 10.0


LIMITS = Limits()


class ChunkFetcher:
    """Fetches one part of a file from one seeder, in a thread of its own."""

    def __init__(self, seeder: Address, work: Fetchers, throttle: Throttle, *, now: float) -> None:
        self.seeder = seeder
        self.meter = RateMeter(now=now)
        self.moved = now  # when it was created, or its last chunk arrived
        self.is_connected = False  # the seeder has a request
        self._work, self._throttle = work, throttle

    def run(self) -> bool:
        """Returns whether the seeder is away. Otherwise the part is complete or taken over, nothing
        was left to fetch, or this side stopped.

        Raises PeerProtocolError, SeederLackedFileError, OSError or TrackerSilentError (no such
        host) for faults of the seeder, and StorageError for those of this machine.
        """
        work = self._work
        with dialled(self.seeder, work.stopping) as connection:
            answer = self._greet(connection)
            if answer is None:
                return False
            if answer is wire.SeederAnswer.AWAY:
                return True
            if answer is wire.SeederAnswer.ERROR:
                raise PeerProtocolError("the seeder refused to connect")
            part = None if work.stopping.is_set() else work.take(self)
            if part is None:
                connection.send_all(EXIT_CONNECTION, within_s=POLL_S)
                return False
            request = wire.RangeRequest(work.file.name, len(part), part.start * CHUNK_SIZE)
            connection.send_all(wire.encode_range_request(request), within_s=POLL_S)
            _Range(connection, self, work, part, self._throttle).receive()
        return False

    def _greet(self, connection: Connection) -> wire.SeederAnswer | None:
        """Send the first word and read the answer; None, after taking leave, if this side stops.

        Raises TimeoutError if none comes.
        """
        connection.send_all(REQUEST_CONNECTION, within_s=POLL_S)
        received = b""
        deadline = time.monotonic() + LIMITS.answer_s
        while time.monotonic() < deadline and not self._work.stopping.is_set():
            data = connection.receive(MAX_GREETING)
            if data is None:
                continue
            if not data:
                raise PeerProtocolError("the seeder closed the connection without an answer")
            received += data
            answer = wire.decode_seeder_answer(received)
            if answer is not None:
                return answer
        _leave_unanswered(connection)
        if self._work.stopping.is_set():
            return None
        raise TimeoutError("it does not answer")


def _leave_unanswered(connection: Connection) -> None:
    """Send the word that keeps an original alive, and read until it closes the connection."""
    connection.send_all(EXIT_CONNECTION, within_s=POLL_S)
    connection.end_sending()
    deadline = time.monotonic() + FAREWELL_S
    while time.monotonic() < deadline:
        if connection.receive(MAX_GREETING) == b"":
            return


class _Range:
    """Receives the chunks of one range into a buffer and parses them there."""

    def __init__(
        self,
        connection: Connection,
        fetcher: ChunkFetcher,
        work: Fetchers,
        part: range,
        throttle: Throttle,
    ) -> None:
        self._connection, self._fetcher, self._work = connection, fetcher, work
        self._throttle = throttle
        self._size = work.file.size
        self._asked = part  # the limit for acknowledgements, even if the part gets shorter
        self._next, self._stop = part.start, part.stop
        self._acknowledged = 0
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._heard = time.monotonic()

    def receive(self) -> None:
        """Receive until the part is complete, or this side stops.

        Closing in the middle of a range does not harm an original, as we tested.
        """
        while self._next < self._stop and not self._work.stopping.is_set():
            self._receive_some()
            used = self._take_chunks()
            if not used:
                self._check_patience()
                self._stop = self._work.part_end(self._fetcher)
                continue
            self._view[: self._filled - used] = self._view[used : self._filled]
            self._filled -= used
            self._acknowledge()

    @property
    def _is_unanswered(self) -> bool:
        """Whether no byte of the range has arrived."""
        return self._acknowledged == 0 and self._filled == 0

    def _receive_some(self) -> None:
        """Wait for bytes, POLL_S at most."""
        most = self._throttle.slice(BUFFER - self._filled)
        count = self._connection.receive_into(self._view[self._filled : self._filled + most])
        if count is None:
            return
        self._throttle.wait(count, self._work.stopping)
        if not count:
            if self._connection.was_hung_up:
                raise ConnectionResetError("this computer's network changed")
            if self._is_unanswered:
                raise SeederLackedFileError("it does not have the file")
            raise ConnectionResetError("it closed the connection in the middle")
        self._filled += count

    def _check_patience(self) -> None:
        """Raise an error if the next whole chunk takes too long, even if single bytes arrive."""
        patience_s = LIMITS.first_chunk_s if self._acknowledged == 0 else LIMITS.chunk_s
        if time.monotonic() - self._heard < patience_s:
            return
        if self._is_unanswered:  # this is what an original without the file does
            raise SeederLackedFileError("it sent nothing of the file")
        raise TimeoutError(f"no chunk for {patience_s:.0f} s")

    def _take_chunks(self) -> int:
        """Verify and store every whole chunk in the buffer; returns how many bytes they took."""
        position, run_start = 0, self._next
        run = list[memoryview]()
        while self._next < self._asked.stop and position + HEADER.size <= self._filled:
            length = chunk_length(self._next, self._size)
            digest = wire.decode_header(self._buffer, position, expected_length=length)
            end = position + HEADER.size + length
            if end > self._filled:
                break
            chunk = self._view[position + HEADER.size : end]
            if hashlib.sha256(chunk).digest() == digest:
                run.append(chunk)
            else:
                self._keep(run_start, run)
                self._work.reject(self._fetcher, self._next)
                run, run_start = [], self._next + 1
            self._next += 1
            position = end
        self._keep(run_start, run)
        return position

    def _keep(self, first: int, run: Sequence[memoryview]) -> None:
        if run:
            self._heard = time.monotonic()
            self._stop = self._work.store(self._fetcher, first, run)

    def _acknowledge(self) -> None:
        """Send, in one write, acknowledgements for the chunks that came and MAX_AHEAD more."""
        came = self._next - self._asked.start
        if not came:
            return
        words = min(len(self._asked), came + MAX_AHEAD) - self._acknowledged
        if words > 0:
            self._connection.send_all(wire.ACKNOWLEDGED * words, within_s=POLL_S)
            self._acknowledged += words
        # An original sends header and chunk in two writes; the second waits for our TCP ACK.
        self._connection.acknowledge()
