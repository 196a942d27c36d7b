"""What moves the bytes of one connection: a TCP socket. TlsCarrier encrypts them.

Only this module knows what only a plain socket can do: sendfile, MSG_MORE, SO_RCVLOWAT and waiting
in the system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import sys
from typing import TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview

_IS_LINUX = sys.platform == "linux"
_MORE = int(getattr(socket, "MSG_MORE", 0))  # as enum members, they would cost 1 µs in each call
_NO_WAIT = int(getattr(socket, "MSG_DONTWAIT", 0))
_NO_TIME = (TimeoutError, BlockingIOError)  # nothing moved in time; the second on Linux
_DISCARD = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # struct linger
# sendfile's errors for a file system or a socket that it does not support.
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTSOCK}


class Carrier:
    """A TCP socket. Another carrier derives from this class and overrides what it does differently.

    One thread receives; its user makes sure that only one sends at a time. Whatever moves bytes
    raises OSError and waits no longer than limit() allows.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Nothing waits before limit() allows it. close() closes the socket."""
        self.sock = sock
        self._wakes_at = 1  # SO_RCVLOWAT
        self.limit(0)
        with contextlib.suppress(OSError):  # macOS, if the other side has closed already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def pending(self) -> int:
        """Received bytes that are kept here, for which fileno() does not become ready."""
        return 0

    def fileno(self) -> int:
        """What to wait for; -1 after close()."""
        return self.sock.fileno()

    def hosts(self) -> tuple[str, ...]:
        """The addresses of this end and, once connected, of the other one."""
        own: str = self.sock.getsockname()[0]
        try:
            return own, self.sock.getpeername()[0]
        except OSError:
            return (own,)

    def limit(self, timeout_s: float) -> None:
        """Wait no longer than this for bytes or for room; 0: never wait."""
        self.timeout_s = timeout_s
        self.sock.settimeout(timeout_s)
        if _IS_LINUX and timeout_s:
            # Python polls before each call of a socket with a timeout. The system's own timers save
            # that call, and a thread that sends much wakes once per call, not a dozen times.
            microseconds = max(1, round(timeout_s * 1e6))  # 0 would mean for ever
            timeout = struct.pack("@ll", *divmod(microseconds, 1_000_000))
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
            self.sock.settimeout(None)

    def receive_into(self, target: memoryview, at_least: int = 1) -> int | None:
        """How many bytes came, 0 at the end; None if none came in time.

        `at_least`: a hint: the thread need not wake for fewer bytes than that. After None, fewer
        may be there.
        """
        flags = 0
        if at_least != self._wakes_at:
            self._wake_at(at_least)
        if _IS_LINUX and at_least > 1:
            # A recv() that waits would take what is there and then wait for as many bytes again.
            if not self._is_ready(select.POLLIN, self.timeout_s):
                return None
            flags = _NO_WAIT
        try:
            return self.sock.recv_into(target, 0, flags)
        except _NO_TIME:
            return None

    def send(self, data: Bytes, *, more: bool = False, waits: bool = True) -> int:
        """How many of these bytes went out; 0 if there was no room in time. After 0, the next call
        must bring the same bytes again.

        `more`: more bytes follow at once. `waits`: False to send only what there is room for now.
        """
        flags = _MORE if more else 0
        if not waits:
            # Elsewhere Python itself would wait for room. Nobody else sends, so room stays.
            if not (_IS_LINUX or self._has_room(0)):
                return 0
            flags |= _NO_WAIT
        try:
            return self.sock.send(data, flags)
        except _NO_TIME:
            return 0

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:
        """Like send(), from an open file; None if that is not possible: then read it and send().

        Raises EOFError if the file ends before `offset`.
        """
        if not hasattr(os, "sendfile"):
            return None
        while True:
            try:
                sent = os.sendfile(self.sock.fileno(), descriptor, offset, length)
            except BlockingIOError:
                if _IS_LINUX or not self._has_room(self.timeout_s):
                    return 0
            except OSError as error:
                if error.errno in _NO_SENDFILE:
                    return None
                raise
            else:
                if not sent:
                    raise EOFError("the file is shorter than that")
                return sent

    def acknowledge(self) -> None:
        """A hint: the sender waits for the system's acknowledgement."""
        if sys.platform == "linux":
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def segment(self) -> int:
        """The longest segment that it sends, in bytes; 0 if unknown."""
        if sys.platform == "win32":
            return 0
        return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    def keep_unsent(self, size: int) -> None:
        """A hint: how many bytes may wait in the system before they are sent."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def end_sending(self) -> None:
        """Tell the other side that no more follows."""
        self.sock.shutdown(socket.SHUT_WR)

    def hang_up(self, *, discard: bool = False) -> None:
        """End it, from any thread. Wakes the thread that waits for it, except on Windows.

        `discard`: what was sent cannot arrive any more.
        """
        if discard:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.sock.close()

    def _wake_at(self, count: int) -> None:
        """Waking a thread for every packet is most of what it costs to receive from many slow
        connections.
        """
        self._wakes_at = count
        if sys.platform != "win32":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _has_room(self, timeout_s: float) -> bool:
        if hasattr(select, "poll"):
            return self._is_ready(select.POLLOUT, timeout_s)
        # Windows reports a refused connection in the third list only.
        number = self._number()
        return any(select.select((), (number,), (number,), timeout_s))

    def _is_ready(self, event: int, timeout_s: float) -> bool:
        poller = select.poll()
        poller.register(self._number(), event)
        return bool(poller.poll(timeout_s * 1000))

    def _number(self) -> int:
        number = self.sock.fileno()
        if number < 0:
            raise ConnectionAbortedError("the connection is closed")
        return number


def carrier_of(sock: socket.socket) -> Carrier:
    """What carries each connection at its start."""
    return Carrier(sock)
