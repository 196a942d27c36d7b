"""Rooms on a virtual clock: what goes wrong in them is survived, and what must hold is watched."""

from __future__ import annotations

import contextlib
import io
import unittest
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

from roles.swarm.chunk_plan import ChunkPlan, _OnItsWay
from roles.swarm.peer import Peer
from roles.swarm.peer_book import PeerBook
from roles.swarm.swarm import Swarm
from roles.uploads.times_sent import TimesSent
from roles.uploads.upload_scheduler import UploadScheduler
from tests.rooms import __main__ as command
from tests.rooms import faults
from tests.rooms.chance import room_of
from tests.rooms.kinds import KINDS
from tests.rooms.room import MIB, BrokenRuleError, Outcome, Room
from tests.rooms.sizes import Size

SEEDS = 15  # python3 -m tests.rooms has 2,000
SEEDS_OF_FAULT = 1
FAST = 12.5e6  # bytes per second
SLOW = 1e6


def room_with(
    seeders: int = 1, leechers: int = 4, *, chunks: int = 24, rate: float = FAST, seed: int = 1
) -> Room:
    room = Room(seed)
    room.share("a file", chunks * MIB // 4)
    for _ in range(seeders):
        room.add_seeder(rate)
    for _ in range(leechers):
        room.add_leecher(rate)
    return room


class FaultsTest(unittest.TestCase):
    """The rows of the fault matrix that concern the swarm."""

    def test_every_fault_is_survived_by_everybody_who_can(self) -> None:
        for fault in faults.ALL:
            for seed in range(SEEDS_OF_FAULT):
                with self.subTest(fault=fault.__name__, seed=seed):
                    room_of(seed, fault).run()

    def test_rooms_of_all_kinds_end(self) -> None:
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                room_of(seed).run()

    def test_a_slow_seeder_beside_a_fast_one_does_not_set_the_pace(self) -> None:
        alone = room_with(seeders=1, leechers=4, chunks=64).run()
        room = room_with(seeders=2, leechers=4, chunks=64)
        faults.one_seeder_is_slow(room)
        self.assertLess(room.run().seconds[-1], 1.3 * alone.seconds[-1])

    def test_a_room_goes_on_within_seconds_after_a_cut(self) -> None:
        for cut_s in (1.0, 10.0, 120.0):
            with self.subTest(cut_s=cut_s):
                room = room_with(leechers=3, chunks=64, rate=SLOW)
                seeder = {room.seeders[0].link}
                room.at_time(5.0, "cut", lambda: faults.cut(room, seeder))  # noqa: B023
                room.at_time(5.0 + cut_s, "joined", room.network.cut.clear)
                undisturbed = room_with(leechers=3, chunks=64, rate=SLOW).run().seconds[-1]
                self.assertLess(room.run().seconds[-1], undisturbed + cut_s + 10.0)

    def test_a_room_without_a_tracker_goes_on(self) -> None:
        room = room_with(leechers=5, chunks=64, rate=SLOW)
        room.at_time(3.0, "the tracker is killed", lambda: setattr(room.tracker, "is_running", 0))
        outcome = room.run()
        undisturbed = room_with(leechers=5, chunks=64, rate=SLOW).run()
        self.assertLess(outcome.seconds[-1], undisturbed.seconds[-1] + 1.0)

    def test_what_is_on_the_disk_is_not_fetched_again(self) -> None:
        room = room_with(leechers=1, chunks=64, rate=SLOW)
        leecher = room.leechers[0]
        room.at_time(8.0, "killed", leecher.die)
        room.at_time(9.0, "starts", lambda: room.restart(leecher))
        room.run()
        again = room.leechers[0]
        self.assertGreater(leecher.kept, 0)
        self.assertEqual(again.kept + leecher.kept, 16 * MIB)

    def test_many_leechers_of_one_seeder_are_served_alike(self) -> None:
        seconds = room_with(leechers=40, chunks=8).run().seconds
        self.assertEqual(len(seconds), 40)
        self.assertLess(seconds[-1], 2 * seconds[0])

    def test_nobody_is_left_out_where_nobody_can_connect_to_half_of_them(self) -> None:
        room = room_with(leechers=6, chunks=32)
        for host in (room.seeders[0], *room.leechers[:3]):
            host.is_firewalled = True
        self.assertEqual(len(room.run().seconds), 6)

    def test_a_liar_costs_no_more_than_some_chunks(self) -> None:
        room = room_with(seeders=2, leechers=4, chunks=48)
        room.seeders[1].sends_instead = lambda _index: True
        room.run()
        for leecher in room.leechers:
            self.assertLessEqual(leecher.damaged, 4)


class RulesTest(unittest.TestCase):
    """Each rule is broken once, and that is noticed."""

    def assert_broken(self, words: str, room: Room) -> None:
        with self.assertRaises(BrokenRuleError) as caught:
            room.run()
        sentence, *story = str(caught.exception).splitlines()
        self.assertRegex(sentence, words)
        self.assertGreater(len(story), 5)
        self.assertRegex("\n".join(story), r"[sl]\d+ +to l\d+ +[A-Z]\w+\(")

    def replace(self, owner: type, name: str, new: object) -> None:
        self.enterContext(mock.patch.object(owner, name, new))

    def test_there_are_no_more_slots_than_there_are(self) -> None:
        room = room_with(leechers=14)
        room.seeders[0].scheduler.limit(room.seeders[0].slots + 1)
        self.assert_broken("11 of 10 slots held", room)

    def test_a_slot_is_held_by_somebody(self) -> None:
        free = UploadScheduler._free_slot

        def forget_who(scheduler: UploadScheduler, leecher: Any) -> None:
            free(scheduler, leecher)
            scheduler.slots_taken += 1

        self.replace(UploadScheduler, "_free_slot", forget_who)
        self.assert_broken("held by nobody", room_with())

    def test_nobody_waits_beside_a_free_slot(self) -> None:
        self.replace(UploadScheduler, "_grant", lambda *_, **__: None)
        self.assert_broken("waits beside a free slot", room_with())

    def test_no_chunk_is_counted_twice(self) -> None:
        written = Swarm.written

        def count_twice(*what: Any, **when: Any) -> None:
            what[2].arrived += 1
            written(*what, **when)

        self.replace(Swarm, "written", count_twice)
        self.assert_broken("counted twice", room_with())

    def test_no_chunk_is_lost_with_its_connection(self) -> None:
        self.replace(ChunkPlan, "all_released", lambda *_: False)
        room = room_with(seeders=2, chunks=64)
        room.at_time(0.4, "killed", room.seeders[1].die)
        self.assert_broken("is lost", room)

    def test_few_bytes_come_twice(self) -> None:
        self.replace(ChunkPlan, "take", _take_what_comes_already)
        self.assert_broken("in vain", room_with(seeders=8, leechers=2, chunks=96, rate=SLOW))

    def test_everybody_ends_who_can(self) -> None:
        dial = PeerBook.to_dial
        self.replace(
            PeerBook,
            "to_dial",
            lambda book, **how: dial(book, **how) if how["now"] < 1_000.3 else [],
        )
        room = room_with(chunks=64, rate=SLOW)
        room.at_time(2.0, "killed", room.seeders[0].die)
        room.at_time(3.0, "starts", lambda: room.restart_seeder(room.seeders[0]))
        self.assert_broken("does not end although it can", room)

    def test_who_cannot_end_breaks_no_rule(self) -> None:
        room = room_with(chunks=64, rate=SLOW)
        room.at_time(2.0, "killed", room.seeders[0].die)
        self.assertEqual(len(room.run().unfinished), 4)


class ProductTest(unittest.TestCase):
    """The rooms are made of the program's own decisions."""

    def time_of(self, least: Callable[..., tuple[int, int]] | None = None) -> float:
        with contextlib.ExitStack() as stack:
            if least is not None:
                stack.enter_context(mock.patch.object(TimesSent, "least", least))
            return Size(8, 100.0, 24.0).run().seconds[-1]

    def test_another_picking_rule_makes_another_room(self) -> None:
        rule = self.time_of()
        by_chance = self.time_of(lambda _, candidates: (candidates, 0))
        in_order = self.time_of(lambda _, candidates: (candidates & -candidates, 0))
        self.assertGreater(by_chance, 1.05 * rule)
        self.assertGreater(in_order, 1.5 * rule)

    def test_all_follows_from_the_seed(self) -> None:
        def outcome(seed: int) -> tuple[Outcome, str]:
            room = room_of(seed)
            return room.run(), str(room.story)

        self.assertEqual(outcome(5), outcome(5))
        self.assertNotEqual(outcome(5), outcome(6))

    def test_a_room_takes_as_long_as_in_the_lab(self) -> None:
        size = Size(8, 100.0, 64.0, cores=2)
        ratio = size.run().seconds[-1] / size.ideal_s
        self.assertAlmostEqual(ratio, 1.12, delta=0.05)


class CommandTest(unittest.TestCase):
    def run_it(self, *arguments: str) -> tuple[int, str]:
        said = io.StringIO()
        with mock.patch("sys.argv", ["rooms", *arguments]), contextlib.redirect_stdout(said):
            code = command.main()
        return code, said.getvalue()

    def test_a_broken_room_is_told_with_its_seed_and_can_be_run_again(self) -> None:
        with mock.patch.object(UploadScheduler, "_grant", lambda *_, **__: None):
            ((_, report),) = command.run_rooms(range(7, 8))
            code, story = self.run_it("--seed", "7")
        self.assertIn("python3 -m tests.rooms --seed 7", report)
        self.assertEqual(code, 1)
        self.assertIn(story.splitlines()[-1], report)

    def test_a_room_that_holds_is_told_too(self) -> None:
        code, story = self.run_it("--seed", "7")
        self.assertEqual(code, 0)
        self.assertIn("has everything", story)

    def test_the_rule_is_compared_with_the_least_time_of_any(self) -> None:
        code, table = self.run_it("--bound", "2", "4")
        self.assertEqual(code, 0)
        _, two, four = table.splitlines()
        for line, hosts, bound in ((two, 2, 1 + 1 / 256), (four, 4, 1 + 2 / 256)):
            shown = [float(cell) for cell in line.split()]
            self.assertEqual(shown[:2], [hosts, round(bound, 3)])
            self.assertAlmostEqual(shown[2], sum(shown[4:7]), delta=0.002)
            self.assertLess(1.0, shown[3])

    def test_rooms_that_are_not_ideal_end_too(self) -> None:
        small = [replace(kind, files=max(kind.files // 8, 1)) for kind in KINDS]
        self.enterContext(mock.patch.object(command, "KINDS", small))
        self.enterContext(mock.patch("tests.rooms.kinds.SIZE", MIB))
        code, table = self.run_it("--kinds")
        self.assertEqual(code, 0)
        self.assertEqual(len(table.splitlines()), len(KINDS))

    def test_a_size_is_compared_with_the_bare_bytes(self) -> None:
        code, line = self.run_it("--size", "2", "100", "4")
        self.assertEqual(code, 0)
        self.assertRegex(line, r"ratio \d\.\d")


def _take_what_comes_already(
    plan: ChunkPlan, peer: Peer, index: int, *, now: float, **_: Any
) -> bool:
    """Every chunk that is not here, from everybody."""
    if plan.had >> index & 1:
        return False
    plan._on_their_way.setdefault(index, {})[peer.number] = _OnItsWay(peer.sender, now, now)
    plan.coming |= 1 << index
    return True


if __name__ == "__main__":
    unittest.main()
