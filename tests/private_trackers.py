"""The accepting side of a private room without a room around it, for tests."""

from __future__ import annotations

import socket
import threading
import time
import unittest
from collections.abc import Callable, Generator
from contextlib import suppress
from unittest import mock

from roles.net.carrier import Carrier
from roles.net.connection import Connection
from roles.net.tls_carrier import client_context, encrypt, server_context
from roles.private.certificate import DeviceKey
from roles.private.handshake_wire import GREETING, answer_of, room_of
from roles.private.private_client import PrivateClient
from roles.private.private_server import CodeVerifier, PrivateServer
from roles.private.room_keys import TrackerKeys
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import LmkError
from tests.support import LIMIT_S, NEVER, wait_until

CODE = "482177305"


def connection_over(sock: socket.socket) -> Connection:
    made = Connection(Carrier(sock), Address(LOOPBACK, 12500))
    made.limit(0.05)
    return made


def walk(steps: Generator[bool, None, None], within_s: float = LIMIT_S) -> None:
    """As a thread would."""
    deadline = time.monotonic() + within_s
    for _ in steps:
        if time.monotonic() > deadline:
            raise TimeoutError


class PrivateTracker:
    """A listening tracker of a private room, which admits one after the other."""

    def __init__(self, code: str = CODE, keys: TrackerKeys | None = None) -> None:
        self.keys = keys or TrackerKeys.kept(None, code)
        self.verifier = CodeVerifier(self.keys)
        self.private_server = PrivateServer(
            self.keys.key, lambda: self.keys.room, verifier=self.verifier
        )
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = Address(*self.listener.getsockname())
        self.admitted, self.refused = list[Connection](), list[BaseException]()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self._admit(sock)

    def _admit(self, sock: socket.socket) -> None:
        connection = connection_over(sock)
        try:
            walk(self.private_server.admit(connection))
            self.admitted.append(connection)
            return
        except (OSError, LmkError) as error:
            self.refused.append(error)
        connection.close()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(LIMIT_S)
        self.let_go()

    def let_go(self) -> None:
        """Forget who was admitted."""
        for connection in self.admitted:
            connection.close()
        self.admitted.clear()


class PrivateTrackerTest(unittest.TestCase):
    def tracker(self, code: str = CODE) -> PrivateTracker:
        tracker = PrivateTracker(code)
        self.addCleanup(tracker.close)
        return tracker

    def joined(self, tracker: PrivateTracker, code: str = CODE) -> tuple[PrivateClient, Connection]:
        private_client = PrivateClient(code)
        connection = private_client.connected(tracker.address, NEVER)
        self.addCleanup(connection.close)
        return private_client, connection

    def refusal(self, tracker: PrivateTracker, code: str) -> LmkError:
        with self.assertRaises(LmkError) as raised:
            PrivateClient(code).connected(tracker.address, NEVER)
        return raised.exception


class Relay:
    """Ends TLS on both sides and passes on what it reads: all that somebody in the middle can do
    who has no code. `room`: what it says in clear instead; `is_blind`: it passes TLS as it is.
    """

    def __init__(self, target: Address, *, room: str = "", is_blind: bool = False) -> None:
        self._target, self._room, self._is_blind = target, room, is_blind
        self._context = server_context(DeviceKey.made().pem())
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address = Address(*self._listener.getsockname())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT_S)

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with suppress(OSError, LmkError):
                self._pass_on(connection_over(sock))

    def _pass_on(self, member: Connection) -> None:
        tracker = connection_over(socket.create_connection(self._target))
        with member, tracker:
            while member.take(len(GREETING)) is None:
                member.read_ahead(len(GREETING))
            tracker.post(GREETING)
            while (answer := tracker.take(31)) is None:
                tracker.read_ahead(31)
            room_of(answer)
            member.post(answer_of(self._room) if self._room else answer)
            if not self._is_blind:
                self._end_tls(member, tracker)
            copying = threading.Thread(target=self._copy, args=(tracker, member))
            copying.start()
            self._copy(member, tracker)
            copying.join(LIMIT_S)

    def _end_tls(self, member: Connection, tracker: Connection) -> None:
        ends = (
            encrypt(member, self._context, server_side=True),
            encrypt(tracker, client_context(), server_side=False),
        )
        for end in ends:
            while not end.shake_hands():
                pass

    @staticmethod
    def _copy(source: Connection, target: Connection) -> None:
        deadline = time.monotonic() + 5
        with suppress(OSError):
            while time.monotonic() < deadline:
                data = source.receive(10_000)
                if data == b"":
                    break
                if data:
                    target.send_all(data, within_s=LIMIT_S)
        target.hang_up()


def recorded(tracker: PrivateTracker) -> bytes:
    """All bytes that a member sends until it has joined, as they go over the line."""
    said = bytearray()
    send: Callable[..., int] = Carrier.send

    def noted(carrier: Carrier, data: bytes, *, more: bool = False, waits: bool = True) -> int:
        sent = send(carrier, data, more=more, waits=waits)
        if threading.current_thread() is threading.main_thread():
            said.extend(bytes(data[:sent]))
        return sent

    with mock.patch.object(Carrier, "send", noted):
        PrivateClient(CODE).connected(tracker.address, NEVER).close()
    wait_until(lambda: bool(tracker.admitted))
    return bytes(said)
