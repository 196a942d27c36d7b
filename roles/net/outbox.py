"""What is said to a peer, from any thread: nobody ever waits for a peer that does not read.

What the system does not take at once is kept and goes out with the next words, or when the swarm
looks. It knows no frame.
"""

from __future__ import annotations

import select
import socket
import threading

MAX_KEPT = 256 * 1024  # bytes that a peer may leave unread, beyond what its system takes


class Outbox:
    """Its methods may be called from any thread, and raise OSError when the peer is gone."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock = threading.Lock()  # protects what is kept, and its order: no call waits there
        self._kept = bytearray()
        self._is_held = False

    @property
    def is_empty(self) -> bool:
        """Whether everything that was said is out."""
        return not self._kept

    def say(self, words: bytes) -> None:
        """One frame after another; raises TimeoutError when too much is kept."""
        with self._lock:
            self._kept += words
            if not self._is_held:
                self._send()
            self._check_kept()

    def say_later(self, words: bytes) -> None:
        """What has time until the next words, or until the swarm looks: it wakes nobody."""
        with self._lock:
            self._kept += words
            self._check_kept()

    def flush(self) -> None:
        """Send of what is kept as much as the system takes now."""
        with self._lock:
            self._send()

    def hold(self) -> None:
        """Keep all words until release(): the answers to several frames wake the peer once."""
        self._is_held = True

    def release(self) -> None:
        """Send what was held. Called before anything that waits."""
        if self._is_held:
            with self._lock:
                self._is_held = False
                self._send()

    def _check_kept(self) -> None:
        if len(self._kept) > MAX_KEPT:
            raise TimeoutError("it does not read what it is told")

    def _send(self) -> None:
        # With a timeout a socket's send() waits for room. Nobody else sends: what select() says
        # holds until then, and send() takes as much as there is room for.
        while self._kept and _has_room(self._link):
            del self._kept[: self._link.send(self._kept)]


def _has_room(link: socket.socket) -> bool:
    number = link.fileno()
    if number < 0:
        raise ConnectionAbortedError("the connection is closed")
    if not hasattr(select, "poll"):
        return bool(select.select((), (number,), (), 0)[1])
    poller = select.poll()
    poller.register(number, select.POLLOUT)
    return bool(poller.poll(0))
