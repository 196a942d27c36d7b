"""Lists over TCP at the tracker: readers fetch the room's, seeders tell theirs.

Runs in the tracker's loop and never blocks it: each connection is a generator that yields what it
waits for, and long work is done a slice at a time.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from roles.room.packed_lists import PackedList, PackedLists
from roles.room.registry import Registry
from roles.room.room_catalogue import ListRefusedError
from roles.room.share_update import ShareUpdate
from roles.room.tellers import teller_of
from roles.values.addresses import is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire.lmk2_list_wire import (
    MAX_CALL,
    MAX_PACKED,
    AskList,
    ListFollows,
    Taken,
    TellList,
    Unpacker,
    decode_call,
    encode_reply,
)
from roles.wire.lmk2_tracker_messages import Code

log = logging.getLogger(__name__)

MAX_CLIENTS = 64  # at once; more wait in the system's queue
MAX_CLIENTS_PER_HOST = 8  # a stranger who says nothing holds no more; this machine is exempt
STALLED_S = 2.0  # without a byte: it goes when others have no room
CALL_S = 30.0  # for everything but the bytes of a list
SLOWEST = 256 * 1024  # bytes per second: a list may take so much longer
LINGER_S = 5.0  # for the other side to read the answer and close
WORK_S = 0.005  # at most so long no datagram is read
_SLICE = 250  # lines taken before others have their turn
_BUFFER = 64 * 1024
_AT_ONCE = 256 * 1024  # bytes given to the system in one go
_CLOSED: tuple[type[Exception], ...] = (OSError, PeerProtocolError, MemoryError)


class _Wait(Enum):
    """What a connection waits for."""

    TO_READ = "to read"
    TO_WRITE = "to write"
    TURN = "turn"  # others work first
    PACKED = "packed"  # until the list is packed


_Steps: TypeAlias = Generator[_Wait, None, None]
_EVENTS = {_Wait.TO_READ: selectors.EVENT_READ, _Wait.TO_WRITE: selectors.EVENT_WRITE}


@dataclass(slots=True, eq=False)
class _Client:
    """One connection."""

    link: socket.socket
    ip: str
    deadline: float
    moved_at: float  # when a byte went either way; of a call that is not whole, when it came
    has_called: bool = False  # its first line is whole
    received: bytes = b""  # behind the first line
    waits_for: _Wait = _Wait.TURN
    steps: _Steps = field(init=False)


class ListServer:
    """Everything about one listening socket. Used by the tracker's thread only."""

    def __init__(
        self, listener: socket.socket, selector: selectors.BaseSelector, registry: Registry
    ) -> None:
        """Registers itself: the data of each key is what to call when it is ready."""
        listener.setblocking(False)
        self._listener, self._selector, self._registry = listener, selector, registry
        self._lists = PackedLists(registry.catalogue)
        self._clients = dict[_Client, None]()  # in the order in which they came
        self._from_host = Counter[str]()
        self._telling = set[str]()  # shares whose list arrives now
        self._is_accepting = False
        self._accept_again()

    def work(self) -> bool:
        """Do what is not waiting for the network, for WORK_S; whether there is more of it."""
        until = time.monotonic() + WORK_S
        # Those whose list is packed go on, and those who hung up are gone.
        self._step_all([one for one in self._clients if one.waits_for is _Wait.PACKED])
        while True:
            is_packing = self._lists.work()
            busy = [client for client in self._clients if client.waits_for is _Wait.TURN]
            self._step_all(busy)
            if not (is_packing or busy):
                break
            if time.monotonic() >= until:
                return True
        return any(client.waits_for is _Wait.PACKED for client in self._clients)

    def expire(self, *, now: float) -> None:
        """Close what takes too long."""
        for client in [client for client in self._clients if now >= client.deadline]:
            self._close(client)
        self._accept_again()

    def close(self) -> None:
        """Close all but the listening socket."""
        for client in list(self._clients):
            self._close(client)
        if self._is_accepting:
            self._stop_accepting()

    def _accept(self) -> None:
        now = time.monotonic()
        if len(self._clients) >= MAX_CLIENTS and not self._make_room(now):
            self._stop_accepting()  # until expire(), or until somebody is served
            return
        try:
            link, (ip, _) = self._listener.accept()
        except (OSError, MemoryError) as error:  # it is gone, or no descriptor is left
            log.debug("accepting: %s", error)
            self._stop_accepting()  # until expire(), for the selector would tell of it at once
            return
        if self._from_host[ip] >= MAX_CLIENTS_PER_HOST and not is_loopback(ip):
            link.close()
            return
        link.setblocking(False)
        client = _Client(link, ip, now + CALL_S, now)
        client.steps = self._serve(client)
        self._clients[client] = None
        self._from_host[ip] += 1
        self._step(client)

    def _make_room(self, now: float) -> bool:
        """Hang up on the one that stands still longest, if it does so too long."""
        waiting = [client for client in self._clients if client.waits_for in _EVENTS]
        oldest = min(waiting, key=lambda client: client.moved_at, default=None)
        if oldest is None or now - oldest.moved_at < STALLED_S:
            return False
        self._close(oldest)
        return True

    def _accept_again(self) -> None:
        if not self._is_accepting:
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
            self._is_accepting = True

    def _stop_accepting(self) -> None:
        self._selector.unregister(self._listener)
        self._is_accepting = False

    def _step_all(self, clients: Iterable[_Client]) -> None:
        for client in clients:
            self._step(client)

    def _step(self, client: _Client) -> None:
        """Let it go on until it waits again."""
        if client not in self._clients:  # closed after the selector told of it
            return
        before = _EVENTS.get(client.waits_for, 0)
        try:
            client.waits_for = next(client.steps)
        except StopIteration:
            self._close(client)
            return
        except _CLOSED as error:
            log.debug("a list for or of %s: %s", client.ip, error)
            self._close(client)
            return
        after = _EVENTS.get(client.waits_for, 0)
        if before == after:
            return
        if before:
            self._selector.unregister(client.link)
        if after:
            try:
                self._selector.register(client.link, after, lambda: self._step(client))
            except (OSError, MemoryError) as error:
                log.debug("a list for or of %s: %s", client.ip, error)
                client.waits_for = _Wait.TURN  # it is not registered
                self._close(client)

    def _close(self, client: _Client) -> None:
        del self._clients[client]
        client.steps.close()
        if client.waits_for in _EVENTS:
            self._selector.unregister(client.link)
        client.link.close()
        self._from_host[client.ip] -= 1
        if not self._from_host[client.ip]:
            del self._from_host[client.ip]
        self._accept_again()

    def _serve(self, client: _Client) -> _Steps:
        while b"\n" not in client.received:
            if len(client.received) > MAX_CALL:
                raise PeerProtocolError("a call that does not end")
            client.received += yield from _received(client, MAX_CALL)
        client.has_called = True
        _note_moved(client)
        line, _, client.received = client.received.partition(b"\n")
        match decode_call(line):
            case AskList(since):
                yield from self._send_list(client, since)
            case TellList() as call:
                yield from self._answer_list(client, call)
        client.link.shutdown(socket.SHUT_WR)
        client.deadline = min(client.deadline, time.monotonic() + LINGER_S)
        left = MAX_PACKED  # closed with bytes unread, the system would take the answer back
        while left > 0:
            left -= len((yield from _received(client, _BUFFER)))

    def _send_list(self, client: _Client, since: str) -> _Steps:
        packed = self._lists.since(since)
        try:
            yield from self._send_packed(client, packed)
        finally:
            self._lists.leave(packed)

    @staticmethod
    def _send_packed(client: _Client, packed: PackedList) -> _Steps:
        while packed.data is None:
            _check_is_there(client)
            yield _Wait.PACKED
        follows = ListFollows(packed.version, packed.is_whole, len(packed.data))
        _prolong(client, follows.packed)
        yield from _sent(client, encode_reply(follows))
        yield from _sent(client, packed.data)

    def _answer_list(self, client: _Client, call: TellList) -> _Steps:
        _prolong(client, call.packed)
        try:
            yield from self._take_list(client, call)
        except ListRefusedError as error:
            reply = Taken(False, error.code, str(error))
        except PeerProtocolError as error:
            reply = Taken(False, Code.REFUSED, f"The tracker cannot read this list: {error}.")
        else:
            reply = Taken(True)
        if not reply.is_taken:
            log.info("a list of %s is not taken: %s", client.ip, reply.text)
        yield from _sent(client, encode_reply(reply))

    def _take_list(self, client: _Client, call: TellList) -> _Steps:
        if call.share in self._telling:
            raise ListRefusedError(Code.BUSY, "A list of this folder is arriving already.")
        owner = teller_of(self._registry, call, client.ip, now=time.monotonic())
        update = ShareUpdate(self._registry.catalogue, call, owner)
        self._telling.add(call.share)
        try:
            yield from self._read_into(client, update, call.packed)
            teller_of(self._registry, call, client.ip, now=time.monotonic())  # it may be gone
            for _ in update.finish():
                yield _Wait.TURN
        finally:
            update.abandon()
            self._telling.discard(call.share)

    @staticmethod
    def _read_into(client: _Client, update: ShareUpdate, packed: int) -> _Steps:
        unpacker, data, taken = Unpacker(), client.received, 0
        while True:
            packed -= len(data)
            if packed < 0:
                raise PeerProtocolError("it is longer than announced")
            for line in unpacker.lines(data):
                update.take(line)
                taken += 1
                if taken % _SLICE == 0:
                    yield _Wait.TURN
            if packed == 0:
                break
            data = yield from _received(client, min(packed, _BUFFER))
        unpacker.end()


def _prolong(client: _Client, packed: int) -> None:
    client.deadline = time.monotonic() + CALL_S + packed / SLOWEST


def _check_is_there(client: _Client) -> None:
    """Raise when it hung up, or talks on, while its answer is made."""
    try:
        if not client.link.recv(1):
            raise ConnectionError("it hung up")
    except BlockingIOError:
        return
    raise PeerProtocolError("words behind a question")


def _note_moved(client: _Client) -> None:
    if client.has_called:
        client.moved_at = time.monotonic()


def _received(client: _Client, most: int) -> Generator[_Wait, None, bytes]:
    """Some bytes. Raises ConnectionError when there will be none."""
    while True:
        try:
            data = client.link.recv(most)
        except BlockingIOError:
            yield _Wait.TO_READ
            continue
        if not data:
            raise ConnectionError("it hung up")
        _note_moved(client)
        return data


def _sent(client: _Client, data: bytes) -> _Steps:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[client.link.send(rest[:_AT_ONCE]) :]
        except BlockingIOError:
            yield _Wait.TO_WRITE
        else:
            _note_moved(client)
            yield _Wait.TURN
