"""Which chunks are here, on their way, asked for twice, or not asked of a liar again."""

from __future__ import annotations

import random
import unittest

from roles.swarm.bad_peers import MAX_BAD_CHUNKS, MAX_BAD_OF_HOST, SLOW_S
from roles.swarm.chunk_plan import (
    MAX_COMING,
    MAX_WASTE,
    STALLED_S,
    UNKNOWN_RATE_S,
    UNPROVEN_COMING,
    ChunkPlan,
)
from roles.swarm.peer import Peer
from roles.values.addresses import Address
from roles.values.bitmaps import indexes
from roles.values.content import MIN_CHUNK_SIZE, Content

CHUNK = MIN_CHUNK_SIZE
FAST = 10.0 * CHUNK  # bytes per second


def plan_of(count: int, had: int = 0) -> ChunkPlan:
    return ChunkPlan(Content(bytes(32), count * CHUNK, CHUNK), had)


def peer_of(number: int, host: str = "127.0.0.1", *, rate: float = 0.0, name: str = "") -> Peer:
    peer = Peer(number, Address(host, 12501), name or f"peer {number}", "pc", joined_at=0.0)
    peer.chunk_rate = rate
    return peer


def take(
    plan: ChunkPlan,
    peer: int,
    index: int,
    *,
    rate: float = 0.0,
    now: float = 0.0,
    is_end: bool = True,
) -> bool:
    return plan.take(peer_of(peer, rate=rate), index, now=now, is_end=is_end)


def late(plan: ChunkPlan, rate: float, *, now: float, is_end: bool = True) -> int:
    return plan.worth_asking_twice(peer_of(99, rate=rate), now=now, is_end=is_end)


class DownloadingTest(unittest.TestCase):
    def test_a_chunk_is_wanted_until_it_is_on_its_way_and_again_when_it_does_not_come(self) -> None:
        plan = plan_of(3, had=0b1)
        self.assertEqual(plan.wanted, 0b110)
        self.assertTrue(take(plan, 1, 2))
        self.assertEqual(plan.wanted, 0b10)
        self.assertTrue(plan.released(1, 2))
        self.assertEqual(plan.wanted, 0b110)
        self.assertFalse(plan.released(1, 2))

    def test_what_is_had_coming_or_beyond_the_end_is_declined(self) -> None:
        plan = plan_of(3, had=0b1)
        take(plan, 1, 1)
        for peer, index in ((1, 0), (1, 1), (2, 1), (2, 3), (2, 1 << 31)):
            with self.subTest(peer=peer, index=index):
                self.assertFalse(take(plan, peer, index))

    def test_it_is_done_with_the_last_chunk(self) -> None:
        plan = plan_of(2)
        for index in (1, 0):
            self.assertFalse(plan.is_done)
            take(plan, 1, index)
            self.assertEqual(plan.verified(1, index, now=0.0), ())
        self.assertTrue(plan.is_done)
        self.assertTrue(plan_of(0).is_done)

    def test_what_a_connection_was_to_bring_is_wanted_when_it_ends(self) -> None:
        plan = plan_of(4)
        take(plan, 1, 0)
        take(plan, 1, 3)
        take(plan, 2, 1)
        self.assertTrue(plan.all_released(1))
        self.assertEqual(plan.wanted, 0b1101)
        self.assertFalse(plan.all_released(1))

    def test_nobody_is_relied_on_for_everything_it_offers(self) -> None:
        plan = plan_of(100)
        taken = [index for index in range(100) if take(plan, 1, index)]
        self.assertEqual(len(taken), UNPROVEN_COMING)
        taken += [index for index in range(100) if take(plan, 1, index, rate=FAST)]
        self.assertEqual(len(taken), MAX_COMING)
        self.assertTrue(take(plan, 2, 99))
        plan.verified(1, taken[0], now=0.0)
        self.assertTrue(take(plan, 1, 50, rate=FAST))


