"""How a thread waits for a connection and for other threads at once."""

from __future__ import annotations

import contextlib
import selectors
import socket

from roles.net.connection import Connection


class Waiting:
    """For one thread, except wake()."""

    def __init__(self) -> None:
        """Raises OSError if no descriptor is left."""
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        try:
            self._selector = selectors.DefaultSelector()
        except OSError:
            self._woken.close()
            self._waker.close()
            raise
        self._selector.register(self._woken, selectors.EVENT_READ)

    def watch(self, connection: Connection) -> None:
        self._connection = connection
        self._selector.register(connection, selectors.EVENT_READ)

    def wake(self, word: bytes = b"\0") -> None:
        """From any thread; never waits."""
        with contextlib.suppress(OSError):  # full: it is awake already
            self._waker.send(word)

    def wait(self, timeout_s: float) -> tuple[bool, bytes]:
        """Whether the connection has something to receive, and the bytes passed to wake()."""
        is_ready = self._connection.pending > 0
        words = b""
        for key, _ in self._selector.select(0 if is_ready else timeout_s):
            if key.fileobj is self._woken:
                with contextlib.suppress(BlockingIOError):
                    words = self._woken.recv(1_024)
            else:
                is_ready = True
        return is_ready, words

    def close(self) -> None:
        self._selector.close()
        self._woken.close()
        self._waker.close()
