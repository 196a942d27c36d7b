"""Contents of one chunk: each asked of one peer at a time, and of another one when it fails."""

from __future__ import annotations

import unittest
from collections import Counter

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.swarm.single_chunks import (
    AHEAD,
    IDLE_S,
    LATE_AT_MOST_S,
    LATE_S,
    UNPROVEN_S,
    SingleChunks,
)
from roles.values.addresses import Address
from tests.disks import described, some_bytes

CONTENT, _ = described(some_bytes(100))


def transfer_of(handle: int) -> ContentTransfer:
    transfer = ContentTransfer(CONTENT, "some bytes", lambda: None)
    transfer.handle = handle
    return transfer


def peer(number: int) -> Peer:
    address = Address("127.0.0.1", number)
    return Peer(number, address, f"peer {number}", "pc", joined_at=0.0)


class SingleChunksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.singles = SingleChunks()
        self.peers = [peer(number) for number in (1, 2, 3)]

    def add(self, *handles: int) -> None:
        for handle in handles:
            self.singles.add(transfer_of(handle))

    def asked(self, now: float = 0.0) -> list[tuple[int, int]]:
        """Pairs of the number of a peer and the handle that it is asked for."""
        return [(peer.number, it.handle) for peer, it in self.singles.to_ask(self.peers, now=now)]

    def late(self, *helpers: Peer, now: float) -> list[tuple[int, int]]:
        """The same of late ones, while the helpers have nothing to do."""
        return [(peer.number, handle) for peer, handle in self.singles.late(helpers, now=now)]

    def test_each_is_asked_of_one_peer_and_all_peers_are_asked(self) -> None:
        self.add(*range(30))
        asked = self.asked()
        self.assertEqual(sorted(handle for _, handle in asked), list(range(30)))
        self.assertEqual(Counter(number for number, _ in asked), {1: 10, 2: 10, 3: 10})
        self.assertEqual(self.asked(), [])

    def test_everybody_is_asked_though_the_first_are_tried_again_before(self) -> None:
        self.add(7)
        asked = list[int]()
        for _ in self.peers:
            ((number, _handle),) = self.asked()
            asked.append(number)
            self.singles.refused(7, self.peers[number - 1])
            self.singles.try_all_again(self.peers)
        self.assertEqual(sorted(asked), [1, 2, 3])

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
            self.singles.refused(7, self.peers[number - 1])
        self.assertEqual(sorted(order), [1, 2, 3])
        self.singles.try_all_again(self.peers)
        self.assertEqual(len(self.asked()), 1)

    def test_what_was_asked_of_a_peer_that_left_is_asked_of_others(self) -> None:
        self.add(7, 8, 9)
        self.asked()
        gone = self.peers.pop(0)
        lost = set(gone.singles)
        self.singles.left(gone)
        self.assertEqual({handle for _, handle in self.asked()}, lost)

    def test_who_was_asked_is_told_when_it_is_not_wanted_any_more(self) -> None:
        self.add(7)
        [(number, _)] = self.asked()
        self.assertIs(self.singles.drop(7), self.peers[number - 1])
        self.assertIsNone(self.singles.drop(7))
        self.assertEqual(self.asked(), [])

    def test_what_does_not_come_is_asked_of_others_and_the_slow_one_is_asked_last(self) -> None:
        self.add(7)
        [(slow, _)] = self.asked(now=0.0)
        self.assertEqual(self.late(now=LATE_S - 0.1), [])
        late = self.late(now=LATE_S + 0.1)
        self.assertEqual(late, [(slow, 7)])
        [(other, _)] = self.asked(now=LATE_S + 0.1)
        self.assertNotEqual(other, slow)
        self.add(8, 9)
        self.assertNotIn(slow, [number for number, _ in self.asked(now=LATE_S + 0.1)])

    def test_a_peer_that_sends_all_the_time_has_longer_but_not_for_ever(self) -> None:
        self.add(7)
        [(number, _)] = self.asked(now=0.0)
        for second in range(int(LATE_AT_MOST_S) + 2):
            self.peers[number - 1].meter.add(100_000, now=float(second))
            late = self.late(now=float(second))
            self.assertEqual(bool(late), second > LATE_AT_MOST_S)

    def test_a_peer_that_is_dropped_is_not_asked(self) -> None:
        transfer = transfer_of(7)
        for peer in (self.peers[0], self.peers[2]):
            transfer.plan.bad_peers.sent_wrong_digests(peer.sender, now=0.0)
        self.singles.add(transfer)
        self.assertEqual(self.asked(), [(2, 7)])

    def test_who_sends_damage_is_asked_when_nobody_else_is_there(self) -> None:
        transfer = transfer_of(7)
        for peer in self.peers:
            transfer.plan.bad_peers.sent_wrong_digests(peer.sender, now=0.0)
        self.singles.add(transfer)
        self.assertEqual(len(self.asked(now=1.0)), 1)


