"""All open TCP connections of this program, so that those of a lost address can be closed.

A connection whose own address has gone does not fail: it hangs until a timeout.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
import weakref
from collections.abc import Iterable

_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # struct linger

_lock = threading.Lock()  # protects the two below: lines, no I/O
# For the whole process, like the addresses of the machine. When each one was opened:
_open = weakref.WeakKeyDictionary[socket.socket, float]()
_ended = weakref.WeakSet[socket.socket]()


def noted(link: socket.socket) -> socket.socket:
    """The same connection, remembered until it is closed."""
    with _lock:
        _open[link] = time.monotonic()
    return link


def hang_up(hosts: Iterable[str] | None, *, before: float = float("inf")) -> int:
    """Close the connections from or to these addresses of this machine, None for all; how many.

    Only those that were opened `before` this time of time.monotonic(). Threads that wait for one
    wake with an error or the end of the stream.
    """
    with _lock:
        links = [link for link, opened in _open.items() if opened < before]
    gone, ended = frozenset(hosts or ()), 0
    for link in links:
        with contextlib.suppress(OSError):  # it is closed, or was refused at this moment
            if hosts is None or gone & {link.getsockname()[0], _other_end(link)}:
                with _lock:
                    _ended.add(link)
                if gone:  # unsent data cannot arrive: have the system discard it
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                link.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def was_hung_up(link: socket.socket) -> bool:
    """Whether hang_up() closed it, so that its end says nothing about the other side."""
    with _lock:
        return link in _ended


def _other_end(link: socket.socket) -> str:
    try:
        host: str = link.getpeername()[0]
    except OSError:  # the handshake has not ended
        return ""
    return host
