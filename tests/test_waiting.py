"""A thread that waits for its connection and for the words of others."""

from __future__ import annotations

import errno
import socket
import threading
from unittest import mock

from roles.net.waiting import Waiting
from tests.connections import over, tcp_pair
from tests.support import LIMIT_S, LmkTestCase, at_once


class WaitingTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer, ours = self.enterContext(tcp_pair())
        self.connection = over(ours)
        self.waiting = Waiting(self.connection)
        self.addCleanup(self.waiting.close)

    def test_nothing_happens_for_as_long_as_it_is_told_to_wait(self) -> None:
        self.assertEqual(self.waiting.wait(0.01), (False, b""))

    def test_what_the_other_side_says_ends_the_wait(self) -> None:
        sending = threading.Thread(target=self.peer.sendall, args=(b"x",))
        sending.start()
        with at_once():
            self.assertEqual(self.waiting.wait(LIMIT_S), (True, b""))
        sending.join()

    def test_so_does_its_end(self) -> None:
        self.peer.shutdown(socket.SHUT_WR)
        with at_once():
            self.assertEqual(self.waiting.wait(LIMIT_S), (True, b""))

    def test_words_of_other_threads_end_it_and_are_told_once(self) -> None:
        waking = threading.Thread(target=self.waiting.wake, args=(b"\1",))
        waking.start()
        with at_once():
            self.assertEqual(self.waiting.wait(LIMIT_S), (False, b"\1"))
        waking.join()
        self.assertEqual(self.waiting.wait(0), (False, b""))

    def test_nobody_waits_for_bytes_that_are_here_already(self) -> None:
        self.connection.put_back(b"frames behind a greeting")
        with at_once():
            self.assertEqual(self.waiting.wait(LIMIT_S), (True, b""))

    def test_whoever_wakes_it_never_waits(self) -> None:
        with at_once():
            for _ in range(1 << 17):  # far more than any system keeps for a reader
                self.waiting.wake()
        self.assertTrue(self.waiting.wait(0)[1])

    def test_without_descriptors_none_is_left_open(self) -> None:
        ends = socket.socketpair()
        lack = OSError(errno.EMFILE, "Too many open files")
        with (
            mock.patch("socket.socketpair", return_value=ends),
            mock.patch("selectors.DefaultSelector", side_effect=lack),
            self.assertRaises(OSError),
        ):
            Waiting(self.connection)
        self.assertEqual([end.fileno() for end in ends], [-1, -1])
