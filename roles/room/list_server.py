"""Lists over TCP at the tracker: readers fetch the room's list, seeders send theirs. Browsers get
pages at the same port.

It runs in the tracker's loop and never blocks it: each connection is a generator that yields what
it waits for, and long work goes a slice at a time.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.net.rate_limit import RateLimit
from roles.room.kept_answer import KeptAnswer
from roles.room.packed_lists import PackedList, PackedLists
from roles.room.registry import Registry
from roles.room.room_catalogue import ListRefusedError
from roles.room.senders import Senders
from roles.room.share_update import ShareUpdate
from roles.values.addresses import is_loopback
from roles.values.errors import PeerProtocolError, ShortageError
from roles.values.participants import Participant
from roles.wire.list_wire import (
    ASKS_FOR_PRIVATE,
    MAX_CALL,
    MAX_PACKED,
    OPEN_ANSWER,
    AskList,
    AskRoom,
    AskTalk,
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
from roles.worker import POLL_S, Worker, loaded

if TYPE_CHECKING:
    from roles.private.entrance import Entrance

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 64  # connections, so that one computer's do not fill the system's queue
MOVED = 64 * 1024  # bytes; a byte now and then is no progress
ACCEPT_AGAIN_S = 0.25  # while no connection ends
LATER_S = 0.01  # until a thread that works for a client is looked at again
SLOWEST = 256 * 1024  # bytes per second: the extra time for a list
LISTS_PER_HOST, LISTS_IN_ALL = 32.0, 2_000.0  # that may be sent in a second
_SLICE = 250  # lines taken before others have their turn,
_SLICE_SIZE = 64 * 1024  # or characters of lines
_BUFFER = 64 * 1024
_AT_ONCE = 256 * 1024  # bytes for one call of the system
_CLOSED: tuple[type[Exception], ...] = (OSError, PeerProtocolError, MemoryError)


class Wait(Enum):
    TO_READ = "to read"
    TO_WRITE = "to write"
    TURN = "turn"  # others go first
    PACKED = "packed"  # the list is being packed
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
    # Changed lines that count as one list of LISTS_PER_HOST. A host that sends more would push the
    # changes of others out of the log, and every reader would have to fetch the whole list.
    lines_of_a_list: float = 500
    unread: int = 128 * 1024 * 1024  # bytes of packed lists being sent, each version once
    work_s: float = 0.005  # the longest time without reading datagrams
    room_s: float = 0.5  # a packed room is sent again for at least so long, however many ask


T = TypeVar("T")
Steps: TypeAlias = Generator[Wait, None, None]
_EVENTS = {Wait.TO_READ: selectors.EVENT_READ, Wait.TO_WRITE: selectors.EVENT_WRITE}

# Members compute for a while before they can prove anything. On Windows, select() takes 512 sockets
# in all, and those of the members' talks are among them.
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
    packed: PackedList | None = None  # what it gets
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


class Browsers(Protocol):
    """What browsers get: see roles/web/tracker_site.py."""

    def serve(self, client: Client, *, is_full: bool) -> Steps:
        """Answer one request, of which `client.received` is the beginning. `is_full`: there are too
        many browsers at this moment.
        """

    def close(self) -> None: ...


def in_turns(work: Generator[None, None, T]) -> Generator[Wait, None, T]:
    """Others go first after each slice of this work."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Wait.TURN


