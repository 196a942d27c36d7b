"""The tracker's TCP connections: accepted, limited, and served in its loop, which they never block.

Each connection is a generator that yields what it waits for; long work goes a slice at a time.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias, TypeVar

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.room.senders import Senders
from roles.values.addresses import is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import MAX_PACKED
from roles.worker import POLL_S

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 64  # connections, so that one computer's do not fill the system's queue
MOVED = 64 * 1024  # bytes; a byte now and then is no progress
ACCEPT_AGAIN_S = 0.25  # while no connection ends
LATER_S = 0.01  # until a thread that works for a client is looked at again
_BUFFER = 64 * 1024
_AT_ONCE = 256 * 1024  # bytes for one call of the system
_CLOSED: tuple[type[Exception], ...] = (OSError, PeerProtocolError, MemoryError)


class Wait(Enum):
    TO_READ = "to read"
    TO_WRITE = "to write"
    TURN = "turn"  # others go first
    LATER = "later"  # another thread works for it


class Limits(NamedTuple):
    """How many connections there may be, and what time and memory they may take."""

    clients: int = 128  # at once; more wait in the system's queue
    unproved: int = 64  # of these, in a private room: they have not proved that they belong to it
    clients_per_host: int = 8  # so that one computer leaves room for others
    clients_here: int = 64  # for the tracker's own machine, where many programs may run
    browsers: int = 64  # at once, so that they leave room for readers of lists
    # When there is no room for a new connection, one that we have waited for this long has to go:
    silent_s: float = 0.25  # one without a call
    stalled_s: float = 2.0  # one that takes this long for MOVED bytes
    crowd_s: float = 0.5  # the same if its host has `crowd` connections or more
    crowd: int = 3
    call_s: float = 30.0  # for everything but the bytes of a list
    enter_s: float = 5.0  # for the proof of a private room, whatever happens
    linger_s: float = 5.0  # for the other side to read the answer and close
    work_s: float = 0.005  # the longest time without reading datagrams


T = TypeVar("T")
Steps: TypeAlias = Generator[Wait, None, None]
_EVENTS = {Wait.TO_READ: selectors.EVENT_READ, Wait.TO_WRITE: selectors.EVENT_WRITE}

# Members compute for a while before they can prove anything. On Windows, select() takes 512 sockets
# in all, and the channels of members are among them.
PRIVATE_LIMITS = (
    Limits(clients=64, unproved=32, silent_s=1.0)
    if os.name == "nt"
    else Limits(clients=192, silent_s=1.0)
)


@dataclass(slots=True, eq=False)
class Client:
    connection: Connection
    deadline: float
    has_proved: bool  # that it belongs to the room; always in an open one
    waits_since: float = 0.0  # while `waits_for` is in _EVENTS
    waited_before_s: float = 0.0  # for the other side, since it came or the last MOVED bytes
    moved: int = 0  # bytes, either way, that are not MOVED yet
    has_called: bool = False  # its first line is complete
    is_served: bool = False  # it has its answer and should close
    received: bytes = b""  # after the first line
    is_browser: bool = False
    waits_for: Wait = Wait.TURN
    goes_on: Callable[[Connection], None] | None = None  # takes the connection over, at the end
    steps: Steps = field(init=False)

    @property
    def ip(self) -> str:
        return self.connection.address.host

    def waited_s(self, now: float) -> float:
        """How long we have waited for its call, or for its next MOVED bytes."""
        is_waiting = self.waits_for in _EVENTS
        return self.waited_before_s + (now - self.waits_since if is_waiting else 0.0)

    def note_call(self) -> None:
        """It has said what it wants; from now on it may wait for us."""
        self.has_called, self.waited_before_s = True, 0.0

    def receive(self, most: int) -> Generator[Wait, None, bytes]:
        """Receive at least one byte. Raises ConnectionError at the end."""
        while (data := self.connection.receive(most)) is None:
            yield Wait.TO_READ
        if not data:
            raise ConnectionError("it hung up")
        self._note_moved(len(data))
        return data

    def send(self, data: bytes | memoryview) -> Steps:
        rest = memoryview(data)
        while rest:
            sent = self.connection.send(rest[:_AT_ONCE])
            rest = rest[sent:]
            self._note_moved(sent)
            yield Wait.TURN if sent else Wait.TO_WRITE

    def check_is_there(self) -> None:
        """Raises ConnectionError when it hung up while its answer was made, and PeerProtocolError
        when it sent more.
        """
        data = self.connection.receive(1)
        if data:
            raise PeerProtocolError("more bytes after a question")
        if data is not None:
            raise ConnectionError("it hung up")

    def _note_moved(self, size: int) -> None:
        self.moved += size
        if self.has_called and self.moved >= MOVED:
            self.waited_before_s, self.moved = 0.0, 0


def in_turns(work: Generator[None, None, T]) -> Generator[Wait, None, T]:
    """Others go first after each slice of this work."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Wait.TURN


