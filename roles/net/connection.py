"""One TCP connection of the program, whatever carries its bytes.

All that are open are known here: one whose own address has gone does not fail, it hangs until a
timeout, so end_connections() ends those of a lost address.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable

from roles.net.carrier import Bytes, Carrier
from roles.values.addresses import Address

MAX_QUEUED = 256 * 1024  # bytes that the other side may leave unread, beyond what its system takes
READ_AHEAD = 16 * 1024  # bytes: what frames are read from, and what of a chunk comes with them

_lock = threading.Lock()  # protects the table: lines, no I/O
# For the whole process, like the addresses of the machine. When each one was opened:
_open = weakref.WeakKeyDictionary["Connection", float]()


class Connection:
    """Its own thread receives, and sends with methods that wait. post() and its kin wait for
    nobody and may be called by any thread; a connection uses those or the others.
    """

    def __init__(self, carrier: Carrier, address: Address) -> None:
        """`address`: of the other end. The carrier is closed with it."""
        self.address = address
        self.was_hung_up = False  # by end_connections(): it says nothing about the other side
        self._carrier = carrier
        self._ahead = bytearray()  # what has come and was not asked for yet: from _start to _end
        self._view = memoryview(self._ahead)
        self._start = self._end = 0
        self._woken_at = 1
        self._lock = threading.Lock()  # protects the queue, and its order: no call waits there
        self._queue = bytearray()
        self._is_held = False
        with _lock:
            _open[self] = time.monotonic()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For selectors, -1 when it is closed. Look at `pending` before waiting there."""
        return self._carrier.fileno()

    def limit(self, timeout_s: float) -> None:
        """Wait no longer than this for bytes or for room; 0: never wait."""
        self._carrier.limit(timeout_s)

    def end_sending(self) -> None:
        """Tell the other side that no more follows. Raises OSError."""
        self._carrier.end_sending()

    def hang_up(self) -> None:
        """End it, from any thread; its own thread finds out and closes it."""
        with contextlib.suppress(OSError):  # the other side was faster
            self._carrier.hang_up()

    def close(self, last_words: bytes = b"") -> None:
        """Say these, if the system takes them at once, and close."""
        if last_words:
            with contextlib.suppress(OSError):  # it hung up first
                self.post(last_words)
        self._carrier.close()

    # Receiving

    @property
    def pending(self) -> int:
        """Bytes that are here already."""
        return self._end - self._start + self._carrier.pending

    @property
    def ahead(self) -> int:
        """Bytes that came along with what was asked for."""
        return self._end - self._start

    def receive(self, most: int) -> bytes | None:
        """Some bytes, b"" at the end; None when none came in time. Raises OSError."""
        target = memoryview(bytearray(most))
        count = self.receive_into(target)
        return None if count is None else bytes(target[:count])

    def receive_into(self, target: memoryview) -> int | None:
        """How many bytes came, 0 at the end; None when none came in time. Raises OSError."""
        return self.take_ahead(target) or self._carrier.receive_into(target)

    def take_ahead(self, target: memoryview) -> int:
        """Of what is here without receiving; how many bytes that was."""
        count = min(len(target), self._end - self._start)
        if count:
            target[:count] = self._view[self._start : self._start + count]
            self._start += count
        return count

    def take(self, count: int) -> bytes | None:
        """The next `count` bytes, None while not all are here: read_ahead() gets more."""
        start, end = self._start, self._start + count
        if end > self._end:
            return None
        self._start = end
        return bytes(self._view[start:end])

    def read_ahead(self, count: int) -> int | None:
        """Receive some of the next `count` bytes, and what comes along; as receive_into()."""
        self._make_room(count)
        received = self._carrier.receive_into(self._view[self._end : max(count, READ_AHEAD)])
        self._end += received or 0
        return received

    def put_back(self, data: bytes) -> None:
        """What was received and belongs to whoever receives next."""
        if data:
            data += bytes(self._view[self._start : self._end])
            self._start = self._end = 0
            self._make_room(len(data))
            self._view[: len(data)], self._end = data, len(data)

    def _make_room(self, count: int) -> None:
        """For so many bytes, those that are here included."""
        rest = bytes(self._view[self._start : self._end])
        if len(self._ahead) < count or not self._ahead:
            self._ahead = bytearray(max(count, READ_AHEAD))
            self._view = memoryview(self._ahead)
        self._view[: len(rest)] = rest
        self._start, self._end = 0, len(rest)

    def wake_at(self, count: int) -> None:
        """Have the system wake the thread for so many bytes and no fewer, if it can.

        Else it would be woken for every packet: most of what it costs to receive from many over
        slow lines.
        """
        if count != self._woken_at:
            self._woken_at = count
            self._carrier.wake_at(count)

    @property
    def wakes_at_once(self) -> bool:
        """Whether a single byte wakes the thread."""
        return self._woken_at == 1

    def acknowledge(self) -> None:
        """Have the system confirm at once what has come, if it can."""
        self._carrier.acknowledge()

    # Sending, by its own thread

    def send(self, data: Bytes) -> int:
        """How many of these bytes went out, 0 when there was no room in time. Raises OSError."""
        return self._carrier.send(data)

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:
        """As send(), from an open file; None when the carrier cannot. Raises EOFError when the
        file ends before `offset`.
        """
        return self._carrier.send_file(descriptor, offset, length)

    def send_all(self, data: bytes, *, within_s: float, more: bool = False) -> None:
        """All of it, behind what was queued. Raises OSError, TimeoutError.

        `more`: it may go into one packet with what follows.
        """
        if self._queue:
            with self._lock:
                data, self._queue = bytes(self._queue) + data, bytearray()
        send_all(len(data), lambda sent: self._carrier.send(data[sent:], more=more), within_s)

    # Sending by any thread, without waiting

    @property
    def queued(self) -> int:
        """Bytes that are not out yet."""
        return len(self._queue)

    def post(self, data: bytes) -> None:
        """Send it as far as the other side takes it, the rest with the next words or flush().

        Raises OSError, TimeoutError when too much of it waits.
        """
        with self._lock:
            self._queue += data
            if not self._is_held:
                self._send_queue()
            self._check_queue()

    def queue(self, data: bytes) -> None:
        """Send it ahead of the next words, or with flush(): it wakes nobody."""
        with self._lock:
            self._queue += data
            self._check_queue()

    def flush(self) -> None:
        """Send of what is queued as much as the system takes now."""
        with self._lock:
            self._send_queue()

    def hold(self) -> None:
        """Queue all words until release(): the answers to several frames wake the peer once."""
        self._is_held = True

    def release(self) -> None:
        """Send what was held. Called before anything that waits."""
        if self._is_held:
            with self._lock:
                self._is_held = False
                self._send_queue()

    def _check_queue(self) -> None:
        if len(self._queue) > MAX_QUEUED:
            raise TimeoutError("it does not read what it is told")

    def _send_queue(self) -> None:
        while self._queue and (sent := self._carrier.send(self._queue, waits=False)):
            del self._queue[:sent]

    # For its like in this package

    @property
    def carrier(self) -> Carrier:
        return self._carrier


def send_all(length: int, send: Callable[[int], int], within_s: float) -> None:
    """Call `send` until so many bytes are out: it is told how many are, and returns how many more
    went. Raises TimeoutError.
    """
    sent, began = send(0), time.monotonic()
    while sent < length:
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"what was sent did not go out within {within_s:.0f} s")
        sent += send(sent)


def end_connections(hosts: Iterable[str] | None, *, before: float = float("inf")) -> int:
    """End the connections from or to these addresses of this machine, None for all; how many.

    Only those that were opened `before` this time of time.monotonic(). Threads that wait for one
    wake with an error or the end of the stream.
    """
    with _lock:
        connections = [one for one, opened in _open.items() if opened < before]
    gone, ended = frozenset(hosts or ()), 0
    for connection in connections:
        with contextlib.suppress(OSError):  # it is closed, or was refused at this moment
            if hosts is None or gone & set(connection.carrier.hosts()):
                connection.was_hung_up = True
                connection.carrier.hang_up(discard=bool(gone))
                ended += 1
    return ended