class ListServer:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        listener: Listener,
        selector: selectors.BaseSelector,
        registry: Registry,
        senders: Senders,
        participants: Callable[[], Iterable[Participant]],
        open_for_browsers: Callable[[], Browsers] | None = None,
        *,
        entrance: Entrance | None = None,
        take_talk: Callable[[Connection], None] | None = None,
    ) -> None:
        """It registers its sockets with the selector; the data of each key is the function to call
        when that socket is ready. The listener stays the caller's to close.

        `open_for_browsers` is called in a thread when the first one comes; None: they get nothing.
        A private room has an `entrance`, and takes over the connections on which members talk.
        """
        self._listener, self._selector = listener, selector
        self._registry, self._senders = registry, senders
        self._participants = participants
        self.limits = Limits() if entrance is None else PRIVATE_LIMITS  # tests replace it
        self._entrance, self._take_talk = entrance, take_talk
        self._room = KeptAnswer(self._pack_room)
        self._open_for_browsers = open_for_browsers
        self._loading: Worker | None = None  # the thread that sets _browsers
        self._browsers: Browsers | None = None
        self._lists = PackedLists(registry.catalogue)
        self._clients = dict[Client, None]()  # the oldest first
        self._turns = deque[Client]()  # those that wait for their turn
        self._from_host = Counter[str]()
        self._uploads = dict[str, Client]()  # those that send a list, by share
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
        waiting = (Wait.PACKED, Wait.LATER)
        for client in [one for one in self._clients if one.waits_for in waiting]:
            self._step(client)
        while True:
            is_busy = self._lists.work()
            if self._turns:
                self._step(self._turns.popleft())
                is_busy = True
            if not is_busy:
                return any(client.waits_for is Wait.PACKED for client in self._clients)
            if time.monotonic() >= until:
                return True

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
        if self._loading is not None:
            self._loading.join()
        if self._browsers is not None:
            self._browsers.close()

    def _accept(self) -> None:
        now = time.monotonic()
        is_full = len(self._clients) >= self.limits.clients
        if not self._places and not self._make_room(
            now, among=lambda one: is_full or not one.has_proved
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
            client = Client(connection, now + self.limits.call_s, self._entrance is None)
            client.steps = self._serve(client)
            self._clients[client] = None
            self._from_host[ip] += 1
            self._step(client)

    @property
    def _places(self) -> int:
        """How many connections may come now."""
        unproved = self.limits.unproved - sum(not one.has_proved for one in self._clients)
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

    def _make_room_in_memory(self, newcomer: Client) -> None:
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
                if one.packed not in (None, newcomer.packed) and one.waits_for is Wait.TO_WRITE
            ]
            if not slow:
                return
            self._close_worst(slow, now)

    def _prolong(self, client: Client, packed: int) -> None:
        """It may take call_s from now on, and as long as that many bytes of a list need."""
        client.deadline = time.monotonic() + self.limits.call_s + packed / SLOWEST

    def _close_worst(self, clients: list[Client], now: float) -> None:
        """Close the connection that has kept us waiting longest, of the host that has most."""
        self._close(max(clients, key=lambda one: (self._from_host[one.ip], one.waited_s(now))))

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

    def _serve(self, client: Client) -> Steps:
        if self._entrance is not None:
            client.deadline = time.monotonic() + self.limits.enter_s
            for needs_bytes in self._entrance.admit(client.connection):
                yield Wait.TO_READ if needs_bytes else Wait.TURN
            client.has_proved = True
            client.deadline = time.monotonic() + self.limits.call_s
        client.received = yield from client.receive(MAX_CALL)
        if client.received[:1].isupper() and self._open_for_browsers is not None:
            yield from self._serve_browser(client)
        else:
            yield from self._serve_program(client)
        if client.goes_on is not None:
            return
        client.connection.end_sending()
        client.is_served = True
        client.deadline = min(client.deadline, time.monotonic() + self.limits.linger_s)
        left = MAX_PACKED  # if we closed with bytes unread, the system would drop the answer
        while left > 0:
            left -= len((yield from client.receive(_BUFFER)))
            yield Wait.TURN

    def _serve_browser(self, client: Client) -> Steps:
        browsers = yield from self._loaded_for_browsers()
        others = sum(one.is_browser for one in self._clients)
        is_full = others >= self.limits.browsers and not self._make_room(
            time.monotonic(), among=lambda one: one.is_browser
        )
        client.is_browser = True
        yield from browsers.serve(client, is_full=is_full)

    def _loaded_for_browsers(self) -> Generator[Wait, None, Browsers]:
        """Loading takes 50 ms, so a thread does it. It fails if the program's own file is gone.
        Raises ConnectionError.
        """
        if self._loading is None:
            loading = Worker(self._load_for_browsers, "lmk-browsers")
            try:
                loading.start()
            except ShortageError as error:
                raise ConnectionError(str(error)) from None
            self._loading = loading
        while self._loading.is_alive():
            yield Wait.LATER
        if self._browsers is None:
            raise ConnectionError("the pages cannot be loaded")
        return self._browsers

    def _load_for_browsers(self) -> None:
        assert self._open_for_browsers is not None
        self._browsers = loaded(self._open_for_browsers)

    def _serve_program(self, client: Client) -> Steps:
        while b"\n" not in client.received:
            if len(client.received) > MAX_CALL:
                raise PeerProtocolError("a call does not end")
            client.received += yield from client.receive(MAX_CALL)
        client.note_call()
        line, _, client.received = client.received.partition(b"\n")
        if line.startswith(ASKS_FOR_PRIVATE):
            yield from client.send(OPEN_ANSWER)
            return
        match decode_call(line):
            case AskList(since):
                yield from self._send_list(client, since)
            case AskRoom():
                yield from self._send_room(client)
            case AskTalk() if self._take_talk is not None:
                client.connection.put_back(client.received)
                client.goes_on = self._take_talk
                return
            case AskTalk():
                raise PeerProtocolError("messages of an open room are datagrams")
            case TellList() as call:
                yield from self._answer_list(client, call)

    def _send_list(self, client: Client, since: str) -> Steps:
        packed = client.packed = self._lists.since(since)
        try:
            while packed.data is None:
                client.check_is_there()
                yield Wait.PACKED
            self._make_room_in_memory(client)
            self._prolong(client, packed.size)
            follows = ListFollows(packed.version, packed.is_whole, packed.size)
            yield from client.send(encode_reply(follows))
            for piece in packed.data:
                yield from client.send(piece)
        finally:
            client.packed = None
            self._lists.leave(packed)

    def _send_room(self, client: Client) -> Steps:
        room = yield from in_turns(self._room.get(self.limits.room_s))
        self._prolong(client, len(room))
        yield from client.send(encode_reply(RoomFollows(len(room))))
        yield from client.send(room)

    def _pack_room(self) -> Generator[None, None, bytes]:
        packer, packed, now = Packer(), bytearray(), time.monotonic()
        for number, one in enumerate(self._participants()):
            packed += packer.pack(encode_participant(one, now=now))
            if number % _SLICE == _SLICE - 1:
                yield
        return bytes(packed + packer.end())

    def _answer_list(self, client: Client, call: TellList) -> Steps:
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

    def _take_list(self, client: Client, call: TellList) -> Steps:
        now = time.monotonic()
        if self._registry.offers_here and not self._senders.is_own(client.ip):
            raise ListRefusedError(Code.REFUSED, "Here only the tracker's computer offers folders.")
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
                yield Wait.TURN
            self._list_rate.charge(owner.host, update.changes / self.limits.lines_of_a_list)
        finally:
            update.abandon()
            del self._uploads[call.share]

    @staticmethod
    def _read_into(client: Client, update: ShareUpdate, packed: int) -> Steps:
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
                    yield Wait.TURN
            if packed == 0:
                break
            yield Wait.TURN  # few bytes may unpack to much
            data = yield from client.receive(min(packed, _BUFFER))
        unpacker.end()
