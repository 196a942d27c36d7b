"""Binding the ports that others know, or the next free ones. It accepts and receives nothing."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterable

from roles.addresses import SEEDER_PORTS, TRACKER_PORTS, Address
from roles.errors import StorageError

BACKLOG = 128
_TAKEN = {errno.EADDRINUSE, errno.EACCES}  # EACCES: Windows keeps ranges of ports for itself


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A listening socket on the wanted port, else on one of SEEDER_PORTS and a note that says so.

    Raises StorageError when none is free.
    """
    return _bind(socket.SOCK_STREAM, wanted, () if exactly else SEEDER_PORTS)


def bind_udp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A datagram socket on the wanted port, else on one of TRACKER_PORTS and a note that says so.

    Raises StorageError when none is free.
    """
    return _bind(socket.SOCK_DGRAM, wanted, () if exactly else TRACKER_PORTS)


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
    """A bound socket, None when the port is taken.

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
