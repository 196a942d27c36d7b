"""Who takes part in which torrent, by the test's clock."""

from __future__ import annotations

import unittest
from collections.abc import Collection
from random import Random

from roles.torrents.bep15_wire import Announce, Counts, Event
from roles.torrents.swarms import (
    FORGOTTEN_S,
    INTERVAL_S,
    KEPT_S,
    MAX_PEERS,
    MAX_PER_HOST,
    MAX_SWARMS,
    MAX_TOLD,
    Swarms,
)
from roles.values.addresses import Address
from tests.support import calls_made

HASH, OTHER = b"a" * 20, b"b" * 20
SEEDER = "10.0.0.1"


def hash_of(number: int) -> bytes:
    return number.to_bytes(20, "big")


class SwarmsTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.swarms = Swarms(Random(1))
        self.swarms.offer({HASH: SEEDER}, now=0.0)

    def announce(
        self,
        host: str,
        port: int = 6881,
        *,
        info_hash: bytes = HASH,
        is_seed: bool = False,
        event: Event = Event.NONE,
        wanted: int = -1,
        now: float = 0.0,
    ) -> Collection[Address] | None:
        said = Announce(b"1234", info_hash, is_seed, event, wanted, port)
        return self.swarms.announce(said, host, now=now)

    def is_tracked(self, info_hash: bytes) -> bool:
        told = self.announce("10.9.9.9", info_hash=info_hash, event=Event.STOPPED)
        return told is not None

    def test_each_is_told_of_the_others_and_not_of_itself(self) -> None:
        self.assertEqual(self.announce("10.0.0.7"), [])
        self.assertEqual(self.announce("10.0.0.8"), [Address("10.0.0.7", 6881)])
        self.assertEqual(self.announce("10.0.0.7"), [Address("10.0.0.8", 6881)])
        self.assertEqual(self.swarms.counts(HASH), Counts(0, 2))

    def test_seeds_are_not_told_of_seeds(self) -> None:
        self.announce("10.0.0.7", is_seed=True)
        self.assertEqual(self.announce("10.0.0.8", is_seed=True), [])
        self.assertEqual(len(self.announce("10.0.0.9") or ()), 2)
        self.assertEqual(self.announce("10.0.0.8", is_seed=True), [Address("10.0.0.9", 6881)])
        self.assertEqual(self.swarms.counts(HASH), Counts(2, 1))

    def test_who_becomes_a_seed_counts_as_one(self) -> None:
        self.announce("10.0.0.7")
        self.announce("10.0.0.7", is_seed=True, event=Event.COMPLETED)
        self.assertEqual(self.swarms.counts(HASH), Counts(1, 0))

    def test_the_counts_are_right_whatever_happened(self) -> None:
        chance = Random(3)
        for step in range(3_000):
            self.announce(
                f"10.0.0.{chance.randrange(3)}",
                20_000 + chance.randrange(20),
                is_seed=chance.random() < 0.5,
                event=chance.choice(list(Event)),
                now=float(step),
            )
            if step % 100 == 0:
                self.swarms.expire(now=float(step))
            peers = self.swarms._swarms[HASH].peers.values()
            seeds = sum(peer.is_seed for peer in peers)
            self.assertEqual(self.swarms.counts(HASH), Counts(seeds, len(peers) - seeds))

    def test_counting_costs_the_same_however_many_there_are(self) -> None:
        few = calls_made(lambda: self.swarms.counts(HASH))
        for number in range(1_000):
            self.announce(f"10.1.{number // 250}.{number % 250}", is_seed=True)
        self.assertEqual(calls_made(lambda: self.swarms.counts(HASH)), few)

    def test_who_stops_is_forgotten_at_once_and_told_of_nobody(self) -> None:
        self.announce("10.0.0.7")
        self.announce("10.0.0.8")
        self.assertEqual(self.announce("10.0.0.7", event=Event.STOPPED), [])
        self.assertEqual(self.announce("10.0.0.7", event=Event.STOPPED), [])
        self.assertEqual(self.swarms.counts(HASH), Counts(0, 1))

    def test_who_is_silent_is_forgotten_after_700_s(self) -> None:
        self.announce("10.0.0.7", now=0.0)
        self.announce("10.0.0.8", now=1.0)
        self.announce("10.0.0.7", now=300.0)  # as often as libtorrent
        self.swarms.expire(now=1.0 + FORGOTTEN_S)
        self.assertEqual(
            self.announce("10.0.0.9", now=1.0 + FORGOTTEN_S), [Address("10.0.0.7", 6881)]
        )
        self.assertGreater(FORGOTTEN_S, 2 * 300)
        self.assertEqual(INTERVAL_S, 120)

    def test_nobody_is_told_of_more_than_80_nor_of_more_than_it_wants(self) -> None:
        for number in range(300):
            self.announce(f"10.1.{number // 250}.{number % 250}")
        for wanted, told in ((-1, MAX_TOLD), (200, MAX_TOLD), (5, 5), (0, 0)):
            found = self.announce("10.0.0.7", wanted=wanted)
            assert found is not None
            self.assertEqual(len(set(found)), told)
        answers = {frozenset(self.announce("10.0.0.7") or ()) for _ in range(10)}
        self.assertGreater(len(answers), 1, "always the same ones")

    def test_a_torrent_that_nobody_offers_is_not_tracked(self) -> None:
        self.assertIsNone(self.announce("10.0.0.7", info_hash=OTHER))
        self.assertEqual(self.swarms.counts(OTHER), Counts(0, 0))
        self.assertEqual(len(list(self.swarms.saved())), 1)

    def test_a_torrent_stays_for_12_hours_after_its_share_has_left(self) -> None:
        self.swarms.offer({}, now=100.0)
        self.swarms.offer({}, now=200.0)
        self.swarms.expire(now=100.0 + KEPT_S - 1)
        self.assertTrue(self.is_tracked(HASH))
        self.swarms.expire(now=100.0 + KEPT_S)
        self.assertFalse(self.is_tracked(HASH))
        self.assertEqual(KEPT_S, 12 * 3_600)

    def test_a_share_that_returns_starts_the_12_hours_anew(self) -> None:
        self.swarms.offer({}, now=0.0)
        self.swarms.offer({HASH: SEEDER}, now=KEPT_S - 1)
        self.swarms.expire(now=10 * KEPT_S)
        self.assertTrue(self.is_tracked(HASH))

    def test_one_host_has_16_programs_in_a_swarm_and_the_longest_silent_goes(self) -> None:
        self.announce("10.0.0.8")
        for number in range(MAX_PER_HOST + 1):
            self.announce("10.0.0.7", 20_000 + number)
        self.assertEqual(self.swarms.counts(HASH), Counts(0, MAX_PER_HOST + 1))
        told = self.announce("10.0.0.8") or ()
        self.assertNotIn(Address("10.0.0.7", 20_000), told)
        self.assertIn(Address("10.0.0.7", 20_000 + MAX_PER_HOST), told)

    def test_a_full_swarm_takes_nobody_in_and_still_answers(self) -> None:
        for number in range(MAX_PEERS):
            self.announce(f"10.{1 + number // 62_500}.{number // 250 % 250}.{number % 250}")
        self.assertEqual(len(self.announce("10.0.0.7") or ()), MAX_TOLD)
        self.assertEqual(self.swarms.counts(HASH), Counts(0, MAX_PEERS))
        self.announce("10.1.0.0", event=Event.STOPPED)
        self.announce("10.0.0.7")
        self.assertEqual(self.swarms.counts(HASH), Counts(0, MAX_PEERS))

    def test_nobody_is_sent_to_another_service(self) -> None:
        for port in (0, 80, 1_023, 3_389, 9_100):
            self.announce("10.0.0.7", port)
        self.assertEqual(self.announce("10.0.0.8"), [])

    def test_there_are_256_swarms_and_a_host_with_many_pushes_no_other_out(self) -> None:
        offered = {hash_of(number): "10.0.0.66" for number in range(MAX_SWARMS + 50)}
        self.swarms.offer({**offered, HASH: SEEDER}, now=0.0)
        self.assertEqual(len(list(self.swarms.saved())), MAX_SWARMS)
        self.assertTrue(self.is_tracked(HASH))

    def test_what_has_left_makes_room_for_what_is_offered_and_the_deserted_first(self) -> None:
        old = {hash_of(number): SEEDER for number in range(MAX_SWARMS)}
        self.swarms.offer(old, now=0.0)
        self.announce("10.0.0.7", info_hash=hash_of(0))
        new = {hash_of(1_000 + number): SEEDER for number in range(MAX_SWARMS - 1)}
        self.swarms.offer(new, now=1.0)
        self.assertTrue(all(map(self.is_tracked, new)))
        self.assertTrue(self.is_tracked(hash_of(0)))
        self.assertEqual(len(list(self.swarms.saved())), MAX_SWARMS)

    def test_what_finds_no_room_changes_nothing(self) -> None:
        offered = {hash_of(number): SEEDER for number in range(MAX_SWARMS)}
        self.swarms.offer(offered, now=0.0)
        before = self.swarms.changes_saved
        for number in range(3):
            self.swarms.offer({**offered, hash_of(9_999): SEEDER}, now=float(number))
        self.assertEqual(self.swarms.changes_saved, before)


