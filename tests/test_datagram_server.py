"""Whose turn it is when many datagrams come at once. See also ManyAtOnce in test_tracker."""

from __future__ import annotations

import selectors
from unittest import mock

from roles.net.datagrams import broadcasting
from roles.net.neighbours import Neighbours
from roles.room import datagram_server
from roles.room.cookies import Proof
from roles.room.datagram_server import MAX_UNSENT, UNSENT_S, DatagramServer, Limits
from tests.support import LmkTestCase


class DatagramServerTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.selector = self.enterContext(selectors.DefaultSelector())
        self.datagrams = self.enterContext(broadcasting("127.0.0.1"))
        self.answers = mock.Mock(to=mock.Mock(return_value=[b"answer"]))
        self.server = DatagramServer(
            self.datagrams, self.selector, Neighbours(self.datagrams), self.answers
        )
        self.addCleanup(self.server.close)

    def test_costly_datagrams_are_left_until_others_had_their_turn(self) -> None:
        clock = iter(range(1_000_000))
        self.answers.to.return_value = []
        datagrams = mock.Mock()
        datagrams.receive.return_value = b"ping_tracker", ("10.0.0.7", 4000)
        with (
            mock.patch("roles.room.datagram_server.time.monotonic", lambda: next(clock) / 1000),
            mock.patch.object(datagram_server, "LIMITS", Limits(receive_s=0.01)),
        ):
            self.server._receive(datagrams)
        self.assertEqual(datagrams.receive.call_count, 10)

    def test_answers_to_senders_without_a_cookie_keep_no_room_from_those_with_one(self) -> None:
        member, stranger = ("10.0.0.1", 1), ("10.0.0.2", 2)
        with mock.patch.object(DatagramServer, "_is_sent", return_value=False):
            for _ in range(MAX_UNSENT + 1):
                self.server._answer((self.datagrams, b"", stranger), Proof.NONE, 0.0)
            self.server._answer((self.datagrams, b"", member), Proof.GOOD, 0.0)
        self.assertEqual(self.server._unsent[0][2], member)
        self.assertEqual(len(self.server._unsent), MAX_UNSENT)

    def test_an_answer_that_found_no_room_is_sent_soon(self) -> None:
        stranger = ("127.0.0.1", 9)
        with mock.patch.object(DatagramServer, "_is_sent", return_value=False):
            self.server._answer((self.datagrams, b"", stranger), Proof.NONE, 0.0)
        self.assertEqual(self.server.pause_s, UNSENT_S)
        self.server.work()
        self.assertGreater(self.server.pause_s, UNSENT_S)
