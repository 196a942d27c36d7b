"""Fetches lists of shares from a tracker of ours, or sends them to it, over TCP.

It knows the stream, not what the lines mean.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice

from roles.joining.tracker_locator import TrackerLocator
from roles.net.connection import Connection
from roles.values.errors import ListNotPassedError, PeerProtocolError
from roles.values.list_lines import MAX_ROOM_FILES, MAX_ROOM_SHARES
from roles.values.participants import Participant
from roles.values.stopping import until_stopped
from roles.wire.list_wire import (
    MAX_CALL,
    MAX_PACKED,
    AskList,
    AskRoom,
    ListFollows,
    Packer,
    Reply,
    RoomFollows,
    Taken,
    TellList,
    Unpacker,
    decode_reply,
    encode_call,
)
from roles.wire.room_wire import MAX_PARTICIPANTS, decode_participant

PATIENCE_S = 30.0  # for everything but the list; a tracker waits as long
MIN_RATE = 256 * 1024  # bytes per second: the extra time for the list
MAX_LINES = MAX_ROOM_FILES + MAX_ROOM_SHARES  # each share has a line of its own
_BLOCK = 64 * 1024  # bytes received at once


@dataclass(frozen=True, slots=True)
class FetchedList:
    """A tracker's answer: apply the lines, then ask for changes since this version."""

    version: str
    is_whole: bool
    lines: tuple[str, ...]  # for ListCopy


def fetch_list(locator: TrackerLocator, since: str) -> FetchedList:
    """The tracker's list, or what has changed `since` this version; "" for the whole list.

    Raises TrackerSilentError, and StoppedError when told to stop.
    """
    with _call(locator) as call:
        reply = call.ask(encode_call(AskList(since)))
        if not isinstance(reply, ListFollows):
            raise PeerProtocolError("it gives another kind of answer")
        lines = tuple(call.unpacked(reply.packed))
        return FetchedList(reply.version, reply.is_whole, lines)


def fetch_room(locator: TrackerLocator) -> tuple[Participant, ...]:
    """The programs of the tracker's room; `last_ping` is on this computer's clock. Leaves out lines
    that cannot be read.

    Raises TrackerSilentError.
    """
    with _call(locator) as call:
        reply = call.ask(encode_call(AskRoom()))
        if not isinstance(reply, RoomFollows):
            raise PeerProtocolError("it gives another kind of answer")
        now = time.monotonic()
        lines = islice(call.unpacked(reply.packed), MAX_PARTICIPANTS)
        return tuple(_readable(lines, now))


def _readable(lines: Iterable[str], now: float) -> Iterator[Participant]:
    for line in lines:
        with suppress(PeerProtocolError):
            yield decode_participant(line, now=now)


def tell_list(locator: TrackerLocator, list_: TellList, lines: Iterable[str]) -> Taken:
    """Send a share's lines, each after its mark "+" or "-".

    TellList.packed is filled in. Raises TrackerSilentError.
    """
    packer = Packer()
    pieces = [packer.pack(line) for line in lines]
    packed = b"".join([*pieces, packer.end()])
    if len(packed) > MAX_PACKED:
        return Taken(False, "full", "This folder has more files than a tracker takes.")
    with _call(locator) as call:
        reply = call.ask(encode_call(replace(list_, packed=len(packed))), packed)
        if not isinstance(reply, Taken):
            raise PeerProtocolError("it gives another kind of answer")
        return reply


@contextmanager
def _call(locator: TrackerLocator) -> Iterator[_Call]:
    """Turns what goes wrong with the connection into ListNotPassedError."""
    tracker = locator.current()
    try:
        with locator.connected(tracker) as connection:
            yield _Call(connection, locator.stopping)
        return
    except OSError as error:
        why = error.strerror or str(error)
    except PeerProtocolError as error:
        why = str(error)
    raise ListNotPassedError(f"The list of the tracker {tracker} could not be transferred ({why}).")


class _Call:
    """One connection to a tracker, with a deadline for everything.

    Every method may raise OSError and PeerProtocolError.
    """

    def __init__(self, connection: Connection, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._deadline = time.monotonic() + PATIENCE_S
        self._received = b""  # not used yet

    def ask(self, call: bytes, packed: bytes = b"") -> Reply:
        """Send a call and the list that follows it; read the line that answers."""
        self._deadline += len(packed) / MIN_RATE
        self._send(call + packed)
        while b"\n" not in self._received:
            if len(self._received) > MAX_CALL:
                raise PeerProtocolError("its first line has no end")
            self._received += self._receive()
        line, _, self._received = self._received.partition(b"\n")
        return decode_reply(line)

    def unpacked(self, packed: int) -> Iterator[str]:
        """The lines in the `packed` bytes that follow. Raises StoppedError, too."""
        self._deadline += packed / MIN_RATE
        unpacker, taken = Unpacker(), 0
        while packed > 0:
            data = self._received or self._receive()
            part, self._received = data[:packed], data[packed:]
            packed -= len(part)
            for line in until_stopped(unpacker.lines(part), self._stopping.is_set):
                taken += 1
                if taken > MAX_LINES:  # a few bytes may unpack to millions of lines
                    raise PeerProtocolError(f"it has more than {MAX_LINES} lines")
                yield line
        unpacker.end()

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                sent = self._connection.send(rest[:_BLOCK])
                rest = rest[sent:]
                if not sent:
                    self._check_time()
        except OSError:
            # It may have closed after an answer that says why.
            with suppress(OSError):
                self._received = self._connection.receive(_BLOCK) or b""
            if not self._received:
                raise

    def _receive(self) -> bytes:
        data = None
        while data is None:
            self._check_time()
            data = self._connection.receive(_BLOCK)
        if not data:
            raise ConnectionError("it hung up")
        return data

    def _check_time(self) -> None:
        if self._stopping.is_set():
            raise ConnectionAbortedError("this program stops")
        if time.monotonic() > self._deadline:
            raise TimeoutError("it takes too long")
