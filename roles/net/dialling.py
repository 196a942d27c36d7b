"""Connects to another program, with deadlines."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import sys
import threading
import time

from roles.net import carrier
from roles.net.connection import Connection
from roles.net.name_lookup import looked_up
from roles.values.addresses import Address, may_dial
from roles.values.errors import PeerProtocolError
from roles.worker import POLL_S

CONNECT_S = 5.0
MAX_ADDRESSES = 4  # of one host
STOPPING_CONNECT_S = 0.5  # a handshake on a LAN takes milliseconds

_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)} - {0}

if sys.platform == "win32":
    import ctypes

    def _error_of(fault: int) -> OSError:
        return ctypes.WinError(fault)  # strerror does not know the errors of sockets there

else:

    def _error_of(fault: int) -> OSError:
        return OSError(fault, os.strerror(fault))


def dialled(peer: Address, stopping: threading.Event, *, is_chosen: bool = False) -> Connection:
    """A connection to the first address of the host that accepts one.

    `is_chosen`: the user named this address, or chose the tracker there. All other addresses come
    from strangers, and are refused with PeerProtocolError if another service may listen there.
    Raises OSError, and TimeoutError after 5 s.
    """
    fault: OSError | PeerProtocolError | None = None
    for address in looked_up(peer, stopping)[:MAX_ADDRESSES]:
        # Loopback as a number was checked where it was named; the address behind a name was not.
        is_number = address == peer
        if not (is_chosen or may_dial(address, is_namer_here=is_number)):
            fault = PeerProtocolError(f"{address} is not where a program of ours may listen")
            continue
        try:
            return _connected(address, stopping)
        except OSError as error:
            fault = error
            if stopping.is_set():
                break
    assert fault is not None  # a host has at least one address
    raise fault


def begun(address: Address) -> tuple[Connection, int]:
    """A connection being made, and the error number if the system refuses it at once, else 0.

    Raises OSError if no descriptor is left.
    """
    sock, connection = _opened(address)
    try:
        fault = sock.connect_ex(address)
    except OSError:
        fault = errno.EHOSTUNREACH
    return connection, 0 if fault in _UNDER_WAY else fault


def _opened(address: Address) -> tuple[socket.socket, Connection]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    return sock, Connection(carrier.carrier_of(sock), address)


def _connected(address: Address, stopping: threading.Event) -> Connection:
    sock, connection = _opened(address)
    try:
        fault = sock.connect_ex(address)
        if fault in _UNDER_WAY:
            _wait_for_handshake(sock, stopping)
            fault = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if fault:
            raise _error_of(fault)
        connection.limit(POLL_S)
    except BaseException:
        connection.close()
        raise
    return connection


def _wait_for_handshake(sock: socket.socket, stopping: threading.Event) -> None:
    """Wait until the connection is made or refused. Raises TimeoutError.

    Does not stop at once, because an original would see a connection that closes, and crash.
    """
    begun_at = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while not selector.select(POLL_S):
            patience_s = STOPPING_CONNECT_S if stopping.is_set() else CONNECT_S
            if time.monotonic() - begun_at > patience_s:
                raise TimeoutError(f"it did not answer within {CONNECT_S:.0f} s")