class StateTest(unittest.TestCase):
    def test_torrents_survive_a_restart_for_12_hours(self) -> None:
        first, second = Swarms(Random(1)), Swarms(Random(1))
        first.offer({HASH: SEEDER, OTHER: ""}, now=0.0)
        saved = list(first.saved())
        self.assertEqual(saved[0], {"torrent": HASH.hex(), "host": SEEDER})
        second.restore(saved, now=50.0)
        self.assertEqual(list(second.saved()), saved)
        second.expire(now=50.0 + KEPT_S - 1)
        self.assertEqual(list(second.saved()), saved)
        second.expire(now=50.0 + KEPT_S)
        self.assertEqual(list(second.saved()), [])

    def test_what_cannot_be_read_is_skipped(self) -> None:
        swarms = Swarms(Random(1))
        good = {"torrent": HASH.hex(), "host": ""}
        damaged = [{**good, "torrent": text} for text in ("", "zz" * 20, "aa" * 19, "AA" * 20)]
        swarms.restore([None, 3, {}, {"torrent": 1}, *damaged, {"torrent": HASH.hex()}], now=0.0)
        swarms.restore(["torrent", ["torrent"]], now=0.0)
        self.assertEqual(list(swarms.saved()), [])
        swarms.restore([good] * 3, now=0.0)
        self.assertEqual(list(swarms.saved()), [good])

    def test_changes_are_counted_whenever_other_things_would_be_saved(self) -> None:
        swarms = Swarms(Random(1))
        swarms.offer({HASH: SEEDER}, now=0.0)
        changes = swarms.changes_saved
        self.assertGreater(changes, 0)
        swarms.announce(Announce(b"1234", HASH, True, Event.NONE, -1, 6881), "10.0.0.7", now=0.0)
        swarms.offer({HASH: SEEDER}, now=1.0)
        swarms.offer({}, now=2.0)
        self.assertEqual(swarms.changes_saved, changes)
        swarms.expire(now=2.0 + KEPT_S)
        self.assertGreater(swarms.changes_saved, changes)

    def test_they_can_be_saved_slice_by_slice_while_they_change(self) -> None:
        swarms = Swarms(Random(1))
        swarms.offer({HASH: SEEDER, OTHER: SEEDER}, now=0.0)
        saving = swarms.saved()
        next(saving)
        swarms.offer({hash_of(7): SEEDER}, now=0.0)
        self.assertEqual(next(saving)["torrent"], OTHER.hex())
