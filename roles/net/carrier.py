"""What moves the bytes of one connection: a TCP socket as it is, or later one with a cipher.

Whatever only a plain socket can do is known here and nowhere above: sendfile, MSG_MORE, SO_RCVLOWAT
and waiting in the system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Protocol, TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview

_MORE = getattr(socket, "MSG_MORE", 0)  # it goes into one packet with what follows
_NO_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
_NO_TIME = (TimeoutError, BlockingIOError)  # that nothing moved in time; the second on Linux
_DISCARD = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # struct linger
# What sendfile says of a file system or a socket that it cannot serve.
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTSOCK}


class Carrier(Protocol):
    """One thread receives. Whoever sends has made sure that nobody else does.

    Whatever moves bytes raises OSError, and waits no longer than limit() says.
    """

    @property
    def pending(self) -> int:
        """Bytes that have come and are kept here: receive_into() has them at once, though nothing
        can be read at fileno().
        """

    def fileno(self) -> int:
        """What to wait at; -1 when it is closed."""

    def hosts(self) -> tuple[str, ...]:
        """The addresses of this end and, once it is connected, of the other one."""

    def limit(self, timeout_s: float, *, in_system: bool = False) -> None:
        """Wait no longer than this for bytes or room, 0 for not at all.

        `in_system`: by the system's own timer where there is one: a thread that sends much is then
        woken once for each call, and not a dozen times.
        """

    def receive_into(self, target: memoryview) -> int | None:
        """How many bytes came, 0 at the end; None when none came in time."""

    def send(self, data: Bytes, *, more: bool = False, waits: bool = True) -> int:
        """How many of these bytes went out; 0 when there was no room in time: then the next call
        gets the same bytes again.

        `more` of them follow at once. Without `waits` it takes what there is room for now.
        """

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:
        """As send(), from an open file; None when it cannot: read and send. Raises EOFError when
        the file ends before `offset`.
        """

    def wake_at(self, count: int) -> None:
        """A hint: who waits for bytes need not wake for fewer."""

    def acknowledge(self) -> None:
        """A hint: who sent waits for the system's confirmation."""

    def segment(self) -> int:
        """The longest piece in which it sends, in bytes; 0 when that is not known."""

    def keep_unsent(self, size: int) -> None:
        """A hint: so many bytes may wait in the system until they are out."""

    def end_sending(self) -> None:
        """Tell the other side that no more follows."""

    def hang_up(self, *, discard: bool = False) -> None:
        """End it from any thread: whoever waits for it wakes, but not on Windows.

        `discard`: what was sent cannot arrive any more.
        """

    def close(self) -> None: ...


class PlainCarrier:
    """A TCP socket."""

    pending = 0  # the system keeps all

    def __init__(self, sock: socket.socket) -> None:
        """The socket is closed with it."""
        self._sock = sock
        with contextlib.suppress(OSError):  # the other side has closed already, says macOS
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._sock.fileno()

    def hosts(self) -> tuple[str, ...]:
        own: str = self._sock.getsockname()[0]
        try:
            return own, self._sock.getpeername()[0]
        except OSError:  # the handshake has not ended
            return (own,)

    def limit(self, timeout_s: float, *, in_system: bool = False) -> None:
        self._sock.settimeout(timeout_s)
        if in_system and sys.platform == "linux":
            timeout = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
            self._sock.settimeout(None)

    def receive_into(self, target: memoryview) -> int | None:
        try:
            return self._sock.recv_into(target)
        except _NO_TIME:
            return None

    def send(self, data: Bytes, *, more: bool = False, waits: bool = True) -> int:
        flags = _MORE if more else 0
        if not waits:
            # With a timeout a socket's send() waits for room. Nobody else sends: what poll() says
            # holds until then, and send() takes as much as there is room for.
            if not self._has_room(0.0):
                return 0
            flags |= _NO_WAIT
        try:
            return self._sock.send(data, flags)
        except _NO_TIME:
            return 0

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:
        if not hasattr(os, "sendfile"):
            return None
        while True:
            try:
                sent = os.sendfile(self._sock.fileno(), descriptor, offset, length)
            except BlockingIOError:
                # Without a timeout in Python it has waited already, as long as the system was told.
                if not self._has_room(self._sock.gettimeout() or 0.0):
                    return 0
            except OSError as error:
                if error.errno in _NO_SENDFILE:
                    return None
                raise
            else:
                if not sent:
                    raise EOFError("the file is shorter than that")
                return sent

    def _has_room(self, within_s: float) -> bool:
        number = self._sock.fileno()
        if number < 0:
            raise ConnectionAbortedError("the connection is closed")
        if not hasattr(select, "poll"):
            # Windows tells of a connection that was refused by the third list alone.
            return any(select.select((), (number,), (number,), within_s))
        poller = select.poll()
        poller.register(number, select.POLLOUT)
        return bool(poller.poll(within_s * 1000))

    def wake_at(self, count: int) -> None:
        if sys.platform != "win32":  # not known there
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def acknowledge(self) -> None:
        if sys.platform == "linux":
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def segment(self) -> int:
        if sys.platform == "win32":  # it does not tell
            return 0
        return self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    def keep_unsent(self, size: int) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def end_sending(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def hang_up(self, *, discard: bool = False) -> None:
        if discard:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()


# What all connections of the program are carried by.
carrier_of: Callable[[socket.socket], Carrier] = PlainCarrier
