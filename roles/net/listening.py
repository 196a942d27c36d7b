"""Listens on the usual ports, or on the next free ones."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from roles.net import carrier
from roles.net.connection import Connection
from roles.net.datagrams import Datagrams
from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORTS, TRACKER_PORTS, Address
from roles.values.errors import AddressGoneError, ShortageError, StorageError
from roles.worker import failure_of

BoundT = TypeVar("BoundT")

BACKLOG = 128
TRIES = 20  # for any port, because one that is free for UDP may be taken for TCP
_IS_WINDOWS = sys.platform == "win32"


_IN_USE = "is in use"
_RESERVED = "is reserved by Windows or used by another program"  # ranges of ports, or by one alone
_PRIVILEGED = "needs the rights of an administrator"
_ADVICE = {
    _IN_USE: " by another program. Stop that program or choose another port.",
    _RESERVED: ". Choose another port.",
    _PRIVILEGED: ". Choose another port, from 1024 on.",
}


class _PortRefusedError(Exception):
    """Another port may be free. The text continues “Port N …”."""


class Listener:
    """A listening socket. Its calls never wait."""

    def __init__(self, sock: socket.socket) -> None:
        """close() closes the socket."""
        sock.setblocking(False)
        self._sock = sock
        self._has_ended = False
        self.address = Address(*sock.getsockname())

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """What selectors wait for; -1 after close()."""
        return self._sock.fileno()

    def accept(self) -> Connection | None:
        """The next waiting connection; None if there is none.

        Raises OSError or MemoryError if it hung up already, or if the system has nothing left.
        """
        if self._has_ended:
            return None
        try:
            sock, (host, port) = self._sock.accept()
        except BlockingIOError:
            return None
        try:
            return Connection(carrier.carrier_of(sock), Address(host, port))
        except (OSError, MemoryError):
            sock.close()
            raise

    def end(self) -> None:
        """Accept nobody any more, and wake the thread that waits, except on Windows. From any
        thread.
        """
        self._has_ended = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[Listener, str]:
    """Listen on the wanted port or, unless `exactly`, on a free one of SEEDER_PORTS, with a note
    that says so. Raises StorageError if none is free.
    """
    return _first_free(
        wanted,
        () if exactly else SEEDER_PORTS,
        lambda address: Listener(_bound(socket.SOCK_STREAM, address)),
    )


def bind_both(wanted: Address, *, exactly: bool) -> tuple[Datagrams, Listener, str]:
    """Like listen_tcp(), for UDP and TCP on the same port number, one of TRACKER_PORTS."""
    (datagrams, listener), note = _first_free(wanted, () if exactly else TRACKER_PORTS, _bound_pair)
    return Datagrams(datagrams), Listener(listener), note


def bound_beside(everywhere: Datagrams, host: str) -> Datagrams | None:
    """A second socket on the same port, for one address of this machine, or one of its broadcast
    addresses; None on Windows, or if the address is gone.

    What is sent from `everywhere` leaves from the address of the route; who asked another address
    would never get the answer. And a socket that is bound to one address hears no broadcasts,
    except on Windows.
    """
    if sys.platform == "win32":
        return None
    beside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # Only for a moment, so that no other program can share the port.
        for sock in (everywhere.sock, beside):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        beside.bind((host, everywhere.address.port))
    except OSError:  # the address is gone
        beside.close()
        return None
    finally:
        for sock in (everywhere.sock, beside):
            if sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return Datagrams(beside)


def _first_free(
    wanted: Address, others: Iterable[int], bind: Callable[[Address], BoundT]
) -> tuple[BoundT, str]:
    """What `bind` returns for the wanted port or the first free one of the others, and a note."""
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
        datagrams = _bound(socket.SOCK_DGRAM, address)
        try:
            return datagrams, _bound(
                socket.SOCK_STREAM, Address(address.host, datagrams.getsockname()[1])
            )
        except _PortRefusedError as error:
            refused = error
            datagrams.close()
        except BaseException:
            datagrams.close()
            raise
    raise refused


def _bound(kind: socket.SocketKind, address: Address) -> socket.socket:
    """Raises _PortRefusedError, and StorageError if no other port would help."""
    bound = socket.socket(socket.AF_INET, kind)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        if kind == socket.SOCK_STREAM:
            bound.listen(BACKLOG)  # at once: only a listening socket keeps others off its port
    except OSError as error:
        bound.close()
        raise _refusal(error, address) from None
    return bound


def _refusal(error: OSError, address: Address) -> _PortRefusedError | StorageError:
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
        return AddressGoneError(
            f"This computer cannot listen on {address}: {address.host} is not one of its "
            f"addresses. Use {EVERY_INTERFACE} for all of them."
        )
    failure = failure_of(error)
    if isinstance(failure, ShortageError):
        return failure
    return StorageError(f"This computer cannot listen on {address} ({error.strerror or error}).")
