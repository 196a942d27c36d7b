"""Those who try to get into a private room without its code."""

from __future__ import annotations

import socket
import ssl
import unittest
from contextlib import suppress

from roles.net.connection import Connection
from roles.net.tls_carrier import client_context, encrypt
from roles.private.certificate import DeviceKey
from roles.private.handshake_wire import GREETING, JOIN, PROVE, answer_of
from roles.private.private_client import PrivateClient, _Member
from roles.private.private_server import NotPrivateError, PrivateServer
from roles.private.room_keys import RoomKeys
from roles.values.errors import CodeRefusedError, PeerProtocolError
from tests.connections import tcp_pair
from tests.private_trackers import (
    CODE,
    PrivateTracker,
    PrivateTrackerTest,
    Relay,
    connection_over,
    recorded,
    walk,
)
from tests.support import LIMIT_S, NEVER, wait_until


class IntruderTest(PrivateTrackerTest):
    def dialled(self, tracker: PrivateTracker) -> Connection:
        sock = socket.create_connection(tracker.address)
        connection = connection_over(sock)
        self.addCleanup(connection.close)
        return connection

    def assert_refused(self, tracker: PrivateTracker, count: int = 1) -> None:
        wait_until(lambda: len(tracker.refused) >= count)
        self.assertEqual(len(tracker.refused), count)
        self.assertEqual(tracker.admitted, [])

    def encrypted(self, tracker: PrivateTracker) -> Connection:
        connection = self.dialled(tracker)
        connection.post(GREETING)
        while connection.take(len(answer_of(tracker.keys.room.room))) is None:
            connection.read_ahead(31)
        carrier = encrypt(connection, client_context(), server_side=False)
        while not carrier.shake_hands():
            pass
        return connection

    def test_a_relay_that_ends_tls_on_both_sides_is_refused_by_both(self) -> None:
        tracker = self.tracker()
        relay = Relay(tracker.address)
        self.addCleanup(relay.close)
        with self.assertRaises(CodeRefusedError):
            PrivateClient(CODE).connected(relay.address, NEVER)
        self.assert_refused(tracker)

    def test_a_relay_learns_nothing_from_members_that_come_back_and_cannot_use_it(self) -> None:
        tracker = self.tracker()
        private_client, connection = self.joined(tracker)
        connection.close()
        with socket.create_connection(tracker.address):
            pass
        relay = Relay(tracker.address)
        self.addCleanup(relay.close)
        with self.assertRaises(PeerProtocolError):  # another certificate
            private_client.connected(relay.address, NEVER)
        member = PrivateClient(CODE)
        member.connected(tracker.address, NEVER).close()
        sock = socket.create_connection(relay.address)
        with connection_over(sock) as between, self.assertRaises(PeerProtocolError):
            member.enter(between, NEVER)

    def test_what_changes_the_clear_words_is_noticed(self) -> None:
        tracker = self.tracker()
        other = Relay(tracker.address, room="0" * 16, is_blind=True)
        self.addCleanup(other.close)
        with self.assertRaises(CodeRefusedError):
            PrivateClient(CODE).connected(other.address, NEVER)
        self.assert_refused(tracker)

    def test_a_handshake_that_stops_at_any_byte_harms_nobody(self) -> None:
        tracker = self.tracker()
        said = recorded(tracker)
        self.assertGreater(len(said), 300)
        tracker.let_go()
        for at in range(0, len(said), 7):
            with socket.create_connection(tracker.address) as sock:
                sock.sendall(said[:at])
        wait_until(lambda: len(tracker.refused) == len(range(0, len(said), 7)))
        self.assertEqual(tracker.admitted, [])
        self.joined(tracker)

    def test_what_was_said_once_opens_nothing_a_second_time(self) -> None:
        tracker = self.tracker()
        said = recorded(tracker)
        tracker.let_go()
        with socket.create_connection(tracker.address) as sock:
            sock.sendall(said)
            sock.settimeout(LIMIT_S)
            with suppress(OSError):
                while sock.recv(10_000):
                    pass
        self.assert_refused(tracker)

    def test_data_before_the_proof_is_not_listened_to(self) -> None:
        tracker = self.tracker()
        for number, words in enumerate(
            (b'{"lmk":2,"ask":"list","since":""}\n', PROVE + bytes(64), JOIN + bytes(65)), 1
        ):
            connection = self.encrypted(tracker)
            connection.send_all(words + bytes(200), within_s=LIMIT_S)
            self.assert_refused(tracker, number)

    def test_a_stranger_that_sends_much_and_says_nothing_is_left(self) -> None:
        tracker = self.tracker()
        with socket.create_connection(tracker.address) as sock:
            # A ClientHello of 128 KiB, in records of 1,000 bytes.
            hello = b"\x01\x01\xff\xfc".ljust(10_000, b"\0")
            parts = (hello[at : at + 1_000] for at in range(0, len(hello), 1_000))
            sock.sendall(GREETING + b"".join(b"\x16\x03\x01\x03\xe8" + part for part in parts))
            self.assert_refused(tracker)
        self.assertIn("no data", str(tracker.refused[0]))

    def test_someone_with_neither_code_nor_secret_cannot_prove_anything(self) -> None:
        tracker = self.tracker()
        stranger = PrivateClient(CODE)
        stranger._state = _Member(RoomKeys(tracker.keys.room.room, bytes(32)), tracker.address, b"")
        sock = socket.create_connection(tracker.address)
        with connection_over(sock) as connection, self.assertRaises(PeerProtocolError):
            stranger.enter(connection, NEVER)
        self.assert_refused(tracker)

    def test_a_proof_cannot_be_sent_back_to_who_made_it(self) -> None:
        """Two accepting sides, each of whose words are passed to the other."""
        tracker = self.tracker()
        one = self.encrypted(tracker)
        other = connection_over(socket.create_connection(tracker.address))
        one.send_all(PROVE + bytes(32), within_s=LIMIT_S)
        answer = b""
        while len(answer) < 65:
            answer += one.receive(65) or b""
        one.send_all(answer[33:], within_s=LIMIT_S)
        self.assert_refused(tracker)
        other.close()

    def test_tls_1_2_is_refused(self) -> None:
        tracker, connection = self.tracker(), None
        connection = self.dialled(tracker)
        connection.post(GREETING)
        while connection.take(31) is None:
            connection.read_ahead(31)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        carrier = encrypt(connection, old, server_side=False)
        with self.assertRaises(OSError):
            while not carrier.shake_hands():
                pass
        self.assert_refused(tracker)

    def test_a_member_that_has_not_joined_admits_nobody(self) -> None:
        sock, other = self.enterContext(tcp_pair())
        sock.sendall(GREETING)
        with self.assertRaises(PeerProtocolError):
            walk(PrivateClient(CODE).private_server.admit(connection_over(other)))

    def test_what_is_not_meant_for_a_private_room_stays_to_be_read(self) -> None:
        private_server = PrivateServer(DeviceKey.made(), lambda: RoomKeys("0" * 16, bytes(32)))
        for words in (b"request_connection\n", b"GET / HTTP/1.1\r\n", b"lmk_private 2\n"):
            with self.subTest(words=words), tcp_pair() as (sock, other):
                sock.sendall(words)
                connection = connection_over(other)
                with self.assertRaises(NotPrivateError):
                    walk(private_server.admit(connection))
                self.assertEqual(connection.receive(100), words)


if __name__ == "__main__":
    unittest.main()