class ConnectionServer(ABC):
    """Owned by the tracker's thread."""

    def __init__(
        self,
        listener: Listener,
        selector: selectors.BaseSelector,
        senders: Senders,
        *,
        is_private: bool,
    ) -> None:
        """It registers its sockets with the selector; the data of each key is the function to call
        when that socket is ready. The listener stays the caller's to close.

        `is_private`: those who connect have to prove that they belong to the room.
        """
        self.limits = PRIVATE_LIMITS if is_private else Limits()  # tests replace it
        self._listener, self._selector, self._senders = listener, selector, senders
        self._is_private = is_private
        self._clients = dict[Client, None]()  # the oldest first
        self._turns = deque[Client]()  # those that wait for their turn
        self._from_host = Counter[str]()
        self._is_accepting = False
        self._accept_at = 0.0
        self._accept_again()

    @abstractmethod
    def _serve(self, client: Client) -> Steps:
        """Read what it wants, and answer."""

    def work(self) -> bool:
        """Do work that waits for no network, for work_s at most. Returns whether more is left."""
        now = time.monotonic()
        until = now + self.limits.work_s
        if now >= self._accept_at:
            self._accept_again()
        for client in [client for client in self._clients if client.waits_for is Wait.LATER]:
            self._step(client)
        while self._turns:
            self._step(self._turns.popleft())
            if time.monotonic() >= until:
                break
        return bool(self._turns)

    @property
    def pause_s(self) -> float:
        """How long work() may wait if it has nothing to do and nothing arrives."""
        waits = any(client.waits_for is Wait.LATER for client in self._clients)
        return LATER_S if waits else POLL_S

    def expire(self, *, now: float) -> None:
        """Close connections that take too long."""
        for client in [client for client in self._clients if now >= client.deadline]:
            self._close(client)

    def close(self) -> None:
        for client in list(self._clients):
            self._close(client)
        if self._is_accepting:
            self._stop_accepting()

    def _accept(self) -> None:
        now = time.monotonic()
        is_full = len(self._clients) >= self.limits.clients
        if not self._places and not self._make_room(
            now, among=lambda client: is_full or not client.has_proved
        ):
            self._stop_accepting(now)
            return
        for _ in range(min(ACCEPTED_AT_ONCE, self._places)):
            try:
                connection = self._listener.accept()
            except (OSError, MemoryError) as error:  # it is gone, or no descriptor is left
                log.debug("accepting: %s", error)
                if not self._make_room(now):
                    self._stop_accepting(now)  # else the selector would report it again at once
                return
            if connection is None:
                return
            ip = connection.address.host
            most = self.limits.clients_here if is_loopback(ip) else self.limits.clients_per_host
            if self._from_host[ip] >= most and not self._make_room(now, ip):
                connection.close()
                continue
            client = Client(connection, now + self.limits.call_s, not self._is_private)
            client.steps = self._serve_to_end(client)
            self._clients[client] = None
            self._from_host[ip] += 1
            self._step(client)

    @property
    def _places(self) -> int:
        """How many connections may come now."""
        unproved = self.limits.unproved - sum(not client.has_proved for client in self._clients)
        return max(0, min(self.limits.clients - len(self._clients), unproved))

    def _make_room(
        self, now: float, ip: str = "", *, among: Callable[[Client], bool] = lambda _: True
    ) -> bool:
        """Close an idle connection, of this host or of any; False when there is none. A host that
        has all that it may have loses at once one that has not called.
        """
        idle = [
            client
            for client in self._clients
            if ip in ("", client.ip)
            and among(client)
            and self._is_idle(client, now, is_host_full=bool(ip))
        ]
        if not idle:
            return False
        self._close_worst(idle, now)
        return True

    def _close_worst(self, clients: list[Client], now: float) -> None:
        """Close the connection that has kept us waiting longest, of the host that has most."""
        worst = max(clients, key=lambda client: (self._from_host[client.ip], client.waited_s(now)))
        self._close(worst)

    def _is_idle(self, client: Client, now: float, *, is_host_full: bool = False) -> bool:
        if client.waits_for not in _EVENTS:
            return False
        is_crowd = self._from_host[client.ip] >= self.limits.crowd and not is_host_full
        patience_s = self.limits.crowd_s if is_crowd else self.limits.stalled_s
        if not client.has_called:
            patience_s = 0.0 if is_host_full else self.limits.silent_s
        return client.is_served or client.waited_s(now) >= patience_s

    def _accept_again(self) -> None:
        if not self._is_accepting:
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
            self._is_accepting = True

    def _stop_accepting(self, now: float = 0.0) -> None:
        """Until a connection ends, or for ACCEPT_AGAIN_S after `now`."""
        self._accept_at = now + ACCEPT_AGAIN_S
        self._selector.unregister(self._listener)
        self._is_accepting = False

    def _step(self, client: Client) -> None:
        """Let it go on until it waits again."""
        if client not in self._clients:  # closed after the selector reported it
            return
        before = _EVENTS.get(client.waits_for, 0)
        if before:
            client.waited_before_s = client.waited_s(time.monotonic())
        try:
            client.waits_for = next(client.steps)
        except StopIteration:
            self._close(client)
            return
        except _CLOSED as error:
            text = "a connection of %s has ended: %s"
            self._senders.complain(client.ip, time.monotonic(), text, client.ip, error)
            self._close(client)
            return
        if client.waits_for is Wait.TURN:
            self._turns.append(client)
        after = _EVENTS.get(client.waits_for, 0)
        if after:
            client.waits_since = time.monotonic()
        if before == after:
            return
        if before:
            self._selector.unregister(client.connection)
        if after:
            try:
                self._selector.register(client.connection, after, lambda: self._step(client))
            except (OSError, MemoryError) as error:
                log.debug("a connection of %s: %s", client.ip, error)
                client.waits_for = Wait.TURN  # it is not registered
                self._close(client)

    def _close(self, client: Client) -> None:
        del self._clients[client]
        client.steps.close()
        if client.waits_for in _EVENTS:
            self._selector.unregister(client.connection)
        if client.goes_on is None:
            client.connection.close()
        self._from_host[client.ip] -= 1
        if not self._from_host[client.ip]:
            del self._from_host[client.ip]
        self._accept_again()
        if client.goes_on is not None:
            client.goes_on(client.connection)

    def _serve_to_end(self, client: Client) -> Steps:
        yield from self._serve(client)
        if client.goes_on is not None:
            return
        client.connection.end_sending()
        client.is_served = True
        client.deadline = min(client.deadline, time.monotonic() + self.limits.linger_s)
        left = MAX_PACKED  # if we closed with bytes unread, the system would drop the answer
        while left > 0:
            left -= len((yield from client.receive(_BUFFER)))
            yield Wait.TURN