class LateTest(unittest.TestCase):
    def test_nothing_is_asked_twice_while_something_else_is_wanted(self) -> None:
        plan = plan_of(2)
        take(plan, 1, 0)
        self.assertEqual(late(plan, FAST, now=60.0), 0)

    def test_a_chunk_that_stalls_may_come_from_anybody(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        self.assertEqual(late(plan, CHUNK / 2, now=0.01), 0)
        plan.received(1, 0, CHUNK - 1, now=0.1)
        self.assertFalse(take(plan, 2, 0, now=STALLED_S))
        self.assertTrue(take(plan, 2, 0, now=0.1 + STALLED_S))

    def test_a_peer_with_less_than_half_the_time_is_asked_too(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        plan.received(1, 0, CHUNK // 10, now=1.0)  # nine seconds to go
        self.assertEqual(late(plan, CHUNK / 5, now=1.0), 0)
        self.assertEqual(late(plan, CHUNK / 4, now=1.0), 1)

    def test_a_peer_of_unknown_rate_is_asked_when_it_takes_long(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        plan.received(1, 0, 1, now=UNKNOWN_RATE_S / 2)
        self.assertEqual(late(plan, 0.0, now=UNKNOWN_RATE_S / 2), 0)
        self.assertEqual(late(plan, 0.0, now=UNKNOWN_RATE_S + 0.1), 1)

    def test_while_other_files_are_wanted_only_what_hardly_moves_is_asked_twice(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        plan.received(1, 0, CHUNK // 10, now=1.0)  # nine seconds to go
        self.assertEqual(late(plan, FAST, now=1.0, is_end=False), 0)
        self.assertFalse(take(plan, 2, 0, rate=FAST, now=1.0, is_end=False))
        plan.received(1, 0, 1, now=4.0)  # and now more than HOPELESS_S
        self.assertEqual(late(plan, FAST, now=4.0, is_end=False), 1)
        self.assertTrue(take(plan, 2, 0, rate=FAST, now=4.0, is_end=False))

    def test_the_same_connection_is_not_asked_twice(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0)
        self.assertFalse(take(plan, 1, 0, now=100.0))

    def test_the_loser_is_named_when_the_chunk_is_here(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0)
        take(plan, 2, 0, now=100.0)
        self.assertEqual(plan.verified(2, 0, now=100.0), (1,))
        self.assertFalse(plan.is_coming(1, 0))

    def test_a_chunk_that_two_peers_hold_back_comes_from_a_third(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        self.assertTrue(take(plan, 2, 0, now=STALLED_S))
        self.assertFalse(take(plan, 3, 0, rate=FAST, now=STALLED_S + 1))
        self.assertTrue(take(plan, 3, 0, rate=FAST, now=2 * STALLED_S))

    def test_who_holds_chunks_back_takes_over_those_of_others_only_when_nobody_else_does(
        self,
    ) -> None:
        plan = plan_of(10)
        for peer in range(10):
            take(plan, peer, peer, now=0.0)
        for peer in range(10):
            self.assertFalse(any(take(plan, peer, i, now=STALLED_S) for i in range(10)))
        self.assertEqual(late(plan, 0.0, now=STALLED_S), plan.content.all_chunks)
        self.assertTrue(take(plan, 99, 0, now=STALLED_S))
        plan.verified(99, 0, now=STALLED_S)
        self.assertFalse(any(take(plan, 0, i, now=STALLED_S) for i in range(10)))
        self.assertTrue(take(plan, 99, 1, now=STALLED_S))
        self.assertTrue(take(plan, 0, 2, now=2 * STALLED_S))

    def test_two_peers_that_send_a_byte_a_second_do_not_hold_a_chunk_back(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        for second in range(1, 30):
            plan.received(1, 0, 1, now=second)
            plan.received(2, 0, 1, now=second)
            take(plan, 2, 0, now=second)
        self.assertEqual(late(plan, FAST, now=30.0), 1)
        self.assertTrue(take(plan, 3, 0, rate=FAST, now=30.0))

    def test_a_slow_room_does_not_ask_a_third_peer(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        for second in range(1, 8):
            plan.received(1, 0, CHUNK // 10, now=second)
            plan.received(2, 0, CHUNK // 10, now=second)
            take(plan, 2, 0, now=second)
            self.assertFalse(take(plan, 3, 0, now=second))

    def test_the_end_of_a_chunk_that_is_held_back_comes_from_another_peer(self) -> None:
        for rate in (0.0, FAST):
            with self.subTest(rate=rate):
                plan = plan_of(1)
                take(plan, 1, 0, now=0.0)
                plan.received(1, 0, CHUNK - 100, now=0.1)
                for tenth in range(2, 32):
                    plan.received(1, 0, 1, now=tenth / 10)  # by its pace, it is here in a moment
                self.assertEqual(late(plan, rate, now=STALLED_S + 0.2), 1)
                self.assertTrue(take(plan, 2, 0, rate=rate, now=STALLED_S + 0.2))

    def test_so_does_one_that_is_held_back_while_other_files_are_wanted(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        for second in range(1, 32):
            plan.received(1, 0, CHUNK // 32, now=second)
        self.assertEqual(late(plan, FAST, now=31.0, is_end=False), 1)

    def test_the_other_connections_of_a_peer_do_not_take_its_own_late_chunk_over(self) -> None:
        plan = plan_of(1)
        take(plan, 1, 0, now=0.0)
        for tenth in range(1, 100):
            plan.received(1, 0, 1, now=tenth / 10)
        again = peer_of(5, rate=FAST, name="peer 1")
        self.assertEqual(plan.worth_asking_twice(again, now=9.9, is_end=True), 0)
        self.assertFalse(plan.take(again, 0, now=9.9, is_end=True))
        self.assertTrue(take(plan, 2, 0, rate=FAST, now=9.9))


class BadChunksTest(unittest.TestCase):
    def bad(self, plan: ChunkPlan, peer: int, index: int, *, now: float = 0.0) -> None:
        plan.bad_peers.sent_bad(peer_of(peer).sender, index, now=now)
        plan.released(peer, index)

    def wanted(self, plan: ChunkPlan, peer: int, *, now: float = 0.0, alone: bool = False) -> int:
        return plan.wanted_from(peer_of(peer), now=now, is_alone=alone)

    def test_after_the_second_bad_chunk_a_peer_is_asked_for_nothing_while_others_could_send_it(
        self,
    ) -> None:
        plan = plan_of(5)
        for number, index in enumerate((3, 1), 1):
            self.assertTrue(take(plan, 1, index))
            self.bad(plan, 1, index)
            self.assertIs(plan.bad_peers.is_suspect(peer_of(1).sender), number == MAX_BAD_CHUNKS)
        self.assertFalse(take(plan, 1, 0))
        self.assertEqual(self.wanted(plan, 1), 0)
        self.assertEqual(self.wanted(plan, 2), 0b11111)
        self.assertTrue(take(plan, 2, 3))
        self.assertTrue(plan.bad_peers.any_wrong)
        self.assertFalse(plan.bad_peers.any_hopeless)

    def test_who_nobody_can_replace_is_asked_for_one_chunk_after_another(self) -> None:
        plan = plan_of(5)
        for index in (3, 1):
            self.bad(plan, 1, index)
        self.assertEqual(self.wanted(plan, 1, alone=True), 0b11111)
        self.assertTrue(plan.take(peer_of(1), 3, now=0.0, is_end=True, is_alone=True))
        self.assertEqual(self.wanted(plan, 1, alone=True), 0)
        self.assertFalse(plan.take(peer_of(1), 2, now=0.0, is_end=True, is_alone=True))
        plan.bad_peers.sent_good(peer_of(1).sender, now=1.0)
        plan.verified(1, 3, now=1.0)
        self.assertEqual(self.wanted(plan, 1, alone=True), 0b10111)

    def test_when_nothing_right_comes_from_others_who_sent_bad_ones_is_asked_again(self) -> None:
        plan = plan_of(5)
        for index in (3, 1):
            self.bad(plan, 1, index, now=10.0)
        self.assertFalse(plan.bad_peers.is_slow(10.0 + SLOW_S - 0.1))
        plan.bad_peers.sent_good(peer_of(2).sender, now=12.0)
        self.assertFalse(plan.bad_peers.is_slow(10.0 + SLOW_S))
        self.assertTrue(plan.bad_peers.is_slow(12.0 + SLOW_S))

    def test_after_the_first_one_that_chunk_is_asked_elsewhere_and_the_rest_here(self) -> None:
        plan = plan_of(2)
        take(plan, 1, 0)
        self.bad(plan, 1, 0)
        self.assertEqual(self.wanted(plan, 1), 0b10)
        self.assertFalse(take(plan, 1, 0))
        self.assertTrue(take(plan, 1, 1))
        self.assertTrue(take(plan, 2, 0))

    def test_nobody_is_asked_for_more_than_32_mib_of_wrong_chunks_in_a_row(self) -> None:
        plan = plan_of(2)
        plan.bad_peers.sent_good(peer_of(1).sender, now=0.0)
        for number in range(MAX_WASTE // CHUNK):
            now = float(number)  # longer than any pause
            self.assertTrue(plan.take(peer_of(1), 0, now=now, is_end=True, is_alone=True), number)
            self.bad(plan, 1, 0, now=now)
        self.assertTrue(plan.bad_peers.is_hopeless(peer_of(1).sender))
        self.assertTrue(plan.bad_peers.any_hopeless)
        self.assertEqual(self.wanted(plan, 1, now=1e6, alone=True), 0)

    def test_the_same_chunk_bad_twice_counts_twice(self) -> None:
        plan = plan_of(1)
        for _ in range(MAX_BAD_CHUNKS):
            self.assertFalse(plan.bad_peers.is_suspect(peer_of(1).sender))
            self.bad(plan, 1, 0)
        self.assertTrue(plan.bad_peers.is_suspect(peer_of(1).sender))

    def test_the_count_is_of_this_content_only(self) -> None:
        first, second = plan_of(2), plan_of(2)
        self.bad(first, 1, 0)
        self.bad(second, 1, 0)
        self.assertFalse(
            first.bad_peers.is_suspect(peer_of(1).sender)
            or second.bad_peers.is_suspect(peer_of(1).sender)
        )

    def test_of_a_host_that_lied_under_many_ids_only_who_was_right_is_asked(
        self,
    ) -> None:
        plan = plan_of(20)
        honest, new = peer_of(1, "h"), peer_of(99, "h")
        self.assertTrue(plan.take(honest, 0, now=0.0, is_end=False))
        plan.bad_peers.sent_good(honest.sender, now=0.0)
        plan.verified(1, 0, now=0.0)
        for peer in range(2, 2 + MAX_BAD_OF_HOST):
            liar = peer_of(peer, "h")
            self.assertTrue(plan.take(liar, peer, now=0.0, is_end=False))
            plan.bad_peers.sent_bad(liar.sender, peer, now=0.0)
            plan.released(peer, peer)
        self.assertEqual(plan.wanted_from(new, now=0.0, is_alone=False), 0)
        self.assertFalse(plan.take(new, 1, now=0.0, is_end=False))
        self.assertTrue(plan.take(honest, 1, now=0.0, is_end=False))
        self.assertTrue(plan.take(peer_of(100, "other"), 2, now=0.0, is_end=False))

    def test_wrong_digests_count_as_much_as_two_bad_chunks(self) -> None:
        plan = plan_of(2)
        plan.bad_peers.sent_wrong_digests(peer_of(1).sender, now=0.0)
        self.assertTrue(plan.bad_peers.is_suspect(peer_of(1).sender))
        self.assertFalse(take(plan, 1, 0))


class PropertyTest(unittest.TestCase):
    """Against a table of its own: every chunk is somewhere, once."""

    def test_no_chunk_is_lost_counted_twice_or_on_its_way_twice_unless_it_is_late(self) -> None:
        for seed in range(60):
            self.play(random.Random(seed), seed)

    def play(self, rng: random.Random, seed: int) -> None:
        count = rng.randrange(1, 30)
        plan, now = plan_of(count, had=rng.getrandbits(count)), 0.0
        coming: dict[int, dict[int, float]] = {}  # chunk, connection, since its last byte
        self.taken: dict[int, float] = {}  # when a chunk was taken last
        for _ in range(300):
            now += rng.choice((0.0, 0.1, 1.0, 2.0))
            peer, index = rng.randrange(1, 6), rng.randrange(count)
            self.step(rng, plan, coming, peer, index, now)
            on_their_way = sum(1 << index for index, peers in coming.items() if peers)
            self.assertEqual(plan.wanted, plan.content.all_chunks & ~plan.had & ~on_their_way, seed)
            self.assertEqual(plan.had & on_their_way, 0, seed)
            for index, peers in coming.items():
                for peer in range(1, 6):
                    self.assertIs(plan.is_coming(peer, index), peer in peers)
            twice = late(plan, FAST, now=now)
            self.assertEqual(twice & ~on_their_way, 0)
            self.assertFalse(twice and plan.wanted)
        for peer in range(1, 6):
            plan.all_released(peer)
        self.assertEqual(plan.wanted | plan.had, plan.content.all_chunks)

    def step(
        self,
        rng: random.Random,
        plan: ChunkPlan,
        coming: dict[int, dict[int, float]],
        peer: int,
        index: int,
        now: float,
    ) -> None:
        peers, what = coming.setdefault(index, {}), rng.random()
        if what < 0.5:
            is_here = bool(plan.had >> index & 1)
            newest = max(peers.values(), default=now)
            if take(plan, peer, index, now=now):
                self.assertFalse(is_here or peer in peers)
                if peers and now - self.taken[index] <= STALLED_S:
                    self.assertGreaterEqual(now - newest, UNKNOWN_RATE_S)
                peers[peer] = self.taken[index] = now
        elif what < 0.6:
            plan.received(peer, index, rng.randrange(CHUNK // 4), now=now)
            if peer in peers:
                peers[peer] = now
        elif what < 0.8 and peer in peers:
            losers = plan.verified(peer, index, now=now)
            self.assertEqual(sorted(losers), sorted(peers.keys() - {peer}))
            peers.clear()
        elif what < 0.9:
            is_free = plan.released(peer, index)
            self.assertIs(is_free, peers.keys() == {peer})
            peers.pop(peer, None)
        elif what < 0.95:
            plan.all_released(peer)
            for some in coming.values():
                some.pop(peer, None)

    def test_the_chunks_of_a_bitmap_that_is_late_are_those_on_their_way(self) -> None:
        plan = plan_of(6, had=0b11)
        for index in (2, 3, 4, 5):
            take(plan, index, index, now=0.0)
        self.assertEqual(list(indexes(late(plan, 0.0, now=STALLED_S))), [2, 3, 4, 5])
