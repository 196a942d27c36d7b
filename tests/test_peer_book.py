"""Which peers to connect to, how often, and how soon again."""

from __future__ import annotations

import random
import unittest
from collections import Counter

from roles.net.dialling import CONNECT_S
from roles.swarm.peer import Peer
from roles.swarm.peer_book import (
    AGAIN_MAX_S,
    AGAIN_S,
    AT_ONCE,
    CONNECTIONS,
    DIALS,
    DIALS_PER_HOST,
    FORGOTTEN_S,
    HURRY_S,
    MAX_CALLED,
    MAX_KNOWN,
    MAX_PEERS,
    MOVED_S,
    NEXT_S,
    UNANSWERED_S,
    USELESS_S,
    PeerBook,
    left_behind,
)
from roles.values.addresses import Address
from roles.values.settings import GIVE_UP_AFTER_S

OLD, NEW = Address("10.0.0.1", 12501), Address("10.0.0.2", 12501)


def peer(number: int) -> Address:
    return Address(f"10.0.{number >> 8}.{number & 255}", 12501)


class PeerBookTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = PeerBook(random.Random(1))

    def heard_of(self, *numbers: int, now: float = 0.0) -> None:
        self.book.heard_of(map(peer, numbers), now=now)

    def dial_all(self, now: float = 0.0) -> list[Address]:
        """Everyone it dials from this moment on, until it has enough; all of them answer."""
        dialled = self.answered(self.book.to_dial(now=now))
        return dialled + self.answered(self.book.to_dial(now=now + MAX_PEERS * NEXT_S))

    def answered(self, dialled: list[Address]) -> list[Address]:
        for address in dialled:
            self.book.opened(address)
        return dialled

    def test_a_lonely_peer_gets_several_connections_once_one_is_as_busy_as_it_can_be(self) -> None:
        self.heard_of(1)
        self.assertEqual(self.dial_all(), [peer(1)])
        more = self.book.to_dial(now=0.0, fast={peer(1)})
        self.assertEqual(more, [peer(1)] * (CONNECTIONS - 1))
        self.assertEqual(self.book.to_dial(now=0.0, fast={peer(1)}), [])

    def test_many_peers_get_one_connection_each_however_fast(self) -> None:
        everyone = list(map(peer, range(12)))
        self.heard_of(*range(12))
        self.assertEqual(sorted(self.dial_all()), sorted(everyone))
        self.assertEqual(self.book.to_dial(now=0.0, fast=everyone), [])

    def test_no_more_than_so_many_are_connected_to(self) -> None:
        self.heard_of(*range(MAX_PEERS + 50))
        self.assertEqual(len(self.dial_all()), MAX_PEERS)
        self.book.closed(peer(3), was_good=True, now=0.0)
        self.assertEqual(len(self.dial_all()), 1)

    def test_those_who_do_not_answer_give_their_places_to_others_but_not_to_all_there_are(
        self,
    ) -> None:
        self.heard_of(*range(5 * MAX_PEERS))
        first = [*self.book.to_dial(now=0.0), *self.book.to_dial(now=MAX_PEERS * NEXT_S)]
        for address in first[:3]:
            self.book.opened(address)
        now = 1.1 * (MAX_PEERS * NEXT_S + UNANSWERED_S)
        second = self.book.to_dial(now=now)
        self.assertEqual(len(second), MAX_PEERS - 3)
        called = [*first, *second]
        for _ in range(MAX_CALLED):
            now += UNANSWERED_S
            called += self.book.to_dial(now=now)
        self.assertEqual(len(set(called)), len(called))
        self.assertEqual(len(called), MAX_CALLED)

    def test_who_waits_for_a_place_is_counted_and_whether_it_was_ever_tried(self) -> None:
        self.heard_of(*range(MAX_PEERS))
        everyone = self.dial_all()
        for address in everyone:
            self.book.opened(address)
        idle = [Peer(n, one, str(one), "pc", joined_at=0.0) for n, one in enumerate(everyone)]

        def leaving(now: float) -> list[Peer]:
            return self.book.to_leave(idle, moved_at=0.0, now=now)

        self.assertEqual(leaving(9.0), [])
        self.heard_of(MAX_PEERS)
        self.assertEqual(leaving(9.0), idle[:1])  # for one that was never tried
        self.assertEqual(leaving(HURRY_S), [])
        self.book.closed(everyone[0], was_good=False, now=9.0)
        self.assertEqual(leaving(9.0), [])  # there is a place
        self.assertEqual(self.book.to_dial(now=9.0), [peer(MAX_PEERS)])
        self.book.opened(peer(MAX_PEERS))
        self.assertEqual(leaving(9.0), [])
        self.assertEqual(leaving(9.0 + 2 * AGAIN_MAX_S), idle[:1])
        self.assertEqual(leaving(USELESS_S), [])

    def test_who_brought_nothing_comes_behind_who_was_not_tried(self) -> None:
        self.heard_of(*range(MAX_PEERS + 6))
        tried = self.dial_all()
        for address in tried:
            self.book.opened(address)
        for address in tried[:5]:
            self.book.closed(address, was_good=False, now=5.0)
        now = 5.0 + 2 * AGAIN_MAX_S
        self.assertFalse(set(self.book.to_dial(now=now)) & set(tried))

    def test_some_are_connected_to_at_once_and_the_others_one_by_one(self) -> None:
        self.heard_of(*range(50))
        self.assertEqual(len(self.book.to_dial(now=0.0)), AT_ONCE)
        self.assertEqual(self.book.to_dial(now=0.9 * NEXT_S), [])
        self.assertEqual(len(self.book.to_dial(now=1.1 * NEXT_S)), 1)
        self.assertEqual(len(self.book.to_dial(now=3.1 * NEXT_S)), 2)

    def test_in_a_room_that_begins_together_somebody_takes_from_everyone(self) -> None:
        room, rng = range(32), random.Random(3)
        books = [PeerBook(rng) for _ in room]
        taken_by = Counter[Address]()
        for tick in range(60):
            named = room[: 2 * tick]  # one after the other joins and is heard of
            for number, book in enumerate(books):
                book.heard_of([peer(one) for one in named if one != number], now=tick * 0.05)
                dialled = book.to_dial(now=tick * 0.05)
                taken_by.update(dialled)
                for one in dialled:
                    book.opened(one)
        self.assertEqual(taken_by.total(), MAX_PEERS * len(room))
        self.assertGreaterEqual(min(taken_by[peer(one)] for one in room), MAX_PEERS // 4)

    def test_a_stranger_cannot_fill_the_book_without_end(self) -> None:
        self.heard_of(*range(MAX_KNOWN + 500))
        self.assertEqual(self.book.others, MAX_KNOWN)

    def test_who_could_not_be_reached_is_tried_again_later_and_later(self) -> None:
        now, pauses = 0.0, list[float]()
        self.heard_of(1)
        self.assertEqual(self.book.to_dial(now=now), [peer(1)])
        for _ in range(8):
            self.book.closed(peer(1), was_good=False, now=now)
            pause = 0.0
            while not self.book.to_dial(now=now + pause):
                pause += 0.05
            now += pause
            pauses.append(pause)
            self.heard_of(1, now=now)
        self.assertGreaterEqual(pauses[0], 0.7 * AGAIN_S)
        self.assertGreater(pauses[3], 2 * pauses[0])
        self.assertLessEqual(max(pauses), 1.3 * AGAIN_MAX_S)

    def test_a_list_of_dead_addresses_does_not_keep_the_living_one_out(self) -> None:
        dead, now, tried = 300, 0.0, list[tuple[float, Address]]()
        self.heard_of(*range(dead + 1))
        while len({address for _, address in tried}) <= dead:
            for began, address in tried:
                if began + CONNECT_S - 0.05 < now <= began + CONNECT_S:
                    self.book.closed(address, was_good=False, now=now)
            tried += [(now, address) for address in self.book.to_dial(now=now)]
            now += 0.05
            self.heard_of(*range(dead + 1), now=now)
        self.assertLess(now, GIVE_UP_AFTER_S)
        # Nobody is tried again before everybody was tried once, the last moment apart.
        self.assertLessEqual(len(tried) - dead - 1, MAX_PEERS)

    def test_no_list_makes_it_connect_more_often_than_so_many_times_a_second(self) -> None:
        self.heard_of(*range(MAX_KNOWN))
        dialled, steps = 0, 600
        for step in range(steps):
            for address in self.book.to_dial(now=step * 0.05):
                dialled += 1
                self.book.closed(address, was_good=False, now=step * 0.05)
        self.assertLessEqual(dialled, DIALS * (steps * 0.05 + 2))

    def test_no_host_is_connected_to_more_often_than_its_share_of_that(self) -> None:
        ports = [Address("10.0.0.1", 12501 + number) for number in range(8)]
        dialled, steps = 0, 600
        for step in range(steps):
            self.book.heard_of(ports, now=step * 0.05)
            for address in self.book.to_dial(now=step * 0.05):
                dialled += 1
                self.book.closed(address, was_good=True, now=step * 0.05)
                self.book.network_changed(now=step * 0.05)
        self.assertLessEqual(dialled, DIALS_PER_HOST * (steps * 0.05 + 2))

    def test_peers_of_a_host_that_may_not_be_called_now_keep_no_place_from_others(self) -> None:
        self.book.heard_of([Address("10.0.0.1", 12501 + number) for number in range(8)], now=0.0)
        while dialled := self.book.to_dial(now=0.0):
            for address in dialled:
                self.book.closed(address, was_good=True, now=0.0)
            self.book.network_changed(now=0.0)
        self.heard_of(300)
        self.assertEqual(self.book.to_dial(now=0.0), [peer(300)])

    def test_when_the_network_changed_whoever_failed_is_tried_at_once(self) -> None:
        self.heard_of(1)
        for now in (0.0, 10.0, 20.0):
            self.book.to_dial(now=now)
            self.book.closed(peer(1), was_good=False, now=now)
        self.assertEqual(self.book.to_dial(now=20.1), [])
        self.book.network_changed(now=20.1)
        self.assertEqual(self.book.to_dial(now=20.1), [peer(1)])

    def test_what_a_change_of_the_network_ended_is_connected_to_at_once(self) -> None:
        self.heard_of(1)
        self.dial_all()
        self.book.network_changed(now=5.0)
        self.book.closed(peer(1), was_good=True, now=5.1)
        self.assertEqual(self.book.to_dial(now=5.1), [peer(1)])

    def test_a_peer_that_stands_still_gets_one_more_connection_and_no_third(self) -> None:
        self.heard_of(1, 2)
        self.dial_all()
        self.assertEqual(self.book.to_dial(now=9.0, stalled={peer(1)}), [peer(1)])
        self.assertEqual(self.book.to_dial(now=9.0, stalled={peer(1)}), [])

    def test_this_program_itself_is_dialled_once_and_never_again(self) -> None:
        self.heard_of(1, 2)
        self.book.to_dial(now=0.0)
        self.book.is_us(peer(1))
        self.book.closed(peer(1), was_good=False, now=0.0)
        for now in (0.0, 10.0, 50.0):
            self.heard_of(1, 2, now=now)
            self.assertNotIn(peer(1), self.dial_all(now=now))
        self.assertEqual(self.book.others, 1)

    def test_who_is_not_named_any_more_is_forgotten_unless_connected(self) -> None:
        self.heard_of(1, 2)
        self.dial_all()
        self.book.closed(peer(2), was_good=True, now=1.0)
        self.heard_of(3, now=FORGOTTEN_S + 1)
        self.assertEqual(self.book.others, 2)

    def test_the_end_of_a_connection_to_a_stranger_changes_nothing(self) -> None:
        self.book.closed(peer(9), was_good=False, now=0.0)
        self.book.is_us(peer(9))
        self.assertEqual(self.book.others, 0)

    def test_whatever_happens_the_connections_are_counted_right(self) -> None:
        rng = random.Random(2)
        for _ in range(20):
            book, opened, now = PeerBook(rng), list[Address](), 0.0
            for _ in range(300):
                now += rng.random()
                book.heard_of([peer(rng.randrange(100))], now=now)
                dialled = book.to_dial(now=now)
                opened += dialled
                for address in dialled:
                    book.opened(address)
                self.assertLessEqual(len(set(opened)), MAX_PEERS)
                for address in set(opened):
                    self.assertLessEqual(opened.count(address), CONNECTIONS)
                if opened and rng.random() < 0.7:
                    address = opened.pop(rng.randrange(len(opened)))
                    book.closed(address, was_good=rng.random() < 0.5, now=now)


class LeftBehindTest(unittest.TestCase):
    def setUp(self) -> None:
        self.peers = list[Peer]()
        self.now = 100.0

    def peer(self, address: Address, name: str = "a", *, still_s: float | None = None) -> Peer:
        """A connection; with `still_s`: a chunk is taken, and nothing has come for so long."""
        peer = Peer(len(self.peers), address, name, "pc", joined_at=self.now)
        if still_s is not None:
            peer.taking, peer.useful_at = (1, 0), self.now - still_s
        self.peers.append(peer)
        return peer

    def left_behind(self) -> list[Peer]:
        return left_behind(self.peers, now=self.now)

    def test_what_stands_still_is_closed_when_its_program_is_elsewhere_too(self) -> None:
        old = [self.peer(OLD, still_s=2 * MOVED_S), self.peer(OLD)]
        self.assertEqual(self.left_behind(), [])
        self.peer(NEW)
        self.assertEqual(self.left_behind(), old)

    def test_where_one_connection_moves_the_program_is_there(self) -> None:
        self.peer(OLD, still_s=2 * MOVED_S)
        self.peer(OLD, still_s=0.0)
        self.peer(NEW)
        self.assertEqual(self.left_behind(), [])

    def test_another_program_elsewhere_ends_nothing(self) -> None:
        self.peer(OLD, still_s=2 * MOVED_S)
        self.peer(NEW, name="b")
        self.assertEqual(self.left_behind(), [])
