"""Lists over TCP at the tracker: readers fetch the room's list, seeders send theirs.

It runs in the tracker's loop and never blocks it: each connection is a generator that yields what
it waits for, and long work goes a slice at a time.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.net.rate_limit import RateLimit
from roles.room.packed_lists import PackedList, PackedLists
from roles.room.registry import Registry
from roles.room.room_catalogue import ListRefusedError
from roles.room.senders import Senders
from roles.room.share_update import ShareUpdate
from roles.values.addresses import is_loopback
from roles.values.errors import PeerProtocolError
from roles.values.participants import Participant
from roles.wire.list_wire import (
    MAX_CALL,
    MAX_PACKED,
    AskList,
    AskRoom,
    ListFollows,
    Packer,
    RoomFollows,
    Taken,
    TellList,
    Unpacker,
    decode_call,
    encode_reply,
)
from roles.wire.room_wire import encode_participant
from roles.wire.tracker_messages import Code

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 64  # connections, so that one computer's do not fill the system's queue
MOVED = 64 * 1024  # bytes; a byte now and then is no progress
ACCEPT_AGAIN_S = 0.25  # while no connection ends
SLOWEST = 256 * 1024  # bytes per second: the extra time for a list
LISTS_PER_HOST, LISTS_IN_ALL = 32.0, 2_000.0  # that may be sent in a second
RESTS = 9  # a packed room is sent again for so many times as long as packing it took
_SLICE = 250  # lines taken before others have their turn,
_SLICE_SIZE = 64 * 1024  # or characters of lines
_BUFFER = 64 * 1024
_AT_ONCE = 256 * 1024  # bytes for one call of the system
_CLOSED: tuple[type[Exception], ...] = (OSError, PeerProtocolError, MemoryError)


class _Wait(Enum):
    TO_READ = "to read"
    TO_WRITE = "to write"
    TURN = "turn"  # others go first
    PACKED = "packed"  # the list is being packed


@dataclass(frozen=True, slots=True)
class Limits:
    """Of connections, and of the time and memory for them."""

    clients: int = 128  # at once; more wait in the system's queue
    clients_per_host: int = 8  # so that one computer leaves room for others
    clients_here: int = 64  # for the tracker's own machine, where many programs may run
    # When there is no room for a new connection, one that we have waited for this long has to go:
    silent_s: float = 0.25  # one without a call
    stalled_s: float = 2.0  # one that takes this long for MOVED bytes
    crowd_s: float = 0.5  # the same if its host has `crowd` connections or more
    crowd: int = 3
    call_s: float = 30.0  # for everything but the bytes of a list
    linger_s: float = 5.0  # for the other side to read the answer and close
    # Changed lines that count as one list of LISTS_PER_HOST. A host that sends more would push the
    # changes of others out of the log, and every reader would have to fetch the whole list.
    lines_of_a_list: float = 500
    unread: int = 128 * 1024 * 1024  # bytes of packed lists being sent, each version once
    work_s: float = 0.005  # the longest time without reading datagrams
    room_s: float = 0.5  # a packed room is sent again for at least so long, however many ask


_Steps: TypeAlias = Generator[_Wait, None, None]
_EVENTS = {_Wait.TO_READ: selectors.EVENT_READ, _Wait.TO_WRITE: selectors.EVENT_WRITE}


@dataclass(slots=True, eq=False)
class _Client:
    connection: Connection
    deadline: float
    waits_since: float = 0.0  # while `waits_for` is in _EVENTS
    waited_before_s: float = 0.0  # for the other side, since it came or the last MOVED bytes
    moved: int = 0  # bytes, either way, that are not MOVED yet
    has_called: bool = False  # its first line is complete
    is_served: bool = False  # it has its answer and should close
    received: bytes = b""  # after the first line
    packed: PackedList | None = None  # what it gets
    waits_for: _Wait = _Wait.TURN
    steps: _Steps = field(init=False)

    @property
    def ip(self) -> str:
        return self.connection.address.host

    def waited_s(self, now: float) -> float:
        """How long we have waited for its call, or for its next MOVED bytes."""
        is_waiting = self.waits_for in _EVENTS
        return self.waited_before_s + (now - self.waits_since if is_waiting else 0.0)

    def receive(self, most: int) -> Generator[_Wait, None, bytes]:
        """At least one byte. Raises ConnectionError at the end."""
        while (data := self.connection.receive(most)) is None:
            yield _Wait.TO_READ
        if not data:
            raise ConnectionError("it hung up")
        self._note_moved(len(data))
        return data

    def send(self, data: bytes) -> _Steps:
        rest = memoryview(data)
        while rest:
            sent = self.connection.send(rest[:_AT_ONCE])
            rest = rest[sent:]
            self._note_moved(sent)
            yield _Wait.TURN if sent else _Wait.TO_WRITE

    def check_is_there(self) -> None:
        """Raises ConnectionError when it hung up while its answer was packed, and PeerProtocolError
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


