"""The emulated rooms and the drivers that the lab and the bench share."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

from tests.bench.loopback import LoopbackRoom, seconds_to_take
from tests.lab import flood
from tests.lab.__main__ import name_of
from tests.lab.network import PREFIX, LabError, Link, is_left, require_root
from tests.lab.room import Outcome, Plan, links_of, make_files
from tests.support import LmkTestCase, random_file

SIZE = 1_000_000
CAN_BUILD = sys.platform.startswith("linux") and os.geteuid() == 0


class PlanTest(unittest.TestCase):
    def test_the_slow_seeder_is_never_the_first_one(self) -> None:
        links = links_of(Plan(1, 100.0, SIZE, seeders=3, seeder_mbit=50.0, slow=1))
        self.assertEqual([link.mbit for link in links], [100.0, 50.0, 50.0, 0.5, 100.0])

    def test_the_first_leechers_are_behind_the_firewall(self) -> None:
        links = links_of(Plan(2, 100.0, SIZE, firewalled=1))
        self.assertEqual(links[2:], [Link(100.0, is_firewalled=True), Link(100.0)])

    def test_the_ratio_is_to_the_time_of_the_bare_bytes(self) -> None:
        plan = Plan(2, 8.0, 10_000_000)
        outcome = Outcome(plan, (11.0, 12.0), 1.0, 1.0, 0.5, 0, 0, ())
        self.assertAlmostEqual(outcome.ratio, 1.2)

    def test_nobody_done_is_no_good_ratio(self) -> None:
        outcome = Outcome(Plan(2, 8.0, SIZE), (), 1.0, 1.0, 0.5, 0, 0, ())
        self.assertEqual(outcome.ratio, float("inf"))

    def test_a_room_is_named_by_what_is_special_in_it(self) -> None:
        plan = Plan(8, 100.0, 64 << 20, seeders=4, slow=1)
        self.assertEqual(name_of(plan), "8 at 100 Mbit/s, 64 MiB, 4 seeders, 1 slow")


class FilesTest(LmkTestCase):
    def test_many_files_are_as_large_as_told_and_in_folders(self) -> None:
        make_files(self.folder / "shared", 250, 2_500)
        files = [path for path in (self.folder / "shared").rglob("*") if path.is_file()]
        self.assertEqual({path.stat().st_size for path in files}, {10})
        self.assertEqual(len({path.parent for path in files}), 3)


@unittest.skipUnless(CAN_BUILD, "an emulated room needs Linux and root")
class FloodTest(unittest.TestCase):
    def test_everybody_is_answered_while_sources_are_forged_that_do_not_exist(self) -> None:
        told = flood.measure("questions", 500.0, settle_s=1.0)
        for slowest_s in (told.member_s, told.newcomer_s):
            self.assertLess(slowest_s, flood.LIMIT_S)  # or it had no answer at all


class SweepTest(unittest.TestCase):
    def test_what_a_living_run_made_is_no_remainder(self) -> None:
        self.assertFalse(is_left(f"{PREFIX}-{os.getpid()}-switch"))

    @unittest.skipUnless(Path("/proc/self").exists(), "needs /proc")
    def test_what_a_dead_run_made_is_a_remainder(self) -> None:
        self.assertTrue(is_left(f"{PREFIX}-99999999-1"))

    def test_what_others_made_is_left_alone(self) -> None:
        self.assertFalse(is_left("some-99999999-1"))

    @unittest.skipIf(CAN_BUILD, "we are root on Linux")
    def test_without_root_a_sentence_says_what_is_missing(self) -> None:
        with self.assertRaisesRegex(LabError, "needs Linux and root"):
            require_root()


class DriversTest(LmkTestCase):
    def test_a_file_goes_from_one_driven_program_to_another(self) -> None:
        (self.folder / "shared").mkdir()
        source = random_file(self.folder / "shared" / "file", 700_000, seed=1)
        with LoopbackRoom() as room:
            room.seeder(self.folder / "shared")
            leecher = room.leecher(self.folder / "taken", files=1)
            self.assertGreater(seconds_to_take(leecher, files=1), 0)
            self.assertEqual(leecher.ask("report", "reported")["have"], 700_000)
        taken = self.folder / "taken" / "file"
        self.assertEqual(taken.read_bytes(), source.read_bytes())


if __name__ == "__main__":
    unittest.main()
