"""TLS as a carrier: what goes in comes out at the other end, in order, and nothing else does."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest import mock

from roles.net import carrier
from roles.net.carrier import Carrier
from roles.net.connection import Connection
from roles.net.tls_carrier import TlsCarrier, client_context, encrypt, server_context
from roles.private.certificate import DeviceKey
from roles.values.addresses import LOOPBACK, Address
from tests.connections import tcp_pair
from tests.disks import some_bytes
from tests.role_test import RoomTest
from tests.support import LIMIT_S


@cache
def some_key() -> DeviceKey:
    return DeviceKey.made()


@cache
def some_server() -> ssl.SSLContext:
    return server_context(some_key().pem())


class ShakingHands(TlsCarrier):
    """Begins with the handshake by itself, so that everything can run over it."""

    _has_shaken = False

    def receive_into(self, target: memoryview, at_least: int = 1) -> int | None:
        return super().receive_into(target, at_least) if self._has_begun() else None

    def send(self, data: carrier.Bytes, *, more: bool = False, waits: bool = True) -> int:
        return super().send(data, more=more, waits=waits) if self._has_begun() else 0

    def _has_begun(self) -> bool:
        with self._begin:
            self._has_shaken = self._has_shaken or self.shake_hands()
        return self._has_shaken

    @classmethod
    def carrier_of(cls, sock: socket.socket, *, server_side: bool) -> Carrier:
        context = some_server() if server_side else client_context()
        made = cls(sock, context, b"", server_side=server_side)
        made._begin = threading.Lock()
        return made

    _begin: threading.Lock


class TlsPairTest(unittest.TestCase):
    def setUp(self) -> None:
        sock, other = self.enterContext(tcp_pair())
        self.sock, self.other_sock = sock, other
        self.client = Connection(Carrier(sock), Address(LOOPBACK, 1))
        self.server = Connection(Carrier(other), Address(LOOPBACK, 2))
        for side in (self.client, self.server):
            side.limit(LIMIT_S)
            self.addCleanup(side.close)

    def shake_hands(self) -> tuple[TlsCarrier, TlsCarrier]:
        server = encrypt(self.server, some_server(), server_side=True)
        client = encrypt(self.client, client_context(), server_side=False)
        beside = threading.Thread(target=server.shake_hands)
        beside.start()
        self.assertTrue(client.shake_hands())
        beside.join(LIMIT_S)
        return client, server

    def received(self, connection: Connection, count: int) -> bytes:
        data = bytearray()
        while len(data) < count and (part := connection.receive(count - len(data))):
            data += part
        return bytes(data)

    def test_both_ends_say_the_same_and_the_line_shows_none_of_it(self) -> None:
        client, _ = self.shake_hands()
        self.assertEqual(client.other_certificate(), some_key().certificate)
        self.client.send_all(b"a name that nobody shall see", within_s=LIMIT_S)
        seen = self.other_sock.recv(1_000, socket.MSG_PEEK)
        self.assertGreater(len(seen), 28)
        self.assertNotIn(b"nobody", seen)
        self.assertEqual(self.received(self.server, 28), b"a name that nobody shall see")

    def test_what_came_with_the_last_clear_words_belongs_to_tls(self) -> None:
        self.client.send_all(b"clear\n", within_s=LIMIT_S)
        client = encrypt(self.client, client_context(), server_side=False)
        self.client.limit(0)
        self.assertFalse(client.shake_hands())  # its first words go out at once
        self.client.limit(LIMIT_S)
        while self.server.ahead < 100:
            self.server.read_ahead(200)
        self.assertEqual(self.server.take(6), b"clear\n")
        server = encrypt(self.server, some_server(), server_side=True)
        beside = threading.Thread(target=client.shake_hands)
        beside.start()
        self.assertTrue(server.shake_hands())
        beside.join(LIMIT_S)

    def test_much_goes_both_ways_at_once_from_several_threads_in_order(self) -> None:
        self.shake_hands()
        there, back = some_bytes(3_000_000, 1), some_bytes(3_000_000, 2)
        came: dict[str, bytes] = {}

        def receive(name: str, connection: Connection) -> None:
            came[name] = self.received(connection, 3_000_000)

        def send(connection: Connection, data: bytes) -> None:
            for at in range(0, len(data), 70_001):
                connection.send_all(data[at : at + 70_001], within_s=LIMIT_S)

        threads = [
            threading.Thread(target=receive, args=("there", self.server)),
            threading.Thread(target=receive, args=("back", self.client)),
            threading.Thread(target=send, args=(self.client, there)),
            threading.Thread(target=send, args=(self.server, back)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        self.assertEqual(came, {"there": there, "back": back})

    def test_bytes_that_find_no_room_go_out_with_the_next_call(self) -> None:
        self.shake_hands()
        self.client.limit(0)
        self.server.limit(0.01)  # a record may not be whole before more goes out
        data, sent, balked = some_bytes(8_000_000), 0, 0
        came = bytearray()
        while sent < len(data):
            count = self.client.send(data[sent:])
            sent += count
            if not count:
                balked += 1
                came += self.server.receive(1_000_000) or b""
        self.assertGreater(balked, 0)
        came += self.received(self.server, len(data) - len(came))
        self.assertEqual(bytes(came), data)

    def test_what_did_not_fit_can_be_received_without_waiting(self) -> None:
        _, server = self.shake_hands()
        self.client.send_all(bytes(50_000), within_s=LIMIT_S)
        self.assertEqual(self.server.receive(10), bytes(10))
        self.assertGreater(self.server.pending, 0)
        self.assertEqual(self.received(self.server, 49_990), bytes(49_990))
        self.server.limit(0)
        self.assertIsNone(self.server.receive(1))
        self.assertEqual(server.pending, 0)

    def test_waking_for_many_bytes_never_waits_for_more_than_will_come(self) -> None:
        self.shake_hands()
        size = 300_000
        for first in (1, 100, 16_385, 60_000):
            with self.subTest(first=first):
                self.client.send_all(bytes(size), within_s=LIMIT_S)
                self.server.limit(1)
                received = len(self.server.receive(first) or b"")
                while received < size:
                    room = memoryview(bytearray(size - received))
                    come = self.server.receive_into(room, min(128 * 1024, len(room)))
                    self.assertIsNotNone(come, "it waited in vain")
                    received += come or 0

    def test_what_is_followed_by_more_goes_out_together_with_it(self) -> None:
        self.shake_hands()
        with mock.patch.object(Carrier, "send", autospec=True, side_effect=Carrier.send) as sends:
            self.client.send_all(b"head, ", within_s=LIMIT_S, more=True)
            self.client.send_all(b"body", within_s=LIMIT_S)
        self.assertEqual(sends.call_count, 1)
        self.assertEqual(self.received(self.server, 10), b"head, body")

    def test_an_end_is_an_end_and_the_other_way_goes_on(self) -> None:
        self.shake_hands()
        self.client.send_all(b"last", within_s=LIMIT_S)
        self.client.end_sending()
        self.assertEqual(self.received(self.server, 100), b"last")
        self.server.send_all(b"answer", within_s=LIMIT_S)
        self.server.close()
        self.assertEqual(self.received(self.client, 100), b"answer")

    def test_a_connection_that_is_cut_off_does_not_look_like_an_end(self) -> None:
        self.shake_hands()
        self.sock.shutdown(socket.SHUT_RDWR)
        with self.assertRaises(ConnectionResetError):
            self.server.receive(1)

    def test_changed_bytes_are_refused(self) -> None:
        self.shake_hands()
        self.sock.sendall(b"\x17\x03\x03\x00\x40" + bytes(64))
        with self.assertRaises(OSError):
            self.server.receive(1)

    def test_an_older_version_of_tls_is_refused(self) -> None:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        server = encrypt(self.server, some_server(), server_side=True)
        client = encrypt(self.client, old, server_side=False)
        self.client.limit(0)
        self.assertFalse(client.shake_hands())
        with self.assertRaisesRegex(ssl.SSLError, "^its encryption is not that of a private"):
            server.shake_hands()
        self.client.limit(LIMIT_S)
        with self.assertRaises(ssl.SSLError):
            client.shake_hands()

    def test_no_tickets_are_sent(self) -> None:
        self.assertEqual(some_server().num_tickets, 0)
        self.shake_hands()
        self.client.limit(0.05)
        self.assertIsNone(self.client.receive(1))
        self.assertFalse(client_context().session_stats()["hits"])

    def test_a_handshake_that_stops_anywhere_ends_with_the_patience_of_its_user(self) -> None:
        server = encrypt(self.server, some_server(), server_side=True)
        self.server.limit(0)
        self.assertFalse(server.shake_hands())
        self.sock.sendall(b"\x16\x03\x01")
        self.assertFalse(server.shake_hands())
        self.sock.shutdown(socket.SHUT_RDWR)
        self.server.limit(LIMIT_S)
        with self.assertRaises(OSError):
            server.shake_hands()

    def trickle(self, words: bytes) -> threading.Thread:
        """`words`, and then a byte now and then, as long as this test lasts."""
        has_ended = threading.Event()

        def send() -> None:
            self.sock.sendall(words)
            for _ in range(round(LIMIT_S / 0.02)):
                if has_ended.wait(0.02):
                    return
                self.sock.sendall(b"x")

        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(has_ended.set)
        return thread

    def test_bytes_that_trickle_in_hold_nobody_longer_than_it_wanted_to_wait(self) -> None:
        self.shake_hands()
        self.server.limit(0.1)
        trickling = self.trickle(b"\x17\x03\x03\x40\x00")
        self.assertIsNone(self.server.receive(1))
        self.assertTrue(trickling.is_alive())

    def test_a_handshake_that_trickles_in_holds_nobody_either(self) -> None:
        server = encrypt(self.server, some_server(), server_side=True)
        self.server.limit(0.1)
        trickling = self.trickle(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
        self.assertFalse(server.shake_hands())
        self.assertTrue(trickling.is_alive())

    def test_one_that_reads_a_little_now_and_then_holds_nobody_either(self) -> None:
        self.shake_hands()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
        has_ended = threading.Event()

        def read() -> None:
            for _ in range(round(LIMIT_S / 0.01)):
                if has_ended.wait(0.01) or not self.sock.recv(2_000):
                    return

        reading = threading.Thread(target=read)
        reading.start()
        self.addCleanup(reading.join)
        self.addCleanup(has_ended.set)
        self.server.limit(1)
        while self.server.send(bytes(256 * 1024)):
            pass
        self.assertTrue(reading.is_alive())

    def test_one_that_sends_much_and_says_nothing_is_left(self) -> None:
        context = server_context(some_key().pem())
        context.num_tickets = 1_000  # 250 bytes each, which carry no data
        server = encrypt(self.server, context, server_side=True)
        encrypt(self.client, client_context(), server_side=False)
        beside = threading.Thread(target=server.shake_hands)
        beside.start()
        self.addCleanup(beside.join)
        with self.assertRaisesRegex(ConnectionResetError, "no data"):
            while not self.client.receive(1):
                pass


class TlsRoomTest(RoomTest):
    def test_a_room_runs_over_tls_with_no_change_above(self) -> None:
        made: list[Callable[[], object]] = []

        def carrier_of(sock: socket.socket) -> Carrier:
            made.append(lambda: None)
            return ShakingHands.carrier_of(sock, server_side=_is_connected(sock))

        self.enterContext(mock.patch.object(carrier, "carrier_of", carrier_of))
        files = {"big.bin": some_bytes(3_000_000), **{f"s{n}": some_bytes(99, n) for n in range(9)}}
        room = self.tracker().address
        self.seeder(self.make_folder("shared", files), room)
        for name in ("taken", "taken by another"):
            taken = self.make_folder(name)
            self.assert_downloads(self.leecher(taken, room), taken, files)
        self.assertGreater(len(made), 4)


def _is_connected(sock: socket.socket) -> bool:
    """Whether it was accepted: others get their carrier before they connect."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


class OpenRoomTest(unittest.TestCase):
    def test_an_open_room_never_loads_tls(self) -> None:
        code = (
            "import sys, lmktorrent_app\n"
            "import roles.tracker, roles.seeder, roles.leecher, roles.lister, roles.observer\n"
            "import roles.discovery, roles.checker\n"
            "from ui.terminal import tracker_command, seed_command, list_command, get_command\n"
            "print([n for n in sys.modules if n in ('ssl', '_ssl', 'roles.net.tls_carrier')"
            " or n.startswith('roles.private')])"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
        self.assertEqual(ran.stdout.strip(), "[]")


class KeyFileTest(unittest.TestCase):
    def test_the_file_of_the_key_is_gone_as_soon_as_it_is_loaded(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.object(tempfile, "tempdir", folder):
                server_context(some_key().pem())
            self.assertEqual(list(Path(folder).iterdir()), [])


if __name__ == "__main__":
    unittest.main()
