"""Binding the ports that others know, or the next free ones. It accepts and receives nothing."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORTS, TRACKER_PORTS, Address
from roles.values.errors import ShortageError, StorageError
from roles.worker import failure_of

BoundT = TypeVar("BoundT")

BACKLOG = 128
TRIES = 20  # for any port: that it is free for datagrams says nothing of connections
_IS_WINDOWS = sys.platform == "win32"


_IN_USE = "is in use"
_RESERVED = "is kept by Windows, or by another program"  # ranges of ports, or by one alone
_PRIVILEGED = "needs the rights of an administrator"
_ADVICE = {
    _IN_USE: " by another program. Stop that program or choose another port.",
    _RESERVED: ". Choose another port.",
    _PRIVILEGED: ". Choose another port, from 1024 on.",
}


class _PortRefusedError(Exception):
    """Another port may be free; the text says why this one is not, after its number."""


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[socket.socket, str]:
    """A listening socket on the wanted port, else on one of SEEDER_PORTS and a note that says so.

    Raises StorageError when none is free.
    """
    return _first_free(
        wanted,
        () if exactly else SEEDER_PORTS,
        lambda address: _bound(socket.SOCK_STREAM, address),
    )


def bind_both(wanted: Address, *, exactly: bool) -> tuple[socket.socket, socket.socket, str]:
    """A datagram and a listening socket on one port number: the wanted, else of TRACKER_PORTS.

    Raises StorageError when there is no such pair.
    """
    pair, note = _first_free(wanted, () if exactly else TRACKER_PORTS, _bound_pair)
    return (*pair, note)


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


def _first_free(
    wanted: Address, others: Iterable[int], bind: Callable[[Address], BoundT]
) -> tuple[BoundT, str]:
    """What is bound to the wanted port, or to the first of the others that is free, and a note."""
    reason = ""
    for port in dict.fromkeys((wanted.port, *others)):
        try:
            bound = bind(Address(wanted.host, port))
        except _PortRefusedError as error:
            reason = reason or str(error)
            continue
        note = f"Port {wanted.port} {reason}, so this is on port {port}."
        return bound, note if reason else ""
    raise StorageError(f"Port {wanted.port} {reason}{_ADVICE[reason]}")


def _bound_pair(address: Address) -> tuple[socket.socket, socket.socket]:
    for _ in range(TRIES if address.port == 0 else 1):
        link = _bound(socket.SOCK_DGRAM, address)
        try:
            return link, _bound(socket.SOCK_STREAM, Address(address.host, _port_of(link)))
        except _PortRefusedError as error:
            refused = error
            link.close()
        except BaseException:
            link.close()
            raise
    raise refused


def _port_of(link: socket.socket) -> int:
    port: int = link.getsockname()[1]
    return port


def _bound(kind: socket.SocketKind, address: Address) -> socket.socket:
    """A bound socket. Raises _PortRefusedError, and StorageError for what no port would change."""
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
        raise _refusal(error, address) from None
    return bound


def _refusal(error: OSError, address: Address) -> _PortRefusedError | StorageError:
    """The reason in words that are true for this error."""
    if error.errno == errno.EADDRINUSE:
        return _PortRefusedError(_IN_USE)
    if error.errno == errno.EACCES:
        return _PortRefusedError(_RESERVED if _IS_WINDOWS else _PRIVILEGED)
    if isinstance(error, socket.gaierror):
        return StorageError(
            f"No address of this computer is called {address.host} ({error.strerror}). "
            f"Use {EVERY_INTERFACE} for all of them."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return StorageError(
            f"This computer cannot listen on {address}: {address.host} is not one of its "
            f"addresses. Use {EVERY_INTERFACE} for all of them."
        )
    failure = failure_of(error)
    if isinstance(failure, ShortageError):
        return failure
    return StorageError(f"This computer cannot listen on {address} ({error.strerror or error}).")