class ListServer:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        listener: Listener,
        selector: selectors.BaseSelector,
        registry: Registry,
        senders: Senders,
        participants: Callable[[], Iterable[Participant]],
    ) -> None:
        """It registers its sockets with the selector; the data of each key is the function to call
        when that socket is ready. The listener stays the caller's to close.
        """
        self._listener, self._selector = listener, selector
        self._registry, self._senders = registry, senders
        self._participants = participants
        self.limits = Limits()  # tests replace it
        self._room, self._room_until = b"", 0.0  # packed; b"" while it is not
        self._packing: Iterator[None] | None = None  # of `_room`, done by all that wait for it
        self._lists = PackedLists(registry.catalogue)
        self._clients = dict[_Client, None]()  # the oldest first
        self._turns = deque[_Client]()  # those that wait for their turn
        self._from_host = Counter[str]()
        self._uploads = dict[str, _Client]()  # those that send a list, by share
        self._list_rate = RateLimit(per_host=LISTS_PER_HOST, whole=LISTS_IN_ALL)
        self._is_accepting = False
        self._accept_at = 0.0
        self._accept_again()

    def work(self) -> bool:
        """Do work that waits for no network, for work_s at most. Returns whether more is left."""
        now = time.monotonic()
        until = now + self.limits.work_s
        if now >= self._accept_at:
            self._accept_again()
        # Go on with those whose list is packed, and notice those that hung up.
        for client in [one for one in self._clients if one.waits_for is _Wait.PACKED]:
            self._step(client)
        while True:
            is_busy = self._lists.work()
            if self._turns:
                self._step(self._turns.popleft())
                is_busy = True
            if not is_busy:
                return any(client.waits_for is _Wait.PACKED for client in self._clients)
            if time.monotonic() >= until:
                return True

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
        if len(self._clients) >= self.limits.clients and not self._make_room(now):
            self._stop_accepting(now)
            return
        for _ in range(min(ACCEPTED_AT_ONCE, self.limits.clients - len(self._clients))):
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
            client = _Client(connection, now + self.limits.call_s)
            client.steps = self._serve(client)
            self._clients[client] = None
            self._from_host[ip] += 1
            self._step(client)

    def _make_room(self, now: float, ip: str = "") -> bool:
        """Close an idle connection, of this host or of any; False when there is none. A host that
        has all that it may have loses at once one that has not called.
        """
        idle = [
            client
            for client in self._clients
            if ip in ("", client.ip) and self._is_idle(client, now, is_host_full=bool(ip))
        ]
        if not idle:
            return False
        self._close_worst(idle, now)
        return True

    def _make_room_in_memory(self, newcomer: _Client) -> None:
        """While the lists that are being sent take too much memory, close connections that read
        slowly.
        """
        now = time.monotonic()
        while True:
            lists = {id(one.packed): one.packed for one in self._clients if one.packed is not None}
            if sum(packed.size for packed in lists.values()) <= self.limits.unread:
                return
            slow = [
                one
                for one in self._clients
                if one.packed not in (None, newcomer.packed) and one.waits_for is _Wait.TO_WRITE
            ]
            if not slow:
                return
            self._close_worst(slow, now)

    def _prolong(self, client: _Client, packed: int) -> None:
        """It may take call_s from now on, and as long as that many bytes of a list need."""
        client.deadline = time.monotonic() + self.limits.call_s + packed / SLOWEST

    def _close_worst(self, clients: list[_Client], now: float) -> None:
        """Of the host with most connections, the one that has kept us waiting longest."""
        self._close(max(clients, key=lambda one: (self._from_host[one.ip], one.waited_s(now))))

    def _is_idle(self, client: _Client, now: float, *, is_host_full: bool = False) -> bool:
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

    def _step(self, client: _Client) -> None:
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
            log.debug("a list for or of %s: %s", client.ip, error)
            self._close(client)
            return
        if client.waits_for is _Wait.TURN:
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
                log.debug("a list for or of %s: %s", client.ip, error)
                client.waits_for = _Wait.TURN  # it is not registered
                self._close(client)

    def _close(self, client: _Client) -> None:
        del self._clients[client]
        client.steps.close()
        if client.waits_for in _EVENTS:
            self._selector.unregister(client.connection)
        client.connection.close()
        self._from_host[client.ip] -= 1
        if not self._from_host[client.ip]:
            del self._from_host[client.ip]
        self._accept_again()

    def _serve(self, client: _Client) -> _Steps:
        while b"\n" not in client.received:
            if len(client.received) > MAX_CALL:
                raise PeerProtocolError("a call does not end")
            client.received += yield from client.receive(MAX_CALL)
        client.has_called, client.waited_before_s = True, 0.0
        line, _, client.received = client.received.partition(b"\n")
        match decode_call(line):
            case AskList(since):
                yield from self._send_list(client, since)
            case AskRoom():
                yield from self._send_room(client)
            case TellList() as call:
                yield from self._answer_list(client, call)
        client.connection.end_sending()
        client.is_served = True
        client.deadline = min(client.deadline, time.monotonic() + self.limits.linger_s)
        left = MAX_PACKED  # if we closed with bytes unread, the system would drop the answer
        while left > 0:
            left -= len((yield from client.receive(_BUFFER)))
            yield _Wait.TURN

    def _send_list(self, client: _Client, since: str) -> _Steps:
        packed = client.packed = self._lists.since(since)
        try:
            while packed.data is None:
                client.check_is_there()
                yield _Wait.PACKED
            self._make_room_in_memory(client)
            self._prolong(client, packed.size)
            follows = ListFollows(packed.version, packed.is_whole, packed.size)
            yield from client.send(encode_reply(follows))
            for piece in packed.data:
                yield from client.send(piece)
        finally:
            client.packed = None
            self._lists.leave(packed)

    def _send_room(self, client: _Client) -> _Steps:
        if time.monotonic() >= self._room_until:
            self._room = b""
        while not self._room:
            self._packing = self._packing or self._pack_room()
            next(self._packing, None)
            yield _Wait.TURN
        room = self._room
        self._prolong(client, len(room))
        yield from client.send(encode_reply(RoomFollows(len(room))))
        yield from client.send(room)

    def _pack_room(self) -> Iterator[None]:
        packer, packed, now = Packer(), bytearray(), time.monotonic()
        try:
            for number, one in enumerate(self._participants()):
                packed += packer.pack(encode_participant(one, now=now))
                if number % _SLICE == _SLICE - 1:
                    yield
            self._room, ended = bytes(packed + packer.end()), time.monotonic()
        finally:  # if memory runs out, the next one that waits packs it anew
            self._packing = None
        self._room_until = ended + max(self.limits.room_s, RESTS * (ended - now))

    def _answer_list(self, client: _Client, call: TellList) -> _Steps:
        try:
            if call.packed > MAX_PACKED:
                text = f"A list may have {MAX_PACKED} bytes at most when it is packed."
                raise ListRefusedError(Code.REFUSED, text)
            self._prolong(client, call.packed)
            yield from self._take_list(client, call)
        except ListRefusedError as error:
            reply = Taken(False, error.code, str(error))
        except PeerProtocolError as error:
            reply = Taken(False, Code.REFUSED, f"The tracker cannot read this list: {error}.")
        else:
            reply = Taken(True)
        if not reply.is_taken:
            text = "refused a list from %s: %s"
            self._senders.complain(client.ip, time.monotonic(), text, client.ip, reply.text)
        yield from client.send(encode_reply(reply))

    def _take_list(self, client: _Client, call: TellList) -> _Steps:
        now = time.monotonic()
        owner = self._registry.owner_of(call, client.ip, now=now)
        other = self._uploads.get(call.share)
        if other is not None and not self._is_idle(other, now):
            raise ListRefusedError(Code.BUSY, "A list of this folder is arriving already.")
        if owner.host and not self._list_rate.allows(owner.host, now=now):
            raise ListRefusedError(Code.BUSY, "This computer changes its lists too often.")
        if other is not None:  # it has stalled
            self._close(other)
        update = ShareUpdate(self._registry.catalogue, call, owner)
        self._uploads[call.share] = client
        try:
            yield from self._read_into(client, update, call.packed)
            self._registry.owner_of(call, client.ip, now=time.monotonic())  # it may be gone by now
            for _ in update.finish():
                yield _Wait.TURN
            self._list_rate.charge(owner.host, update.changes / self.limits.lines_of_a_list)
        finally:
            update.abandon()
            del self._uploads[call.share]

    @staticmethod
    def _read_into(client: _Client, update: ShareUpdate, packed: int) -> _Steps:
        unpacker, data = Unpacker(), client.received
        taken = size = 0  # since others had their turn
        while True:
            packed -= len(data)
            if packed < 0:
                raise PeerProtocolError("it is longer than announced")
            for line in unpacker.lines(data):
                update.take(line)
                taken, size = taken + 1, size + len(line)
                if taken >= _SLICE or size >= _SLICE_SIZE:
                    taken = size = 0
                    yield _Wait.TURN
            if packed == 0:
                break
            yield _Wait.TURN  # few bytes may unpack to much
            data = yield from client.receive(min(packed, _BUFFER))
        unpacker.end()
