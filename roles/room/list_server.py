"""Lists over TCP at the tracker: readers fetch the room's list, seeders send theirs. Browsers get
pages at the same port.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.net.rate_limit import RateLimit
from roles.room.cached_answer import CachedAnswer
from roles.room.connection_server import Client, ConnectionServer, Steps, Wait, in_turns
from roles.room.packed_lists import PackedList, PackedLists
from roles.room.registry import Registry
from roles.room.room_list import ListRefusedError
from roles.room.senders import Senders
from roles.room.share_update import ShareUpdate
from roles.values.errors import PeerProtocolError, ShortageError
from roles.values.participants import Participant
from roles.wire.list_wire import (
    ASKS_FOR_PRIVATE,
    MAX_CALL,
    MAX_PACKED,
    OPEN_ANSWER,
    AskList,
    AskRoom,
    ListFollows,
    OpenChannel,
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
from roles.worker import Worker, loaded

if TYPE_CHECKING:
    from roles.private.private_server import PrivateServer

SLOWEST = 256 * 1024  # bytes per second: the extra time for a list
LISTS_PER_HOST, LISTS_IN_ALL = 32.0, 2_000.0  # that may be sent in a second
_SLICE = 250  # lines taken before others have their turn,
_SLICE_SIZE = 64 * 1024  # or characters of lines
_BUFFER = 64 * 1024


class ListLimits(NamedTuple):
    """How much lists may take."""

    # Changed lines that count as one list of LISTS_PER_HOST. A host that sends more would push the
    # changes of others out of the log, and every reader would have to fetch the whole list.
    lines_of_a_list: float = 500
    unread: int = 128 * 1024 * 1024  # bytes of packed lists being sent, each version once


class Browsers(Protocol):
    """What browsers get: see roles/web/tracker_site.py."""

    def serve(self, client: Client, *, is_full: bool) -> Steps:
        """Answer one request, of which `client.received` is the beginning. `is_full`: there are too
        many browsers at this moment.
        """

    def close(self) -> None: ...


class ListServer(ConnectionServer):
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
        private_server: PrivateServer | None = None,
        take_channel: Callable[[Connection], None] | None = None,
    ) -> None:
        """`open_for_browsers` is called in a thread when the first one comes; None: they get
        nothing. A private room has a `private_server`, and takes over the connections on which
        members talk.
        """
        super().__init__(listener, selector, senders, is_private=private_server is not None)
        self.list_limits = ListLimits()  # tests replace it
        self._registry, self._participants = registry, participants
        self._private_server, self._take_channel = private_server, take_channel
        self._room = CachedAnswer(self._pack_room)
        self._open_for_browsers = open_for_browsers
        self._loading: Worker | None = None  # the thread that sets _browsers
        self._browsers: Browsers | None = None
        self._lists = PackedLists(registry.room_list)
        self._readers = dict[Client, PackedList]()  # what each gets
        self._uploads = dict[str, Client]()  # those that send a list, by share
        self._list_rate = RateLimit(per_host=LISTS_PER_HOST, whole=LISTS_IN_ALL)

    def close(self) -> None:
        super().close()
        if self._loading is not None:
            self._loading.join()
        if self._browsers is not None:
            self._browsers.close()

    def _serve(self, client: Client) -> Steps:
        if self._private_server is not None:
            client.deadline = time.monotonic() + self.limits.enter_s
            for needs_bytes in self._private_server.admit(client.connection):
                yield Wait.TO_READ if needs_bytes else Wait.TURN
            client.has_proved = True
            client.deadline = time.monotonic() + self.limits.call_s
        client.received = yield from client.receive(MAX_CALL)
        if client.received[:1].isupper() and self._open_for_browsers is not None:
            yield from self._serve_browser(client)
        else:
            yield from self._serve_program(client)

    def _serve_browser(self, client: Client) -> Steps:
        browsers = yield from self._loaded_for_browsers()
        others = sum(other.is_browser for other in self._clients)
        is_full = others >= self.limits.browsers and not self._make_room(
            time.monotonic(), among=lambda other: other.is_browser
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
            case OpenChannel() if self._take_channel is not None:
                client.connection.put_back(client.received)
                client.goes_on = self._take_channel
                return
            case OpenChannel():
                raise PeerProtocolError("messages of an open room are datagrams")
            case TellList() as call:
                yield from self._answer_list(client, call)

    def _make_room_in_memory(self, newcomer: Client) -> None:
        """While the lists that are being sent take too much memory, close connections that read
        slowly.
        """
        now, most = time.monotonic(), self.list_limits.unread
        own = self._readers[newcomer]
        while True:
            if sum(packed.size for packed in set(self._readers.values())) <= most:
                return
            slow = [
                client
                for client, packed in self._readers.items()
                if packed is not own and client.waits_for is Wait.TO_WRITE
            ]
            if not slow:
                return
            self._close_worst(slow, now)

    def _prolong(self, client: Client, packed: int) -> None:
        """It may take call_s from now on, and as long as that many bytes of a list need."""
        client.deadline = time.monotonic() + self.limits.call_s + packed / SLOWEST

    def _send_list(self, client: Client, since: str) -> Steps:
        packed = self._readers[client] = self._lists.since(since)
        try:
            while packed.data is None:
                client.check_is_there()
                self._lists.work()
                yield Wait.TURN
            self._make_room_in_memory(client)
            self._prolong(client, packed.size)
            follows = ListFollows(packed.version, packed.is_whole, packed.size)
            yield from client.send(encode_reply(follows))
            for piece in packed.data:
                yield from client.send(piece)
        finally:
            del self._readers[client]
            self._lists.leave(packed)

    def _send_room(self, client: Client) -> Steps:
        room = yield from in_turns(self._room.get())
        self._prolong(client, len(room))
        yield from client.send(encode_reply(RoomFollows(len(room))))
        yield from client.send(room)

    def _pack_room(self) -> Generator[None, None, bytes]:
        packer, packed, now = Packer(), bytearray(), time.monotonic()
        for number, participant in enumerate(self._participants()):
            packed += packer.pack(encode_participant(participant, now=now))
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
        update = ShareUpdate(self._registry.room_list, call, owner)
        self._uploads[call.share] = client
        try:
            yield from self._read_into(client, update, call.packed)
            self._registry.owner_of(call, client.ip, now=time.monotonic())  # it may be gone by now
            for _ in update.finish():
                yield Wait.TURN
            self._list_rate.charge(owner.host, update.changes / self.list_limits.lines_of_a_list)
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
