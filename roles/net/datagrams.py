"""Messages between a member and its tracker, one datagram each.

A private room carries the same messages as records over connections: see RecordChannel.
"""

from __future__ import annotations

import socket

from roles.values.addresses import Address

LONGEST = 65_535  # bytes: no datagram is longer
BUFFER = 512 * 1024  # bytes at a tracker, each way; most systems allow a little less


class DatagramChannel:
    """Messages with one tracker, which may be lost. For one thread.

    A socket of its own, to which the system delivers datagrams of this tracker only.
    """

    def __init__(self, tracker: Address) -> None:
        """Raises OSError."""
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.connect(tracker)
        except OSError:
            self._sock.close()
            raise

    def send(self, message: bytes) -> None:
        """Raises OSError; ConnectionError if nobody listens there."""
        self._sock.send(message)

    def receive(self, timeout_s: float) -> bytes:
        """The tracker's next message. Raises OSError; TimeoutError if none comes."""
        self._sock.settimeout(timeout_s)
        return self._sock.recv(LONGEST)

    def close(self) -> None:
        self._sock.close()


class Datagrams:
    """A bound socket that receives from everyone. Its calls never wait."""

    def __init__(self, sock: socket.socket) -> None:
        """close() closes the socket."""
        self.sock = sock
        sock.setblocking(False)
        self.address = Address(*sock.getsockname())

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """What selectors wait for; -1 after close()."""
        return self.sock.fileno()

    def expect_many(self) -> None:
        """Enlarge the system's buffers."""
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, buffer, BUFFER)

    def receive(self, most: int) -> tuple[bytes, tuple[str, int]] | None:
        """A datagram, cut to `most` bytes, and its source; None if there is none.

        Raises OSError: on Windows also if an earlier datagram found nobody, or if this one is
        longer.
        """
        try:
            datagram, source = self.sock.recvfrom(most)
        except BlockingIOError:
            return None
        return datagram, source

    def send(self, datagram: bytes, to: tuple[str, int]) -> bool:
        """False if the system has no room for it now. Raises OSError."""
        try:
            self.sock.sendto(datagram, to)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self.sock.close()


def broadcasting(source: str) -> Datagrams:
    """Bound to any port of this own address, and allowed to broadcast. Raises OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return Datagrams(sock)
