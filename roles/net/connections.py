"""Every TCP connection of this program, so that those of an address that is gone can be ended.

A connection whose own address has vanished does not fail: it hangs until somebody's patience ends.
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
# The machine's addresses are the whole process's affair. When each was opened:
_open = weakref.WeakKeyDictionary[socket.socket, float]()
_ended = weakref.WeakSet[socket.socket]()


def noted(link: socket.socket) -> socket.socket:
    """The same connection, remembered until it is closed."""
    with _lock:
        _open[link] = time.monotonic()
    return link


def hang_up(hosts: Iterable[str] | None, *, before: float = float("inf")) -> int:
    """End the connections from or to these addresses of this machine, None for all; how many.

    Only those that were opened before this time of time.monotonic(). Whoever waits for one wakes
    with an error or an end, in any thread.
    """
    with _lock:
        links = [link for link, opened in _open.items() if opened < before]
    gone, ended = frozenset(hosts or ()), 0
    for link in links:
        with contextlib.suppress(OSError):  # it is closed, or was refused at this moment
            if hosts is None or gone & {link.getsockname()[0], _other_end(link)}:
                with _lock:
                    _ended.add(link)
                if gone:  # what is still to be sent goes nowhere: let the system forget it
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                link.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def was_hung_up(link: socket.socket) -> bool:
    """Whether hang_up() ended it: its end says nothing of the other side."""
    with _lock:
        return link in _ended


def _other_end(link: socket.socket) -> str:
    try:
        host: str = link.getpeername()[0]
    except OSError:  # the handshake has not ended
        return ""
    return host