class HelpTest(unittest.TestCase):
    """One peer was asked for everything before the others came."""

    def setUp(self) -> None:
        self.singles = SingleChunks()
        self.slow, self.helper = peer(1), peer(2)
        for handle in range(8):
            self.singles.add(transfer_of(handle))
        self.singles.to_ask([self.slow], now=0.0)

    def taken_over(self, *helpers: Peer, now: float) -> set[int]:
        late = self.singles.late(helpers, now=now)
        self.assertEqual({peer.number for peer, _ in late} - {1}, set())
        return {handle for _, handle in late}

    def brought(self, handle: int, now: float) -> None:
        self.singles.drop(handle)
        self.slow.single_at = now

    def test_who_brings_nothing_loses_all_to_a_peer_that_brought_something(self) -> None:
        self.helper.meter.add(1_000, now=0.0)
        self.assertEqual(self.taken_over(self.helper, now=IDLE_S - 0.1), set())
        self.assertEqual(self.taken_over(self.helper, now=IDLE_S), set(range(8)))
        asked = self.singles.to_ask([self.slow, self.helper], now=IDLE_S)
        self.assertEqual({peer.number for peer, _ in asked}, {2})

    def test_and_somewhat_later_to_one_that_brought_nothing_yet(self) -> None:
        self.singles.drop(7)
        self.assertEqual(self.taken_over(self.helper, now=UNPROVEN_S - 0.1), {4, 5, 6})
        self.singles.to_ask([self.slow], now=UNPROVEN_S - 0.1)
        self.assertEqual(self.taken_over(self.helper, now=UNPROVEN_S), {0, 1, 2, 3})

    def test_who_brings_one_now_and_then_loses_half_of_the_rest_again_and_again(self) -> None:
        self.helper.meter.add(1_000, now=0.0)
        now, left = IDLE_S, 8
        self.brought(0, now - 0.1)
        while left > 1:
            taken = self.taken_over(self.helper, now=now)
            left = len(self.slow.singles)
            self.assertTrue(taken)
            self.assertNotIn(1, taken)  # the next one that it brings
            for handle in taken:
                self.singles.drop(handle)
            now += 0.25
            self.slow.single_at = now - 0.1
        self.assertEqual(self.slow.singles, {1})
        self.assertEqual(self.taken_over(self.helper, now=now + IDLE_S), {1})

    def test_a_peer_that_has_something_to_do_takes_nothing_over(self) -> None:
        self.helper.singles.add(99)
        busy = peer(3)
        busy.taking = (5, 5)
        self.assertEqual(self.taken_over(self.helper, busy, now=5.0), set())

    def test_nor_does_one_that_lacks_it_or_would_need_as_long(self) -> None:
        self.helper.meter.add(1_000, now=0.0)
        for handle in range(8):
            self.singles._singles[handle].refused = {2}
        self.assertEqual(self.taken_over(self.helper, now=5.0), set())
        self.singles.try_all_again([])
        self.helper.note_rate(CONTENT.size / 4.0)  # it needs 4 s for one
        self.brought(0, 0.9)
        self.assertEqual(self.taken_over(self.helper, now=5.0), {5, 6, 7})

    def test_two_slow_peers_do_not_take_the_same_from_each_other_for_ever(self) -> None:
        self.helper.meter.add(1_000, now=0.0)
        self.slow.meter.add(1_000, now=0.0)
        for handle in range(7):
            self.singles.drop(handle)
        now, holder, other, moved = 0.0, self.slow, self.helper, list[float]()
        while now < 40.0:
            now += 0.25
            if self.singles.late([other], now=now):
                self.singles.try_all_again([])
                self.singles.to_ask([other], now=now)
                holder, other = other, holder
                moved.append(now)
        self.assertLessEqual(len(moved), 6)
