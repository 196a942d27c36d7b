"""Whose turn it is when many datagrams come at once. See also ManyAtOnce in test_tracker."""

from __future__ import annotations

import selectors
import sys
import unittest
from unittest import mock

from roles.net.datagrams import broadcasting
from roles.net.interfaces import ALL_HERE, Broadcast
from roles.net.neighbours import Neighbours
from roles.room import datagram_server
from roles.room.cookies import Proof
from roles.room.datagram_server import MAX_UNSENT, UNSENT_S, DatagramServer, Limits
from tests.support import LmkTestCase, wait_until


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


@unittest.skipUnless(sys.platform == "linux", "elsewhere a bound socket hears broadcasts itself")
class OneNetworkTest(LmkTestCase):
    """It listens at one address, here of loopback, whose broadcasts leave no computer."""

    HERE, EVERYONE = "127.0.0.5", "127.255.255.255"

    def setUp(self) -> None:
        super().setUp()
        everyone = (Broadcast("0.0.0.0", self.EVERYONE),)
        self.enterContext(mock.patch.object(datagram_server, "broadcasts", return_value=everyone))
        self.enterContext(mock.patch.object(datagram_server, "is_loopback", return_value=False))
        self.selector = self.enterContext(selectors.DefaultSelector())
        self.datagrams = self.enterContext(broadcasting(self.HERE))
        answers = mock.Mock(to=mock.Mock(return_value=[b"answer"]))
        answers.proof.return_value = Proof.NONE
        neighbours = Neighbours(self.datagrams)
        self.server = DatagramServer(self.datagrams, self.selector, neighbours, answers)
        self.addCleanup(self.server.close)

    def test_a_broadcast_in_its_network_is_answered(self) -> None:
        asker = self.enterContext(broadcasting("127.0.0.1"))
        asker.send(b"find_tracker", (self.EVERYONE, self.datagrams.address.port))

        answers = list[bytes]()

        def is_answered() -> bool:
            for key, _ in self.selector.select(0.05):
                key.data()
            self.server.work()
            come = asker.receive(100)
            answers.extend([come[0]] if come is not None else [])
            return bool(answers)

        wait_until(is_answered)
        self.assertEqual(answers, [b"answer"])

    def test_who_asks_everyone_from_another_network_is_not_heard(self) -> None:
        for own, is_near in ((self.HERE, True), ("192.168.1.5", False), (OSError(), False)):
            towards = mock.patch.object(datagram_server, "own_address_towards", side_effect=[own])
            with self.subTest(own=own), towards:
                self.assertEqual(self.server._is_near("10.0.0.9"), is_near)
        everyone = self.server._beside[ALL_HERE]
        with (
            mock.patch.object(everyone, "receive", side_effect=[(b"", ("10.0.0.9", 1)), None]),
            mock.patch.object(self.server, "_is_near", return_value=False),
        ):
            self.server._receive(everyone)
        self.assertEqual(len(self.server._unproved), 0)

    def test_after_a_change_it_listens_to_the_broadcasts_of_now(self) -> None:
        self.assertEqual(set(self.server._beside), {self.EVERYONE, ALL_HERE})
        with mock.patch.object(datagram_server, "broadcasts", return_value=()):
            self.server.network_changed()
        self.assertEqual(set(self.server._beside), {ALL_HERE})
        self.server.network_changed()
        self.assertEqual(set(self.server._beside), {self.EVERYONE, ALL_HERE})
