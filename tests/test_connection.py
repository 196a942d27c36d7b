"""A connection: who receives what, words that wait for nobody, the end of a lost address."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
import unittest

from roles.joining.list_client import fetch_list
from roles.joining.tracker_locator import TrackerLocator
from roles.net.connection import MAX_QUEUED, READ_AHEAD, Connection, end_connections
from roles.net.dialling import dialled
from roles.values.addresses import Address
from tests.connections import over, tcp_pair
from tests.disks import some_bytes
from tests.receiving import receive_exactly
from tests.role_test import RoomTest
from tests.support import LIMIT_S, NEVER, LmkTestCase, at_once

POSIX_ONLY = unittest.skipUnless(os.name == "posix", "a thing of POSIX systems")
HOST, GONE = "127.0.0.1", "127.0.0.66"


class ReceiveTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, ours = self.enterContext(tcp_pair())
        self.connection = over(ours)
        self.connection.limit(LIMIT_S)

    def read_ahead(self, said: bytes) -> None:
        self.peer.sendall(said)
        while self.connection.take(len(said)) is None:
            self.assertGreater(self.connection.read_ahead(len(said)) or 0, 0)
        self.connection.put_back(said)

    def test_nothing_in_time_and_the_end_are_told_apart(self) -> None:
        for timeout_s in (0, 0.02):
            self.connection.limit(timeout_s)
            self.assertIsNone(self.connection.receive(9))
        self.peer.shutdown(socket.SHUT_WR)
        self.connection.limit(LIMIT_S)
        self.assertEqual(self.connection.receive(9), b"")
        self.assertEqual(self.connection.read_ahead(9), 0)

    def test_what_came_along_is_there_for_whoever_receives_next(self) -> None:
        target = memoryview(bytearray(3))
        self.read_ahead(b"one two three four")
        self.assertEqual(self.connection.take(4), b"one ")
        self.assertEqual(self.connection.receive(4), b"two ")
        self.assertEqual(self.connection.receive_into(target), 3)
        self.assertEqual(bytes(target), b"thr")
        self.assertEqual(self.connection.take_ahead(target), 3)
        self.assertEqual(bytes(target), b"ee ")
        self.assertEqual(self.connection.pending, 4)
        self.assertIsNone(self.connection.take(5))
        self.assertEqual(self.connection.receive(100), b"four")
        self.assertEqual((self.connection.pending, self.connection.ahead), (0, 0))

    def test_what_is_put_back_comes_first(self) -> None:
        self.read_ahead(b"three")
        self.connection.put_back(b"two ")
        self.connection.put_back(b"")
        self.connection.put_back(b"one ")
        self.assertEqual(self.connection.take(13), b"one two three")

    def test_more_than_is_read_ahead_as_a_rule_can_be_taken_at_once(self) -> None:
        said = some_bytes(3 * READ_AHEAD + 1)
        self.read_ahead(b"x" + said + b"y")
        for expected in (b"x", said, b"y"):
            self.assertTrue(self.connection.take(len(expected)) == expected)


class SendTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, ours = self.enterContext(tcp_pair())
        self.peer.settimeout(LIMIT_S)
        self.connection = over(ours)

    def test_whoever_does_not_read_is_not_waited_for_any_longer_than_that(self) -> None:
        self.connection.limit(0.01)
        with at_once(), self.assertRaises(TimeoutError):
            self.connection.send_all(bytes(1 << 26), within_s=0.1)

    def test_last_words_are_said_before_the_end(self) -> None:
        self.connection.limit(0)
        self.connection.close(b"away")
        self.assertEqual(receive_exactly(self.peer, 4), b"away")
        self.assertEqual(self.peer.recv(1), b"")

    def test_who_hung_up_first_hears_none(self) -> None:
        self.connection.hang_up()
        self.connection.hang_up()
        self.connection.close(b"away")
        self.assertEqual(self.peer.recv(1), b"")


class PostTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, self.ours = self.enterContext(tcp_pair())
        for end in (self.peer, self.ours):
            end.settimeout(60.0)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.connection = over(self.ours)

    def fill(self) -> int:
        """Until something is kept; returns how many bytes were said."""
        said = 0
        while not self.connection.queued:
            self.connection.post(bytes([said // 1_000 % 251]) * 1_000)
            said += 1_000
        return said

    def test_who_does_not_read_holds_up_nobody_and_is_given_up(self) -> None:
        with at_once():
            self.fill()
            with self.assertRaises(TimeoutError):
                for _ in range(MAX_QUEUED // 1_000 + 1):
                    self.connection.post(bytes(1_000))

    def test_who_reads_late_gets_all_in_order(self) -> None:
        said = self.fill()
        self.connection.post(b"last")
        come = bytearray()

        def read() -> None:
            come.extend(receive_exactly(self.peer, said + 4))

        reading = threading.Thread(target=read)
        reading.start()
        deadline = time.monotonic() + LIMIT_S
        while self.connection.queued and time.monotonic() < deadline:
            self.connection.flush()
        reading.join()
        expected = b"".join(bytes([n % 251]) * 1_000 for n in range(said // 1_000)) + b"last"
        self.assertTrue(bytes(come) == expected)

    def test_what_is_held_goes_out_together_and_in_order(self) -> None:
        self.connection.hold()
        self.connection.post(b"one ")
        self.connection.post(b"two")
        self.assertTrue(self.connection.queued)
        self.connection.release()
        self.assertFalse(self.connection.queued)
        self.assertEqual(self.peer.recv(100), b"one two")

    def test_what_has_time_goes_out_ahead_of_the_next_words(self) -> None:
        self.connection.queue(b"one ")
        self.assertTrue(self.connection.queued)
        self.connection.post(b"two")
        self.assertEqual(self.peer.recv(100), b"one two")

    def test_what_has_time_is_not_kept_without_end(self) -> None:
        with self.assertRaises(TimeoutError):
            for _ in range(MAX_QUEUED // 1_000 + 1):
                self.connection.queue(bytes(1_000))

    def test_words_for_who_is_gone_are_an_error(self) -> None:
        self.connection.close()
        with self.assertRaises(OSError):
            self.connection.post(b"word")


class LostAddressTest(RoomTest):
    def listener(self, host: str) -> socket.socket:
        listener = self.enterContext(socket.create_server((host, 0)))
        listener.settimeout(LIMIT_S)
        return listener

    def pair(self, own: str, to: str) -> tuple[Connection, socket.socket]:
        """A connection from one address of this machine to another, and its other end."""
        listener = self.listener(to)
        sock = socket.create_connection(listener.getsockname(), LIMIT_S, (own, 0))
        connection = self.enterContext(over(sock))
        return connection, self.enterContext(listener.accept()[0])

    def assert_over(self, connection: Connection) -> None:
        if os.name != "posix":  # Windows wakes nobody who waits there: they look by themselves
            self.assertTrue(connection.was_hung_up or connection.receive(1) == b"")
            return
        connection.limit(LIMIT_S)
        try:
            self.assertEqual(connection.receive(1), b"")
        except ConnectionError:  # it was reset
            return

    def test_those_from_it_and_to_it_are_ended_and_no_other(self) -> None:
        ours, _ = self.pair(GONE, HOST)
        to_it, _ = self.pair(HOST, GONE)
        other, its_end = self.pair(HOST, "127.0.0.67")
        self.assertEqual(end_connections({GONE}), 2)
        self.assert_over(ours)
        self.assert_over(to_it)
        its_end.sendall(b"x")
        self.assertEqual(other.receive(1), b"x")

    @POSIX_ONLY
    def test_whoever_waits_for_one_wakes(self) -> None:
        connection, _ = self.pair(GONE, HOST)
        connection.limit(LIMIT_S)
        heard = list[bytes | None]()
        thread = threading.Thread(target=lambda: heard.append(connection.receive(1)))
        thread.start()
        end_connections({GONE})
        thread.join()
        self.assertEqual(heard, [b""])

    def test_what_a_program_dials_is_among_them(self) -> None:
        listener = self.listener(GONE)
        with dialled(Address(*listener.getsockname()), NEVER) as connection:
            self.enterContext(listener.accept()[0])
            self.assertEqual(end_connections({GONE}), 1)
            self.assert_over(connection)

    def test_what_a_program_accepts_is_among_them(self) -> None:
        room = self.tracker().address
        seeder = self.seeder(self.make_folder("shared", {"a": b"x"}), room)
        newcomer, reader = self.dial(seeder.address), self.dial(room)
        # Those who came later are answered, so these two are accepted.
        leecher = self.connected(seeder.address)
        fetch_list(TrackerLocator(Address(*room)), "")
        end_connections(None)
        for sock in (newcomer, reader, leecher):
            self.assert_over(over(sock))

    def test_those_that_were_opened_later_stay(self) -> None:
        connection, _ = self.pair(GONE, HOST)
        self.assertEqual(end_connections(None, before=time.monotonic() - 60.0), 0)
        self.assertFalse(connection.was_hung_up)
        self.assertEqual(end_connections({GONE}, before=time.monotonic() + 60.0), 1)
        self.assertTrue(connection.was_hung_up)

    def test_one_that_was_closed_is_forgotten(self) -> None:
        connection, _ = self.pair(GONE, HOST)
        connection.close()
        self.assertEqual(end_connections({GONE}), 0)
        del connection
        gc.collect()
        self.assertEqual(end_connections({GONE}), 0)
