"""Contents of one chunk: each asked of one peer at a time, and of another one when it fails."""

from __future__ import annotations

import socket
import unittest
from collections import Counter

from roles.base.rates import RateMeter
from roles.taking.chunk_taker import PeerLink
from roles.taking.singles import AHEAD, LATE_AT_MOST_S, LATE_S, Singles
from roles.taking.transfer import Transfer
from roles.values.addresses import Address
from tests.disks import described, some_bytes

CONTENT, _ = described(some_bytes(100))


def link(number: int) -> PeerLink:
    address = Address("127.0.0.1", number)
    meter = RateMeter(now=0.0)
    return PeerLink(number, socket.socket, address, f"peer {number}", "pc", meter)  # type: ignore[arg-type]


class SinglesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.singles = Singles()
        self.links = [link(number) for number in (1, 2, 3)]

    def add(self, *handles: int) -> None:
        for handle in handles:
            self.singles.add(handle, Transfer(CONTENT, "some bytes", lambda: None))

    def asked(self, now: float = 0.0) -> list[tuple[int, int]]:
        """Whom for what, as numbers."""
        return [(one.number, handle) for one, handle, _ in self.singles.to_ask(self.links, now=now)]

    def test_each_is_asked_of_one_peer_and_all_peers_are_asked(self) -> None:
        self.add(*range(30))
        asked = self.asked()
        self.assertEqual(sorted(handle for _, handle in asked), list(range(30)))
        self.assertEqual(Counter(number for number, _ in asked), {1: 10, 2: 10, 3: 10})
        self.assertEqual(self.asked(), [])

    def test_no_peer_is_asked_for_more_than_so_many_at_once(self) -> None:
        self.add(*range(1_000))
        self.assertEqual(len(self.asked()), 3 * AHEAD)
        self.singles.drop(0)
        self.assertEqual(len(self.asked()), 1)

    def test_what_a_peer_lacks_is_asked_of_others_once_each(self) -> None:
        self.add(7)
        order = list[int]()
        while asked := self.asked():
            [(number, _)] = asked
            order.append(number)
            self.singles.refused(7, self.links[number - 1])
        self.assertEqual(sorted(order), [1, 2, 3])
        self.singles.try_all_again(self.links)
        self.assertEqual(len(self.asked()), 1)

    def test_what_was_asked_of_a_peer_that_left_is_asked_of_others(self) -> None:
        self.add(7, 8, 9)
        self.asked()
        gone = self.links.pop(0)
        lost = set(gone.singles)
        self.singles.left(gone)
        self.assertEqual({handle for _, handle in self.asked()}, lost)

    def test_who_was_asked_is_told_when_it_is_not_wanted_any_more(self) -> None:
        self.add(7)
        [(number, _)] = self.asked()
        self.assertIs(self.singles.drop(7), self.links[number - 1])
        self.assertIsNone(self.singles.drop(7))
        self.assertEqual(self.asked(), [])

    def test_what_does_not_come_is_asked_of_others_and_the_slow_one_is_asked_last(self) -> None:
        self.add(7)
        [(slow, _)] = self.asked(now=0.0)
        self.assertEqual(self.singles.late(now=LATE_S - 0.1), [])
        late = self.singles.late(now=LATE_S + 0.1)
        self.assertEqual([(one.number, handle) for one, handle in late], [(slow, 7)])
        [(other, _)] = self.asked(now=LATE_S + 0.1)
        self.assertNotEqual(other, slow)
        self.add(8, 9)
        self.assertNotIn(slow, [number for number, _ in self.asked(now=LATE_S + 0.1)])

    def test_a_peer_that_sends_all_the_time_has_longer_but_not_for_ever(self) -> None:
        self.add(7)
        [(number, _)] = self.asked(now=0.0)
        for second in range(int(LATE_AT_MOST_S) + 2):
            self.links[number - 1].meter.add(100_000, now=float(second))
            late = self.singles.late(now=float(second))
            self.assertEqual(bool(late), second > LATE_AT_MOST_S)

    def test_a_peer_that_is_dropped_is_not_asked(self) -> None:
        transfer = Transfer(CONTENT, "some bytes", lambda: None)
        for peer in ("peer 1", "peer 3"):
            transfer.plan.drop((peer, ""))
        self.singles.add(7, transfer)
        self.assertEqual(self.asked(), [(2, 7)])
