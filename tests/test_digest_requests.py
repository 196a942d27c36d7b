"""Of whom digests are asked, and what an answer must hold: by the clock of the test."""

from __future__ import annotations

import unittest

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.digest_requests import ANSWER_S, MORE_S, SHORT_S, DigestRequests
from roles.swarm.peer import Peer
from roles.values.addresses import Address
from roles.values.content import DIGEST_SIZE, MIN_CHUNK_SIZE, Content, root_of
from roles.values.errors import PeerProtocolError
from roles.wire import frames

HANDLE = 7


def peer(number: int) -> Peer:
    address = Address("127.0.0.1", number)
    one = Peer(number, address, f"peer {number}", "pc", joined_at=0.0)
    one.opened[HANDLE] = None
    return one


class DigestRequestsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.use(6)

    def use(self, chunks: int, peers: int = 3) -> None:
        self.digests = bytes(range(256)) * (chunks * DIGEST_SIZE // 256 + 1)
        self.digests = self.digests[: chunks * DIGEST_SIZE]
        size = chunks * MIN_CHUNK_SIZE
        content = Content(root_of(size, MIN_CHUNK_SIZE, self.digests), size, MIN_CHUNK_SIZE)
        self.transfer = ContentTransfer(content, "some bytes", lambda: None)
        self.transfer.handle = HANDLE
        self.requests = DigestRequests()
        self.peers = [peer(number) for number in range(1, peers + 1)]

    def asked(self, now: float) -> list[int]:
        """The numbers of the peers that are asked at this time."""
        self.late(now)
        asked = self.requests.to_ask(self.transfer, self.peers, now=now)
        return [peer.number for peer, _ in asked]

    def late(self, now: float) -> list[ContentTransfer]:
        return self.requests.late(now=now)

    def tells(self, number: int, first: int, count: int, *, now: float = 0.0) -> object:
        part = self.digests[first * DIGEST_SIZE : (first + count) * DIGEST_SIZE]
        answer = frames.Digests(HANDLE, first, part)
        return self.requests.came(self.peers[number - 1], answer, now=now)[1]

    @property
    def is_known(self) -> bool:
        return self.transfer.digests() == self.digests

    def test_one_peer_is_asked_and_its_answer_is_enough(self) -> None:
        self.assertEqual(self.asked(0.0), [1])
        self.assertEqual(self.asked(MORE_S / 2), [])
        self.assertIsNone(self.tells(1, 0, 6))
        self.assertTrue(self.is_known)
        self.assertEqual(self.asked(60.0), [])

    def test_a_shorter_answer_is_silence_and_the_question_moves_at_once(self) -> None:
        for count in (0, 1, 5):
            with self.subTest(count=count):
                self.setUp()
                self.asked(0.0)
                self.assertIsNone(self.tells(1, 0, count, now=0.1))
                self.assertFalse(self.transfer.plan.bad_peers.any_wrong)
                self.assertEqual(self.asked(0.1), [2])
                self.assertIsNone(self.tells(2, 0, 6, now=0.1))
                self.assertTrue(self.is_known)

    def test_who_answers_short_is_asked_again_after_a_pause_when_nobody_else_is_there(self) -> None:
        self.peers = self.peers[:1]
        self.asked(0.0)
        self.tells(1, 0, 1, now=0.1)
        self.assertEqual(self.asked(0.1), [])
        self.assertEqual(self.asked(SHORT_S), [])
        self.assertEqual(self.asked(0.2 + SHORT_S), [1])
        self.tells(1, 0, 6, now=4.0)
        self.assertTrue(self.is_known)

    def test_while_no_answer_comes_more_and_more_are_asked(self) -> None:
        self.use(6, peers=9)
        self.assertEqual(self.asked(0.0), [1])
        self.assertEqual(self.asked(MORE_S), [2])
        self.assertEqual(self.asked(2 * MORE_S), [3, 4])
        self.assertEqual(self.asked(3 * MORE_S), [5, 6, 7, 8])
        self.tells(7, 0, 6, now=3.5)
        self.assertTrue(self.is_known)

    def test_the_late_answers_of_the_others_are_passed_over_once_each(self) -> None:
        self.asked(0.0)
        self.asked(MORE_S)
        self.tells(2, 0, 6, now=1.5)
        self.assertIsNone(self.tells(1, 0, 6, now=2.0))
        for number in (1, 2, 3):
            with self.assertRaises(PeerProtocolError):
                self.tells(number, 0, 6, now=3.0)

    def test_who_did_not_answer_is_asked_last_from_then_on_for_other_files_too(self) -> None:
        self.asked(0.0)
        self.late(ANSWER_S + 1.0)
        self.assertEqual(self.asked(ANSWER_S + 1.0), [2])
        self.requests.drop(HANDLE)
        self.assertEqual(self.asked(ANSWER_S + 2.0), [2])
        self.assertEqual(self.asked(ANSWER_S + 4.0), [3])
        self.assertEqual(self.asked(ANSWER_S + 6.0), [1])

    def test_an_answer_to_an_earlier_question_of_the_only_peer_counts(self) -> None:
        self.peers = self.peers[:1]
        self.asked(0.0)
        self.assertEqual(self.asked(ANSWER_S + 1.0), [1])
        self.tells(1, 0, 6, now=ANSWER_S + 2.0)
        self.assertTrue(self.is_known)
        self.assertIsNone(self.tells(1, 0, 6, now=ANSWER_S + 3.0))

    def test_who_brought_something_is_asked_before_who_did_not(self) -> None:
        self.peers[2].meter.add(1, now=0.0)
        self.assertEqual(self.asked(0.0), [3])

    def test_who_told_wrong_digests_is_dropped_and_asked_last(self) -> None:
        self.asked(0.0)
        wrong = frames.Digests(HANDLE, 0, bytes(6 * DIGEST_SIZE))
        with self.assertRaises(PeerProtocolError):
            self.requests.came(self.peers[0], wrong, now=0.1)
        self.assertTrue(self.transfer.plan.bad_peers.is_suspect(self.peers[0].sender))
        self.assertTrue(self.requests.lost(HANDLE, self.peers[0]))  # as its connection ends
        self.assertEqual(self.asked(0.1), [2])

    def test_digests_that_were_not_asked_for_end_the_connection(self) -> None:
        for number, first, count in ((2, 0, 6), (1, 1, 5), (1, 6, 0)):
            with self.subTest(number=number, first=first, count=count):
                self.setUp()
                self.asked(0.0)
                with self.assertRaises(PeerProtocolError):
                    self.tells(number, first, count)
        self.setUp()
        self.asked(0.0)
        too_many = frames.Digests(HANDLE, 0, self.digests + bytes(DIGEST_SIZE))
        with self.assertRaises(PeerProtocolError):
            self.requests.came(self.peers[0], too_many, now=0.0)

    def test_many_digests_come_in_several_answers_of_which_each_must_be_whole(self) -> None:
        self.use(2_500)
        self.asked(0.0)
        for first in (0, 1_024):
            question = self.tells(1, first, 1_024)
            count = min(1_024, 2_500 - first - 1_024)
            self.assertEqual(question, frames.GetDigests(HANDLE, first + 1_024, count))
        self.assertIsNone(self.tells(1, 2_048, 451))  # one is missing
        self.assertEqual(self.asked(0.0), [2])

    def test_for_many_digests_two_peers_are_asked_at_once_and_no_more(self) -> None:
        self.use(2_500)
        self.assertEqual([self.asked(second * MORE_S) for second in range(4)], [[1], [2], [], []])

    def test_a_peer_that_answers_each_question_just_in_time_does_not_hold_the_answer_back(
        self,
    ) -> None:
        self.use(2_500)
        self.asked(0.0)
        self.tells(1, 0, 1_024, now=0.9 * MORE_S)
        self.assertEqual(self.asked(MORE_S), [2])

    def test_who_leaves_is_replaced(self) -> None:
        self.asked(0.0)
        gone = self.peers.pop(0)
        self.requests.left(gone)
        self.assertTrue(self.requests.lost(HANDLE, gone))
        self.assertEqual(self.asked(0.1), [2])
