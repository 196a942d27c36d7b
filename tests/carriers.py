"""Carriers as later ones may be: they split, balk, hold bytes back and break off at a chosen byte.

And the talk with a tracker as records over connections, in place of datagrams.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from roles.net.carrier import Bytes, Carrier
from roles.net.connection import Connection
from roles.net.datagrams import LONGEST, Datagrams
from roles.net.dialling import dialled
from roles.net.listening import Listener
from roles.values.addresses import Address
from tests.support import NEVER

HELD = 10_000  # bytes that are received at once, and given out as they are asked for
FIRST_WORDS = 512  # bytes: whoever says no more and hangs up may not be kept waiting
RECORD = struct.Struct(">H")  # length of the message that follows


@dataclass
class Break:
    """The first connection that begins to say this is broken off behind so many bytes of it."""

    words: bytes
    at: int
    was_made: bool = False


@dataclass
class Line:
    """What all carriers of a test do, and what they have carried."""

    piece: int = 1 << 30  # bytes that go out at once, at most
    balks: int = 0  # behind the first words each so many calls one moves nothing, though it might
    lag_s: float = 0.0  # until what has come can be received
    breaks: list[Break] = field(default_factory=list)
    carriers: list[OddCarrier] = field(default_factory=list)

    def carrier_of(self, sock: socket.socket) -> OddCarrier:
        """In place of roles.net.carrier.carrier_of."""
        carrier = OddCarrier(sock, self)
        self.carriers.append(carrier)
        return carrier

    def carried(self) -> tuple[int, int]:
        """Bytes sent and received, when nothing is under way."""
        return sum(one.sent for one in self.carriers), sum(one.received for one in self.carriers)


class OddCarrier(Carrier):
    """Has nothing that only a plain socket has: it reads ahead, and sends no files."""

    def __init__(self, sock: socket.socket, line: Line) -> None:
        super().__init__(sock)
        self.sent = self.received = 0  # bytes
        self._line = line
        self._held = b""
        self._calls = 0
        self._balked = b""  # what was to be sent when it balked
        self._break: Break | None = None

    @property
    def pending(self) -> int:
        return len(self._held)

    def receive_into(self, target: memoryview, at_least: int = 1) -> int | None:  # noqa: ARG002
        if not self._held:
            if self._is_balking():
                return None
            come = memoryview(bytearray(HELD))
            count = super().receive_into(come)
            if not count:
                return count
            time.sleep(self._line.lag_s)
            self._held = bytes(come[:count])
        count = min(len(target), len(self._held), self._line.piece)
        target[:count], self._held = self._held[:count], self._held[count:]
        self.received += count
        return count

    def send(self, data: Bytes, *, more: bool = False, waits: bool = True) -> int:  # noqa: ARG002
        begin = bytes(memoryview(data)[: self._line.piece])
        assert begin.startswith(self._balked), "other bytes than were to be sent before"
        if self.sent == 0:
            self._break = self._break_for(begin)
        if self._break is not None:
            begin = begin[: self._break.at - self.sent]
            if not begin:
                self._break.was_made = True
                super().hang_up()
                raise ConnectionResetError("broken off by the test")
        if self._is_balking():
            self._balked = begin
            return 0
        sent = super().send(begin, waits=waits)
        self._balked = b"" if sent else begin
        self.sent += sent
        return sent

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:  # noqa: ARG002
        return None

    def _is_balking(self) -> bool:
        self._calls += self.sent > FIRST_WORDS
        return bool(self._line.balks) and self._calls % self._line.balks == self._line.balks - 1

    def _break_for(self, begin: bytes) -> Break | None:
        for one in self._line.breaks:
            if begin and one.words.startswith(begin[: len(one.words)]):
                self._line.breaks.remove(one)
                return one
        return None

    def acknowledge(self) -> None: ...

    def segment(self) -> int:
        return 0

    def keep_unsent(self, size: int) -> None: ...


class Records(Datagrams):
    """At the tracker: each datagram's bytes as a record over a connection of its sender, and real
    datagrams beside it. Needs a selector that can itself be selected (Linux).
    """

    places: ClassVar = dict[Address, Address]()  # where datagrams go to, and records

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.datagrams = 0  # that came as such
        self._listener = Listener(socket.create_server((self.address.host, 0)))
        self.places[self.address] = self._listener.address
        self._selector = selectors.EpollSelector()
        self._selector.register(sock, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._members = dict[tuple[str, int], Connection]()
        self._come = deque[tuple[bytes, tuple[str, int]]]()

    def fileno(self) -> int:
        return self._selector.fileno()

    def receive(self, most: int) -> tuple[bytes, tuple[str, int]] | None:
        for key, _ in self._selector.select(0):
            if key.fileobj is self._listener:
                connection = self._listener.accept()
                if connection is not None:
                    self._selector.register(connection, selectors.EVENT_READ)
                    self._members[connection.address] = connection
            elif isinstance(key.fileobj, Connection):
                self._hear(key.fileobj)
            else:
                datagram = super().receive(most)
                self.datagrams += 1
                if datagram is not None:
                    self._come.append(datagram)
        return self._come.popleft() if self._come else None

    def _hear(self, member: Connection) -> None:
        try:
            while (record := next_record(member)) is not None:
                self._come.append((record, member.address))
        except OSError:
            self._selector.unregister(member)
            self._members.pop(member.address).close()

    def send(self, datagram: bytes, to: tuple[str, int]) -> bool:
        if to not in self._members:
            return super().send(datagram, to)
        self._members[to].post(RECORD.pack(len(datagram)) + datagram)
        return True

    def close(self) -> None:
        for member in self._members.values():
            member.close()
        self._listener.close()
        self._selector.close()
        super().close()


class RecordChannel:
    """A member's end of it."""

    def __init__(self, tracker: Address) -> None:
        if tracker not in Records.places:
            raise ConnectionRefusedError("nobody listens there")
        self._connection = dialled(Records.places[tracker], NEVER)

    def send(self, message: bytes) -> None:
        self._connection.post(RECORD.pack(len(message)) + message)

    def receive(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while (rest_s := deadline - time.monotonic()) > 0:
            self._connection.flush()
            self._connection.limit(rest_s)
            record = next_record(self._connection)
            if record is not None:
                return record
        raise TimeoutError("no answer")

    def close(self) -> None:
        self._connection.close()


def next_record(connection: Connection) -> bytes | None:
    """None when it has not come in time. Raises ConnectionError when there will be none."""
    length = RECORD.size
    while True:
        head = connection.take(length)
        if head is not None and length == RECORD.size:
            connection.put_back(head)
            length += min(LONGEST, RECORD.unpack(head)[0])
        elif head is not None:
            return head[RECORD.size :]
        else:
            come = connection.read_ahead(length)
            if come is None:
                return None
            if not come:
                raise ConnectionResetError("it hung up")
