"""Binding the ports that others know, or the next free ones. It accepts and receives nothing."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterable

from roles.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    SEEDER_PORTS,
    TRACKER_PORTS,
    Address,
)
from roles.errors import StorageError

BACKLOG = 128
_ELSEWHERE = "192.0.2.1"  # an address of documents only (RFC 5737): reached by the default route
_ANY_PORT = 9  # connecting a datagram socket sends nothing
_TAKEN = {
    errno.EADDRINUSE,
    errno.EACCES,
}  # EACCES: Windows keeps ranges of ports for itself (10013)


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A listening socket on the wanted port, else on the next of SEEDER_PORTS.

    And "" or a sentence that says so.
    """
    return _bind(socket.SOCK_STREAM, wanted, () if exactly else SEEDER_PORTS)


def bind_udp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A datagram socket on the wanted port, else on the next of TRACKER_PORTS.

    And "" or a sentence that says so.
    """
    return _bind(socket.SOCK_DGRAM, wanted, () if exactly else TRACKER_PORTS)


def is_own_address(host: str) -> bool:
    """Whether this machine has that IPv4 address: only then can a socket be bound to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


def own_address_towards(host: str) -> str:
    """The address of this machine from which it reaches that one. Sends nothing.

    Raises OSError without a route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, _ANY_PORT))
        address: str = probe.getsockname()[0]
        return address


def address_for_others(listening: Address) -> Address:
    """What people type on other machines to reach a socket that listens there."""
    if listening.host != EVERY_INTERFACE:
        return listening
    try:
        return Address(own_address_towards(_ELSEWHERE), listening.port)
    except OSError:
        return Address(LOOPBACK, listening.port)


def _bind(
    kind: socket.SocketKind, wanted: Address, others: Iterable[int]
) -> tuple[socket.socket, str]:
    for port in dict.fromkeys((wanted.port, *others)):
        bound = _try_to_bind(kind, Address(wanted.host, port))
        if bound is not None:
            is_wanted = port == wanted.port
            note = f"Port {wanted.port} is in use, so this is on port {port}."
            return bound, "" if is_wanted else note
    raise StorageError(
        f"Port {wanted.port} is in use by another program. "
        "Stop that program or choose another port."
    )


def _try_to_bind(kind: socket.SocketKind, address: Address) -> socket.socket | None:
    """None when the port is taken.

    Raises StorageError for an address that is not this machine's.
    """
    bound = socket.socket(socket.AF_INET, kind)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        if kind == socket.SOCK_STREAM:
            bound.listen(BACKLOG)  # here, for only a listening socket keeps others off its port
    except OSError as error:
        bound.close()
        if error.errno in _TAKEN:
            return None
        raise StorageError(
            f"This computer cannot listen on {address} ({error.strerror or error}). "
            "Use 0.0.0.0 as the address."
        ) from None
    return bound
