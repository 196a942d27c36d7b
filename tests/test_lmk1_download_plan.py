"""Which chunk comes from whom: every chunk exactly once, whatever the seeders do."""

from __future__ import annotations

import random
import unittest

from roles.lmk1.download_plan import MAX_PART, MIN_STOLEN, SLOW_S, STALLED_S, DownloadPlan
from roles.lmk1.peer_wire import CHUNK_SIZE, chunk_count


class Walk:
    """Seeders of different speed that do everything that a plan allows, in a random order."""

    def __init__(self, chunks: int, seeders: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plan = DownloadPlan(chunks * CHUNK_SIZE)
        self.chunks = chunks
        self.speeds = {f"s{n}": self.rng.choice((1, 5, 40, 300)) for n in range(seeders)}
        self.next: dict[str, int] = {}  # of each seeder at work: its next chunk
        self.had: list[int] = [0] * chunks
        self.now = 0.0
        self.bad_left = 10

    def run(self) -> None:
        for _ in range(100_000):
            if self.plan.is_done:
                return
            self.now += self.rng.random() * 0.5
            self.step(self.rng.choice(list(self.speeds)))
            self.check()
        raise AssertionError("it never ended")

    def step(self, seeder: str) -> None:
        if seeder not in self.next:
            self.take(seeder)
        elif self.next[seeder] >= self.plan.part_end(seeder) or self.rng.random() < 0.05:
            self.release(seeder)  # through, or gone with what is left of its part
        elif self.rng.random() < 0.05 and self.bad_left:
            self.bad_left -= 1
            self.plan.reject(seeder, self.next[seeder], now=self.now)
            self.next[seeder] += 1
        elif self.rng.random() < 0.8:  # else it stands still for a while
            self.record(seeder)

    def take(self, seeder: str) -> None:
        had_work = self.plan.has_work_for(seeder, now=self.now)
        part = self.plan.take(seeder, sharers=self.rng.randrange(1, 6), now=self.now)
        assert (part is not None) == had_work
        if part is not None:
            assert 0 <= part.start < part.stop <= self.chunks
            assert len(part) <= MAX_PART
            self.next[seeder] = part.start

    def record(self, seeder: str) -> None:
        first, end = self.next[seeder], self.plan.part_end(seeder)
        upto = min(first + self.rng.randrange(1, self.speeds[seeder] + 1), self.chunks)
        stop = self.plan.record(seeder, upto, now=self.now)
        assert stop == end == self.plan.part_end(seeder)
        for index in range(first, min(upto, stop)):  # what is past it belongs to another by now
            self.had[index] += 1
        self.next[seeder] = upto

    def release(self, seeder: str) -> None:
        self.plan.release(seeder)
        del self.next[seeder]

    def check(self) -> None:
        assert self.plan.missing == self.had.count(0), (self.plan.missing, self.had.count(0))
        assert max(self.had) <= 1
        assert self.plan.is_done == (0 not in self.had)


class EveryChunkOnceTest(unittest.TestCase):
    def test_every_chunk_is_had_exactly_once_under_random_schedules(self) -> None:
        for seed in range(50):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                walk = Walk(rng.choice((1, 2, 63, 64, 65, 700, 4000)), rng.randrange(1, 7), seed)
                walk.run()
                self.assertEqual(walk.had, [1] * walk.chunks)
                self.assertEqual(walk.plan.missing, 0)

    def test_an_empty_file_is_done_before_it_begins(self) -> None:
        plan = DownloadPlan(0)
        self.assertTrue(plan.is_done)
        self.assertEqual(plan.missing, 0)
        self.assertFalse(plan.has_work_for("a", now=0.0))
        self.assertIsNone(plan.take("a", sharers=1, now=0.0))

    def test_the_last_chunk_may_be_short(self) -> None:
        plan = DownloadPlan(CHUNK_SIZE + 1)
        self.assertEqual(plan.take("a", sharers=1, now=0.0), range(2))


class SharesTest(unittest.TestCase):
    def test_each_takes_a_fair_share_of_what_is_left(self) -> None:
        plan = DownloadPlan(900 * CHUNK_SIZE)
        self.assertEqual(plan.take("a", sharers=3, now=0.0), range(300))
        self.assertEqual(plan.take("b", sharers=3, now=0.0), range(300, 500))
        self.assertEqual(plan.take("c", sharers=1, now=0.0), range(500, 900))

    def test_no_part_is_longer_than_64_mib(self) -> None:
        plan = DownloadPlan(10 << 30)
        part = plan.take("a", sharers=1, now=0.0)
        assert part is not None
        self.assertEqual(len(part), MAX_PART)
        self.assertLessEqual(MAX_PART * CHUNK_SIZE, 64 << 20)

    def test_a_file_of_fewer_chunks_than_seeders_gives_each_at_least_one(self) -> None:
        plan = DownloadPlan(2 * CHUNK_SIZE)
        self.assertEqual(plan.take("a", sharers=5, now=0.0), range(1))
        self.assertEqual(plan.take("b", sharers=5, now=0.0), range(1, 2))
        self.assertIsNone(plan.take("c", sharers=5, now=0.0))

    def test_what_a_seeder_leaves_is_taken_by_the_next(self) -> None:
        plan = DownloadPlan(100 * CHUNK_SIZE)
        plan.take("a", sharers=1, now=0.0)
        plan.record("a", 30, now=1.0)
        plan.release("a")
        plan.release("a")  # leaving twice changes nothing
        self.assertEqual(plan.missing, 70)
        self.assertEqual(plan.take("b", sharers=1, now=1.0), range(30, 100))

    def test_a_rejected_chunk_is_asked_for_again(self) -> None:
        plan = DownloadPlan(10 * CHUNK_SIZE)
        plan.take("a", sharers=1, now=0.0)
        plan.record("a", 4, now=0.1)
        plan.reject("a", 4, now=0.1)
        self.assertEqual(plan.record("a", 10, now=0.2), 10)
        plan.release("a")
        self.assertFalse(plan.is_done)
        self.assertEqual(plan.take("b", sharers=1, now=0.2), range(4, 5))
        plan.record("b", 5, now=0.3)
        self.assertTrue(plan.is_done)

    def test_a_rejected_chunk_that_was_stolen_already_is_the_thiefs(self) -> None:
        plan = DownloadPlan(1000 * CHUNK_SIZE)
        plan.take("a", sharers=1, now=0.0)
        stolen = plan.take("b", sharers=1, now=0.1)
        assert stolen is not None
        plan.reject("a", stolen.start, now=0.2)
        self.assertEqual(plan.missing, 1000)

    def test_a_seeder_without_a_part_has_no_end(self) -> None:
        self.assertEqual(DownloadPlan(5).part_end("a"), 0)


class StealingTest(unittest.TestCase):
    def working(self, chunks: int = 10_000) -> DownloadPlan:
        plan = DownloadPlan(chunks * CHUNK_SIZE)
        plan.take("slow", sharers=1, now=0.0)
        return plan

    def test_half_of_what_is_left_of_a_part_is_taken(self) -> None:
        plan = self.working()
        self.assertEqual(plan.take("new", sharers=2, now=0.0), range(5000, 10_000))
        self.assertEqual(plan.part_end("slow"), 5000)

    def test_everything_is_taken_from_one_that_stands_still(self) -> None:
        plan = self.working(2000)
        plan.record("slow", 500, now=1.0)
        self.assertFalse(plan.is_stalled("slow", now=1.0 + STALLED_S - 0.1))
        later = 1.0 + STALLED_S
        self.assertTrue(plan.is_stalled("slow", now=later))
        self.assertEqual(plan.take("other", sharers=2, now=later), range(500, 2000))
        self.assertEqual(plan.part_end("slow"), 500)

    def test_even_a_single_chunk_is_taken_from_one_that_stands_still(self) -> None:
        plan = self.working(1)
        self.assertIsNone(plan.take("other", sharers=2, now=STALLED_S - 0.1))
        self.assertEqual(plan.take("other", sharers=2, now=STALLED_S), range(1))

    def test_one_that_stood_still_does_not_steal_back(self) -> None:
        for before in (0, 500):
            with self.subTest(before=before):
                plan = self.working()
                if before:
                    plan.record("slow", before, now=100.0)
                now = 100.0 + STALLED_S
                plan.take("good", sharers=2, now=now)
                plan.release("slow")
                plan.record("good", before + 3000, now=now + 1.0)
                self.assertFalse(plan.has_work_for("slow", now=now + 1.0))
                self.assertIsNone(plan.take("slow", sharers=2, now=now + 1.0))

    def test_one_that_stood_still_takes_over_when_the_other_stands_still_too(self) -> None:
        plan = self.working(1000)
        plan.take("good", sharers=2, now=STALLED_S)
        plan.release("slow")
        self.assertIsNone(plan.take("slow", sharers=2, now=2 * STALLED_S))
        part = plan.take("slow", sharers=2, now=3 * STALLED_S)
        self.assertEqual(part, range(1000))

    def test_many_that_stand_still_do_not_pass_a_part_on_to_each_other(self) -> None:
        plan = DownloadPlan(900 * CHUNK_SIZE)
        still = [f"still {number}" for number in range(8)]
        for seeder in still:
            plan.take(seeder, sharers=9, now=0.0)
        first = plan.take("good", sharers=1, now=0.0)
        assert first is not None
        plan.record("good", first.stop, now=STALLED_S)
        for seeder in still:
            plan.release("good")
            part = plan.take("good", sharers=9, now=STALLED_S)
            assert part is not None
            plan.release(seeder)
            self.assertFalse(plan.has_work_for(seeder, now=STALLED_S))
            self.assertIsNone(plan.take(seeder, sharers=9, now=STALLED_S))
            plan.record("good", part.stop, now=STALLED_S)
        self.assertTrue(plan.is_done)

    def test_what_was_left_goes_to_one_that_stood_still_only_when_nobody_else_moves(self) -> None:
        plan = self.working(1000)
        plan.take("good", sharers=2, now=STALLED_S)
        plan.release("slow")
        plan.record("good", 10, now=STALLED_S)
        plan.reject("good", 10, now=STALLED_S)
        self.assertFalse(plan.has_work_for("slow", now=STALLED_S))
        self.assertTrue(plan.has_work_for("third", now=STALLED_S))
        self.assertTrue(plan.has_work_for("slow", now=2 * STALLED_S))

    def test_a_few_chunks_are_not_stolen_from_one_that_is_nearly_through(self) -> None:
        plan = self.working(1000)
        plan.record("slow", 1000 - MIN_STOLEN + 1, now=1.0)
        self.assertIsNone(plan.take("new", sharers=2, now=1.0))

    def test_the_last_few_are_halved_when_their_seeder_has_had_its_part_for_long(self) -> None:
        plan = self.working(20)
        plan.record("slow", 4, now=SLOW_S - 0.1)
        self.assertFalse(plan.is_slow(now=SLOW_S - 0.1))
        self.assertFalse(plan.has_work_for("new", now=SLOW_S - 0.1))
        self.assertTrue(plan.is_slow(now=SLOW_S))
        self.assertEqual(plan.take("new", sharers=1, now=SLOW_S), range(12, 20))

    def test_the_longest_part_is_helped(self) -> None:
        plan = DownloadPlan(4000 * CHUNK_SIZE)
        plan.take("short", sharers=4, now=0.0)
        plan.take("long", sharers=1, now=0.0)
        self.assertEqual(plan.take("new", sharers=3, now=1.0), range(2500, 4000))

    def test_a_report_without_a_new_chunk_is_no_movement(self) -> None:
        plan = self.working(1000)
        plan.record("slow", 10, now=1.0)
        plan.record("slow", 10, now=1.0 + STALLED_S)
        plan.record("slow", 5, now=1.0 + STALLED_S)
        self.assertTrue(plan.is_stalled("slow", now=1.0 + STALLED_S))
        self.assertEqual(plan.missing, 990)

    def test_nobody_steals_from_itself(self) -> None:
        plan = self.working()
        self.assertFalse(plan.has_work_for("slow", now=100.0))

    def test_chunks_past_the_end_of_a_part_are_not_counted(self) -> None:
        plan = self.working(1000)
        stolen = plan.take("new", sharers=2, now=0.1)
        assert stolen is not None
        self.assertEqual(plan.record("slow", stolen.start + 20, now=1.0), stolen.start)
        self.assertEqual(plan.missing, len(stolen))

    def test_a_hundred_seeders_share_a_large_file_to_its_end(self) -> None:
        size = 3 * CHUNK_SIZE * MAX_PART + 1
        plan = DownloadPlan(size)
        now, had, parts = 0.0, 0, dict[int, range]()
        while not plan.is_done:
            now += 1.0
            for seeder in range(100):
                if seeder not in parts:
                    part = plan.take(seeder, sharers=100, now=now)
                    if part is None:
                        continue
                    parts[seeder] = part
                part = parts[seeder]
                upto = min(part.start + 50 + seeder, plan.part_end(seeder))
                had += upto - part.start
                parts[seeder] = range(upto, part.stop)
                if plan.record(seeder, upto, now=now) <= upto:
                    plan.release(seeder)
                    del parts[seeder]
        self.assertEqual(had, chunk_count(size))
