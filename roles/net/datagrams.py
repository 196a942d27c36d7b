"""Messages between a member and its tracker, a datagram each.

Whoever sends and takes them knows no socket: in a room that carries them over connections another
Talk, and at the tracker another Datagrams, stands here.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from roles.values.addresses import Address

LONGEST = 65_535  # bytes: no datagram is longer
BUFFER = 512 * 1024  # bytes at a tracker, each way; most systems allow a little less


class Talk(Protocol):
    """With one tracker. Owned by one thread. What it says may be lost."""

    def send(self, message: bytes) -> None:
        """Raises OSError, ConnectionError when nobody listens there."""

    def receive(self, timeout_s: float) -> bytes:
        """The next message of this tracker. Raises OSError, TimeoutError when none comes."""

    def close(self) -> None: ...


class DatagramTalk:
    """A socket of its own, to which the system hands this tracker's datagrams only."""

    def __init__(self, tracker: Address) -> None:
        """Raises OSError."""
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.connect(tracker)
        except OSError:
            self._sock.close()
            raise

    def send(self, message: bytes) -> None:
        self._sock.send(message)

    def receive(self, timeout_s: float) -> bytes:
        self._sock.settimeout(timeout_s)
        return self._sock.recv(LONGEST)

    def close(self) -> None:
        self._sock.close()


# How members of the room talk to their tracker.
talk_with: Callable[[Address], Talk] = DatagramTalk


class Datagrams:
    """A bound socket that hears everybody. Its calls never wait."""

    def __init__(self, sock: socket.socket) -> None:
        """The socket is closed with it."""
        self.sock = sock
        sock.setblocking(False)
        self.address = Address(*sock.getsockname())

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For selectors, -1 when it is closed."""
        return self.sock.fileno()

    def expect_many(self) -> None:
        """Have the system keep more than usual, each way."""
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, buffer, BUFFER)

    def receive(self, most: int) -> tuple[bytes, tuple[str, int]] | None:
        """A datagram, `most` bytes of it, and where it came from; None when there is none.

        Raises OSError: Windows says here that an earlier one found nobody, or that it was longer.
        """
        try:
            datagram, source = self.sock.recvfrom(most)
        except BlockingIOError:
            return None
        return datagram, source

    def send(self, datagram: bytes, to: tuple[str, int]) -> bool:
        """False when the system has no room for it now. Raises OSError."""
        try:
            self.sock.sendto(datagram, to)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self.sock.close()


def broadcasting(source: str) -> Datagrams:
    """From any port of this own address; it may send to everyone in a network. Raises OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return Datagrams(sock)
