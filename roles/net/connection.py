"""One TCP connection of the program, whatever carries its bytes.

All open connections are known here. One whose own address has gone does not fail, it hangs until a
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
READ_AHEAD = 16 * 1024  # bytes: what frames are read from

_lock = threading.Lock()  # protects _open
# All connections of the process, and when each was opened.
_open = weakref.WeakKeyDictionary["Connection", float]()


class Connection:
    """Its own thread receives, and sends with methods that wait. Any thread may call post(),
    queue() and flush(), which never wait; a connection uses either those or the others.
    """

    def __init__(self, carrier: Carrier, address: Address) -> None:
        """`address`: of the other end. close() closes the carrier."""
        self.address = address
        self.carrier = carrier  # for this package only
        self.was_hung_up = False  # by end_connections(), so the other side is not at fault
        self._ahead = bytearray()  # received, but not asked for yet
        self._lock = threading.Lock()  # protects the queue and its order; no call waits with it
        self._queue = bytearray()
        self._is_held = False
        with _lock:
            _open[self] = time.monotonic()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def own_host(self) -> str:
        """The address of this computer that the other end sees. Raises OSError."""
        return self.carrier.hosts()[0]

    def fileno(self) -> int:
        """What selectors wait for; -1 after close(). Look at `pending` before you wait there."""
        return self.carrier.fileno()

    def limit(self, timeout_s: float) -> None:
        """Wait no longer than this for bytes or for room; 0: never wait."""
        self.carrier.limit(timeout_s)

    def carry_on_by(self, make: Callable[[Carrier, bytes], Carrier]) -> None:
        """Replace the carrier by what `make` returns for it, and for the bytes that have come and
        were not asked for yet.
        """
        ahead, self._ahead = bytes(self._ahead), bytearray()
        self.carrier = make(self.carrier, ahead)

    def end_sending(self) -> None:
        """Tell the other side that no more follows. Raises OSError."""
        self.carrier.end_sending()

    def hang_up(self) -> None:
        """End it, from any thread; its own thread notices and closes it."""
        with contextlib.suppress(OSError):  # the other side was faster
            self.carrier.hang_up()

    def close(self, last_words: bytes = b"") -> None:
        """Send `last_words`, if the system takes them at once, and close."""
        if last_words:
            with contextlib.suppress(OSError):
                self.post(last_words)
        self.carrier.close()

    # Receiving. These raise OSError.

    @property
    def pending(self) -> int:
        """How many bytes can be received without waiting at fileno()."""
        return len(self._ahead) + self.carrier.pending

    @property
    def ahead(self) -> int:
        """How many bytes came with those that were asked for."""
        return len(self._ahead)

    def receive(self, most: int) -> bytes | None:
        """Some bytes, b"" at the end; None if none came in time."""
        target = memoryview(bytearray(most))
        count = self.receive_into(target)
        return None if count is None else bytes(target[:count])

    def receive_into(self, target: memoryview, at_least: int = 1) -> int | None:
        """See Carrier.receive_into()."""
        if self._ahead:
            return self.take_ahead(target)
        return self.carrier.receive_into(target, at_least)

    def take_ahead(self, target: memoryview) -> int:
        """Fill `target` from `ahead` without receiving; returns how many bytes that were."""
        count = min(len(target), len(self._ahead))
        target[:count] = self._ahead[:count]
        del self._ahead[:count]
        return count

    def take(self, count: int) -> bytes | None:
        """The next `count` bytes; None if not all are here yet: read_ahead() receives more."""
        if count > len(self._ahead):
            return None
        taken = bytes(self._ahead[:count])
        del self._ahead[:count]
        return taken

    def read_ahead(self, count: int, at_least: int = 1) -> int | None:
        """Receive some of the next `count` bytes, and what comes with them; see receive_into()."""
        room = memoryview(bytearray(max(count, READ_AHEAD) - len(self._ahead)))
        received = self.carrier.receive_into(room, at_least)
        self._ahead += room[: received or 0]
        return received

    def put_back(self, data: bytes) -> None:
        """Leave received bytes to whoever receives next."""
        self._ahead[:0] = data

    def acknowledge(self) -> None:
        """Have the system acknowledge at once what has come, if it can."""
        self.carrier.acknowledge()

    # Sending, by its own thread. These raise OSError.

    def send(self, data: Bytes) -> int:
        """How many of these bytes went out; 0 if there was no room in time."""
        return self.carrier.send(data)

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:
        """See Carrier.send_file()."""
        return self.carrier.send_file(descriptor, offset, length)

    def send_all(self, data: bytes, *, within_s: float, more: bool = False) -> None:
        """All of it. Raises TimeoutError.

        `more`: more bytes follow at once, so it may go into one packet with them.
        """
        send_all(len(data), lambda sent: self.carrier.send(data[sent:], more=more), within_s)

    # Sending by any thread, without waiting. These raise OSError.

    @property
    def queued(self) -> int:
        """How many bytes have not gone out yet."""
        return len(self._queue)

    def post(self, data: bytes | bytearray) -> None:
        """Send what the system takes now; the rest goes out with the next post() or flush().

        Raises TimeoutError if too much is queued.
        """
        with self._lock:
            self._queue += data
            if not self._is_held:
                self._send_queue()
            self._check_queue()

    def queue(self, data: bytes | bytearray) -> None:
        """Send it with the next post() or flush(). Raises like post()."""
        with self._lock:
            self._queue += data
            self._check_queue()

    def flush(self) -> None:
        """Send as much of the queue as the system takes now."""
        with self._lock:
            self._send_queue()

    def hold(self) -> None:
        """Only queue, until release(), so that the answers to several frames wake the peer once."""
        self._is_held = True

    def release(self) -> None:
        """Send what was held. Call it before anything that waits."""
        if self._is_held:
            with self._lock:
                self._is_held = False
                self._send_queue()

    def _check_queue(self) -> None:
        if len(self._queue) > MAX_QUEUED:
            raise TimeoutError("it does not read what it is told")

    def _send_queue(self) -> None:
        while self._queue and (sent := self.carrier.send(self._queue, waits=False)):
            del self._queue[:sent]


def send_all(length: int, send: Callable[[int], int], within_s: float) -> None:
    """Call `send` until `length` bytes are out. It gets the number of bytes sent so far, and
    returns how many more it sent. Raises TimeoutError.
    """
    sent, began = send(0), time.monotonic()
    while sent < length:
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"what was sent did not go out within {within_s:.0f} s")
        sent += send(sent)


def end_connections(hosts: Iterable[str] | None, *, before: float = float("inf")) -> int:
    """End the connections from or to these addresses of this machine (None: all) that were opened
    `before` this time.monotonic(); returns how many. Threads that wait for one wake with an error
    or the end of the stream.
    """
    with _lock:
        connections = [connection for connection, opened in _open.items() if opened < before]
    gone, ended = frozenset(hosts or ()), 0
    for connection in connections:
        with contextlib.suppress(OSError):  # closed or refused just now
            if hosts is None or gone & set(connection.carrier.hosts()):
                connection.was_hung_up = True
                connection.carrier.hang_up(discard=bool(gone))
                ended += 1
    return ended
