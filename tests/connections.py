"""Connections of the program over sockets that a test has made."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from roles.net import carrier
from roles.net.connection import Connection
from roles.values.addresses import LOOPBACK, Address


def over(sock: socket.socket, address: Address | None = None) -> Connection:
    """A connection that this socket carries, to whoever is there or seems to be."""
    return Connection(carrier.carrier_of(sock), address or Address(LOOPBACK, 12501))


@contextlib.contextmanager
def tcp_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection over loopback."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        first = socket.create_connection(listener.getsockname())
        second, _ = listener.accept()
    with first, second:
        yield first, second
