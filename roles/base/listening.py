"""Binding the ports that others know, or the next free ones. It accepts and receives nothing."""

from __future__ import annotations

import errno
import socket
import sys

from roles.values.addresses import SEEDER_PORTS, TRACKER_PORTS, Address
from roles.values.errors import StorageError

BACKLOG = 128
TRIES = 20  # for any port: that it is free for datagrams says nothing of connections
_TAKEN = {errno.EADDRINUSE, errno.EACCES}  # EACCES: Windows keeps ranges of ports for itself


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A listening socket on the wanted port, else on one of SEEDER_PORTS and a note that says so.

    Raises StorageError when none is free.
    """
    for port in dict.fromkeys((wanted.port, *(() if exactly else SEEDER_PORTS))):
        bound = _try_to_bind(socket.SOCK_STREAM, Address(wanted.host, port))
        if bound is not None:
            return bound, "" if port == wanted.port else _note(wanted.port, port)
    raise _all_taken(wanted.port)


def bind_both(wanted: Address, *, exactly: bool) -> tuple[socket.socket, socket.socket, str]:
    """A datagram and a listening socket on one port number: the wanted, else of TRACKER_PORTS.

    Raises StorageError when there is no such pair.
    """
    for port in dict.fromkeys((wanted.port, *(() if exactly else TRACKER_PORTS))):
        pair = _try_to_bind_both(Address(wanted.host, port))
        if pair is not None:
            return (*pair, "" if port == wanted.port else _note(wanted.port, port))
    raise _all_taken(wanted.port)


def bound_beside(link: socket.socket, host: str) -> socket.socket | None:
    """A datagram socket at one address of this machine, beside one on its port for all of them.

    What is sent from `link` leaves from the address that the route has, and whoever asked another
    one never hears the answer. None where the system has no such sockets (Windows).
    """
    if sys.platform == "win32":
        return None
    beside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # Only for this moment: nobody else may share the port.
        for one in (link, beside):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        beside.bind((host, _port_of(link)))
    except OSError:  # the address went in this moment
        beside.close()
        return None
    finally:
        for one in (link, beside):
            if one.fileno() >= 0:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return beside


def _note(wanted: int, port: int) -> str:
    return f"Port {wanted} is in use, so this is on port {port}."


def _all_taken(wanted: int) -> StorageError:
    return StorageError(
        f"Port {wanted} is in use by another program. Stop that program or choose another port."
    )


def _try_to_bind_both(address: Address) -> tuple[socket.socket, socket.socket] | None:
    for _ in range(TRIES if address.port == 0 else 1):
        link = _try_to_bind(socket.SOCK_DGRAM, address)
        if link is None:
            return None
        try:
            listener = _try_to_bind(socket.SOCK_STREAM, Address(address.host, _port_of(link)))
        except StorageError:
            link.close()
            raise
        if listener is not None:
            return link, listener
        link.close()
    return None


def _port_of(link: socket.socket) -> int:
    port: int = link.getsockname()[1]
    return port


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
