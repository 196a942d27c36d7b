"""How a thread waits for a connection and for other threads at once."""

from __future__ import annotations

import contextlib
import selectors
import socket

from roles.net.connection import Connection


class Waiting:
    """For one thread, except wake()."""

    def __init__(self, connection: Connection) -> None:
        """The connection stays the caller's to close. Raises OSError when no descriptor is left."""
        self._connection = connection
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        with contextlib.ExitStack() as opened:
            opened.callback(self._woken.close)
            opened.callback(self._waker.close)
            self._selector = opened.enter_context(selectors.DefaultSelector())
            self._selector.register(self._woken, selectors.EVENT_READ)
            self._selector.register(connection, selectors.EVENT_READ)
            self._opened = opened.pop_all()

    def wake(self, word: bytes = b"\0") -> None:
        """End the wait. Any thread may call it; it never waits."""
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
        self._opened.close()
