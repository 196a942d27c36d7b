"""Listening at the ports that others know, or at the next free ones."""

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


class Listener:
    """A listening socket. Its calls never wait, nor do its connections until they are told to."""

    def __init__(self, sock: socket.socket) -> None:
        """The socket is closed with it."""
        sock.setblocking(False)
        self._sock = sock
        self._has_ended = False
        self.address = Address(*sock.getsockname())

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For selectors, -1 when it is closed."""
        return self._sock.fileno()

    def accept(self) -> Connection | None:
        """The next connection that waits, None if there is none.

        Raises OSError, MemoryError: it hung up before we looked, or nothing is left for it.
        """
        if self._has_ended:
            return None
        try:
            sock, (host, port) = self._sock.accept()
        except BlockingIOError:
            return None
        try:
            return Connection(carrier.carrier_of(sock, server_side=True), Address(host, port))
        except (OSError, MemoryError):
            sock.close()
            raise

    def end(self) -> None:
        """Accept nobody any more, and wake the thread that waits for somebody. From any thread.

        Where the system does not wake it (Windows), it looks up by itself.
        """
        self._has_ended = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()


def listen_tcp(wanted: Address, *, exactly: bool) -> tuple[Listener, str]:
    """Listen on the wanted port, else on one of SEEDER_PORTS and a note that says so.

    Raises StorageError when none is free.
    """
    return _first_free(
        wanted,
        () if exactly else SEEDER_PORTS,
        lambda address: Listener(_bound(socket.SOCK_STREAM, address)),
    )


def bind_both(wanted: Address, *, exactly: bool) -> tuple[Datagrams, Listener, str]:
    """Both on one port number: the wanted, else of TRACKER_PORTS.

    Raises StorageError when there is no such pair.
    """
    (datagrams, listener), note = _first_free(wanted, () if exactly else TRACKER_PORTS, _bound_pair)
    return Datagrams(datagrams), Listener(listener), note


def bound_beside(everywhere: Datagrams, host: str) -> Datagrams | None:
    """The same at one address of this machine, beside those on its port for all of them.

    What is sent from `everywhere` leaves from the address that the route has, and whoever asked
    another one never hears the answer. None where the system has no such sockets (Windows).
    """
    if sys.platform == "win32":
        return None
    beside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # Only for this moment: nobody else may share the port.
        for one in (everywhere.sock, beside):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        beside.bind((host, everywhere.address.port))
    except OSError:  # the address went in this moment
        beside.close()
        return None
    finally:
        for one in (everywhere.sock, beside):
            if one.fileno() >= 0:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return Datagrams(beside)


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
