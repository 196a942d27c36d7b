"""Datagrams at a tracker, and the talk of a member with it."""

from __future__ import annotations

import socket
import unittest
from unittest import mock

from roles.net.datagrams import DatagramChannel, Datagrams, broadcasting
from roles.values.addresses import LOOPBACK
from tests.role_test import LINUX_ONLY
from tests.support import LIMIT_S, wait_until


class DatagramsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.tracker = self.enterContext(broadcasting(LOOPBACK))
        self.channel = DatagramChannel(self.tracker.address)
        self.addCleanup(self.channel.close)

    def received(self, by: Datagrams, most: int = 100) -> tuple[bytes, tuple[str, int]]:
        come = list[tuple[bytes, tuple[str, int]]]()

        def has_come() -> bool:
            datagram = by.receive(most)
            come.extend([datagram] if datagram else [])
            return bool(come)

        wait_until(has_come, LIMIT_S)
        return come[0]

    def test_a_question_is_answered_where_it_came_from(self) -> None:
        self.channel.send(b"question")
        question, source = self.received(self.tracker)
        self.assertEqual(question, b"question")
        self.assertTrue(self.tracker.send(b"answer", source))
        self.assertEqual(self.channel.receive(LIMIT_S), b"answer")

    def test_no_other_address_is_heard_in_a_talk(self) -> None:
        self.channel.send(b"question")
        _, source = self.received(self.tracker)
        with broadcasting(LOOPBACK) as stranger:
            stranger.send(b"a lie", source)
        self.tracker.send(b"answer", source)
        self.assertEqual(self.channel.receive(LIMIT_S), b"answer")

    def test_nobody_waits_at_a_tracker(self) -> None:
        self.assertIsNone(self.tracker.receive(100))
        full = mock.Mock(wraps=self.tracker.sock, sendto=mock.Mock(side_effect=BlockingIOError))
        with mock.patch.object(self.tracker, "sock", full):
            self.assertFalse(self.tracker.send(b"answer", ("127.0.0.1", 9)))

    def test_without_an_answer_a_member_waits_as_long_as_it_is_told(self) -> None:
        with self.assertRaises(TimeoutError):
            self.channel.receive(0.01)

    def test_where_nobody_listens_a_member_is_told_so(self) -> None:
        self.tracker.close()
        with self.assertRaises(ConnectionError):
            for _ in range(2):  # the first word is answered by the system
                self.channel.send(b"question")
                self.channel.receive(1.0)

    @LINUX_ONLY
    def test_the_system_is_asked_to_keep_more(self) -> None:
        before = self.tracker.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.tracker.expect_many()
        after = self.tracker.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.assertGreater(after, before)
