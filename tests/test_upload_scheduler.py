"""Who is sent what next: slots, turns, the queue, and which chunk goes first."""

from __future__ import annotations

import random
import unittest
from collections import Counter
from collections.abc import Callable

from roles.uploads.upload_scheduler import (
    MAX_CONTENTS,
    MAX_LOOKED,
    PIECE,
    SLOW_SHARE,
    STALL_S,
    TURN_CHUNKS,
    ChosenChunk,
    UploadScheduler,
)
from tests.support import calls_made

A, B = b"a" * 32, b"b" * 32
ALL = (1 << 40) - 1


class SchedulerTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.have = {A: ALL, B: ALL}
        self.woken = list[int]()

    def scheduler(self, slots: int, seed: int = 1) -> UploadScheduler:
        return UploadScheduler(
            slots, lambda root: self.have.get(root, 0), self.woken.append, random.Random(seed)
        )

    def woken_by(self, act: Callable[..., object], *values: object, **named: object) -> list[int]:
        self.woken.clear()
        act(*values, **named)
        return list(self.woken)

    def with_leechers(self, slots: int, *hosts: str, chunks: int = ALL) -> UploadScheduler:
        scheduler = self.scheduler(slots)
        for number, host in enumerate(hosts, 1):
            scheduler.joined(number, host)
            scheduler.want(number, 7, A, chunks)
        return scheduler

    def offered(self, scheduler: UploadScheduler, number: int) -> ChosenChunk:
        choice = scheduler.next_choice(number, now=0.0)
        assert choice is not None
        return choice

    def give(self, scheduler: UploadScheduler, number: int) -> int:
        choice = self.offered(scheduler, number)
        scheduler.sent(number, choice)
        return choice.index


class SlotsTest(SchedulerTestCase):
    def test_a_slot_is_held_from_the_offer_on_and_the_rest_stand_in_the_queue(self) -> None:
        scheduler = self.with_leechers(2, "h1", "h2", "h3", "h4")
        self.offered(scheduler, 1)
        self.offered(scheduler, 2)
        self.assertIsNone(scheduler.next_choice(3, now=0.0))
        self.assertIsNone(scheduler.next_choice(4, now=0.0))
        self.assertEqual(self.woken, [])
        self.assertEqual([scheduler.position(number) for number in (1, 2, 3, 4)], [0, 0, 1, 2])
        self.assertEqual(scheduler.slots_taken, 2)

    def test_who_stood_in_the_queue_first_has_the_slot_that_comes_free(self) -> None:
        scheduler = self.with_leechers(1, "h1", "h2", "h3")
        for number in (1, 2, 3):
            scheduler.next_choice(number, now=0.0)
        self.assertEqual(self.woken_by(scheduler.release, 1), [2])
        self.offered(scheduler, 2)
        self.assertEqual(self.woken_by(scheduler.left, 2), [3])

    def test_a_host_without_a_slot_goes_before_one_that_has_some(self) -> None:
        scheduler = self.with_leechers(2, "greedy", "other", "greedy", "poor")
        for number in (1, 2, 3, 4):
            scheduler.next_choice(number, now=0.0)
        self.assertEqual(self.woken_by(scheduler.release, 2), [4])

    def test_who_wants_nothing_that_is_here_gives_its_slot_to_the_next(self) -> None:
        scheduler = self.with_leechers(1, "h1", "h2")
        choice = self.offered(scheduler, 1)
        scheduler.next_choice(2, now=0.0)
        scheduler.sent(1, choice)
        scheduler.want(1, 7, A, 0)
        self.woken.clear()
        self.assertIsNone(scheduler.next_choice(1, now=0.0))
        self.assertEqual(self.woken, [2])

    def test_a_turn_ends_after_some_chunks_when_others_wait_and_only_then(self) -> None:
        scheduler = self.with_leechers(1, "h1", "h2")
        for _ in range(TURN_CHUNKS):
            self.assertFalse(scheduler.is_turn_over(1))
            self.give(scheduler, 1)
        self.assertFalse(scheduler.is_turn_over(1))
        scheduler.next_choice(2, now=0.0)
        self.assertTrue(scheduler.is_turn_over(1))

    def test_who_leaves_in_the_queue_is_not_waited_for(self) -> None:
        scheduler = self.with_leechers(1, "h1", "h2", "h3")
        for number in (1, 2, 3):
            scheduler.next_choice(number, now=0.0)
        self.assertEqual(self.woken_by(scheduler.left, 2), [])
        self.assertEqual(self.woken_by(scheduler.release, 1), [3])


class FairnessTest(SchedulerTestCase):
    """Hosts with many connections, and those that hardly read."""

    def held(self, scheduler: UploadScheduler) -> dict[str, int]:
        return dict(scheduler._held)

    def look(self, scheduler: UploadScheduler, *numbers: int, now: float = 0.0) -> None:
        for number in numbers:
            scheduler.next_choice(number, now=now)

    def test_one_host_alone_may_have_every_slot(self) -> None:
        scheduler = self.with_leechers(4, *["greedy"] * 6)
        self.look(scheduler, *range(1, 7))
        self.assertEqual(self.held(scheduler), {"greedy": 4})

    def test_beside_another_a_host_gets_one_slot_more_than_that_one(self) -> None:
        scheduler = self.with_leechers(10, "lonely", *["greedy"] * 8)
        self.look(scheduler, *range(1, 10))
        self.assertEqual(self.held(scheduler), {"lonely": 1, "greedy": 2})
        self.assertEqual(self.woken_by(scheduler.left, 1), [4, 5, 6, 7, 8, 9])
        self.assertEqual(self.held(scheduler), {"greedy": 8})

    def test_as_one_host_gets_more_slots_the_others_may_too(self) -> None:
        scheduler = self.with_leechers(10, *["a"] * 5, *["b"] * 5)
        self.look(scheduler, *range(1, 11))
        self.assertEqual(self.held(scheduler), {"a": 5, "b": 5})

    def test_a_turn_does_not_end_for_hosts_that_have_as_many_slots_already(self) -> None:
        scheduler = self.with_leechers(3, "lonely", *["greedy"] * 4)
        self.look(scheduler, *range(1, 6))
        self.assertEqual(self.held(scheduler), {"lonely": 1, "greedy": 2})
        self.assertTrue(scheduler.position(5))
        self.assertFalse(scheduler.is_turn_over(1))
        self.assertTrue(scheduler.is_turn_over(2))  # others of its own host wait

    def test_the_slot_of_who_takes_nothing_for_a_while_goes_to_who_waits(self) -> None:
        scheduler = self.with_leechers(1, "hung", "good")
        self.look(scheduler, 1)
        self.look(scheduler, 2, now=STALL_S - 0.1)
        self.assertTrue(scheduler.has_slot(1))
        scheduler.moved(1, PIECE, now=1.0)
        self.look(scheduler, 2, now=STALL_S + 0.9)
        self.assertTrue(scheduler.has_slot(1))
        self.look(scheduler, 2, now=2 * STALL_S + 1.0)
        self.assertFalse(scheduler.has_slot(1))
        self.assertTrue(scheduler.has_slot(2))
        self.assertFalse(scheduler.ask_slot(1, now=2 * STALL_S + 1.0))  # it is queued

    def test_unused_slots_go_to_the_queue_and_each_is_counted_once(self) -> None:
        scheduler = self.with_leechers(2, "hung", "hung too", "first", "second")
        self.look(scheduler, 1, 2, 3, 4)
        late = 2 * STALL_S + 1.0
        self.assertIsNotNone(scheduler.next_choice(4, now=late))
        self.assertEqual(self.woken, [3])
        self.assertEqual(scheduler.slots_taken, 2)
        self.assertEqual(self.woken_by(scheduler.release, 3), [])
        self.assertEqual(self.woken_by(scheduler.release, 4), [])
        self.assertEqual(scheduler.slots_taken, 0)

    def test_nobody_loses_a_slot_while_nobody_waits(self) -> None:
        scheduler = self.with_leechers(1, "hung")
        self.look(scheduler, 1)
        self.look(scheduler, 1, now=60.0)
        self.assertTrue(scheduler.has_slot(1))

    def test_on_a_slow_line_a_piece_may_take_longer(self) -> None:
        scheduler = self.with_leechers(2, "a", "b", "c")
        rate = 8 * 1024  # of the whole line, bytes per second
        self.look(scheduler, 1, 2)
        for second in range(1, 60):
            scheduler.moved(1 + second % 2, rate, now=float(second))
        self.look(scheduler, 3, now=60.0 + STALL_S)
        self.assertFalse(scheduler.has_slot(3))
        self.look(scheduler, 3, now=60.0 + SLOW_SHARE * 2 * PIECE / rate)
        self.assertTrue(scheduler.has_slot(3))


class RequestsTest(SchedulerTestCase):
    def test_the_same_chunk_is_not_offered_twice_while_the_first_offer_stands(self) -> None:
        scheduler = self.with_leechers(1, "h1", chunks=0b11)
        self.assertEqual({self.offered(scheduler, 1).index for _ in range(2)}, {0, 1})
        self.assertIsNone(scheduler.next_choice(1, now=0.0))

    def test_a_fresh_request_does_not_bring_an_offered_chunk_again(self) -> None:
        scheduler = self.with_leechers(1, "h1", chunks=0b11)
        first = self.offered(scheduler, 1)
        scheduler.want(1, 7, A, 0b11)
        self.assertNotEqual(self.offered(scheduler, 1).index, first.index)

    def test_what_was_declined_counts_as_not_sent(self) -> None:
        scheduler = self.with_leechers(2, "h1", "h2", chunks=0b1)
        self.offered(scheduler, 1)
        scheduler.not_sent(1, ChosenChunk(7, A, 0))
        scheduler.want(2, 7, A, 0b11)
        self.assertEqual({self.give(scheduler, 2) for _ in range(2)}, {0, 1})

    def test_who_leaves_in_the_middle_has_not_been_sent_its_chunks(self) -> None:
        scheduler = self.with_leechers(4, "h1", "h2", chunks=0b11)
        for _ in range(2):
            self.offered(scheduler, 1)
        scheduler.left(1)
        scheduler.joined(3, "h3")
        scheduler.want(3, 7, A, 0b111)
        self.give(scheduler, 2)
        self.give(scheduler, 2)
        self.assertEqual(self.give(scheduler, 3), 2)

    def test_a_forgotten_content_is_never_offered(self) -> None:
        scheduler = self.with_leechers(1, "h1")
        self.offered(scheduler, 1)
        scheduler.forget(1, 7)
        scheduler.forget(1, 7)
        self.assertIsNone(scheduler.next_choice(1, now=0.0))
        self.assertEqual((scheduler.slots_taken, self.woken), (0, []))

    def test_late_words_about_what_is_over_change_nothing(self) -> None:
        scheduler = self.with_leechers(1, "h1")
        for index in (0, 99, 1 << 20):
            scheduler.sent(1, ChosenChunk(7, A, index))
            scheduler.not_sent(1, ChosenChunk(7, A, index))
            scheduler.sent(1, ChosenChunk(8, A, index))
            scheduler.not_sent(1, ChosenChunk(8, A, index))
        self.assertIsNotNone(scheduler.next_choice(1, now=0.0))

    def test_a_handle_that_was_closed_may_mean_another_content(self) -> None:
        scheduler = self.with_leechers(1, "h1", chunks=0b1)
        scheduler.forget(1, 7)
        scheduler.want(1, 7, B, 0b1)
        self.assertEqual(self.offered(scheduler, 1).root, B)

    def test_only_what_is_here_is_offered(self) -> None:
        self.have = {A: 0b1000}
        scheduler = self.with_leechers(1, "h1")
        self.assertEqual(self.offered(scheduler, 1).index, 3)
        self.assertIsNone(scheduler.next_choice(1, now=0.0))

    def test_no_chunk_of_a_folder_is_sent_twice_before_every_one_was_sent_once(self) -> None:
        scheduler = self.scheduler(3)
        for number in (1, 2, 3):
            scheduler.joined(number, f"h{number}")
            scheduler.want(number, 7, A, 0b11)
            scheduler.want(number, 8, B, 0b1111)
        sent = [self.offered(scheduler, number) for _ in range(2) for number in (1, 2, 3)]
        self.assertEqual(len(set(sent)), 6)
        self.assertEqual(Counter(choice.root for choice in sent), {A: 2, B: 4})

    def test_two_seeders_of_a_folder_begin_with_different_files(self) -> None:
        roots = [bytes([n]) * 32 for n in range(32)]
        self.have = dict.fromkeys(roots, 0b1111)
        begun = Counter[bytes]()
        for seed in range(640):
            scheduler = self.scheduler(1, seed)
            scheduler.joined(1, "h1")
            for handle, root in enumerate(roots):
                scheduler.want(1, handle, root, 0b1111)
            begun[self.offered(scheduler, 1).root] += 1
        self.assertEqual(len(begun), 32)
        self.assertLess(max(begun.values()), 60)

    def test_of_two_thousand_contents_some_are_looked_at_for_one_offer(self) -> None:
        looked = list[bytes]()

        def have(root: bytes) -> int:
            looked.append(root)
            return 1

        scheduler = UploadScheduler(1, have, self.woken.append, random.Random(1))
        scheduler.joined(1, "h1")
        for handle in range(2_000):
            scheduler.want(1, handle, A, 1)
        self.offered(scheduler, 1)
        scheduler.want(1, 1, A, 1)
        looked.clear()
        self.offered(scheduler, 1)
        self.assertLessEqual(len(looked), MAX_LOOKED)

    def test_ten_thousand_contents_are_not_all_remembered(self) -> None:
        scheduler = self.scheduler(1)
        scheduler.joined(1, "h1")
        for number in range(10_000):
            root = number.to_bytes(32, "big")
            self.have[root] = 1
            scheduler.want(1, 1, root, 1)
            self.offered(scheduler, 1)
            scheduler.forget(1, 1)
        self.assertLessEqual(len(scheduler._times), MAX_CONTENTS)


class NewsTest(SchedulerTestCase):
    def test_as_many_are_woken_as_there_are_free_slots(self) -> None:
        self.have = {A: 0}
        scheduler = self.with_leechers(2, "h1", "h2", "h3", "h4")
        self.assertEqual(len(self.woken_by(scheduler.news, A, 1)), 2)
        self.assertEqual(self.woken_by(scheduler.news, B, 1), [])
        self.assertEqual(self.woken_by(scheduler.news, A, 1 << 50), [])

    def test_who_was_not_woken_for_want_of_slots_is_woken_when_one_comes_free(self) -> None:
        self.have = {A: 0}
        scheduler = self.with_leechers(1, "h1", "h2", "h3", chunks=0b1)
        self.have = {A: 0b1}
        scheduler.news(A, 0b1)
        served = list[int]()
        while self.woken:
            number = self.woken.pop()
            choice = scheduler.next_choice(number, now=0.0)
            if choice is not None:
                served.append(number)
                scheduler.sent(number, choice)
                scheduler.next_choice(number, now=0.0)
        self.assertEqual(sorted(served), [1, 2, 3])

    def test_who_does_not_answer_an_offer_is_not_woken_in_place_of_others(self) -> None:
        self.have = {A: 0b1}
        scheduler = self.with_leechers(1, "hung", "good")
        self.offered(scheduler, 1)
        scheduler.release(1)  # it did not answer in time
        self.assertEqual(scheduler.next_choice(2, now=0.0), ChosenChunk(7, A, 0))
        scheduler.sent(2, ChosenChunk(7, A, 0))
        scheduler.next_choice(2, now=0.0)
        self.have = {A: 0b11}
        self.assertEqual(self.woken_by(scheduler.news, A, 0b10), [2])

    def test_the_next_news_wakes_others_first(self) -> None:
        self.have = {A: 0}
        scheduler = self.with_leechers(1, "h1", "h2", "h3")
        woken = {tuple(self.woken_by(scheduler.news, A, 1)) for _ in range(3)}
        self.assertEqual(woken, {(1,), (2,), (3,)})


class CostTest(SchedulerTestCase):
    def test_a_chunk_that_comes_costs_no_more_where_others_want_thousands_of_other_files(
        self,
    ) -> None:
        def cost(contents: int) -> int:
            scheduler = self.scheduler(1)
            scheduler.joined(1, "h1")
            for number in range(contents):
                scheduler.want(1, number, number.to_bytes(32, "big"), 1)
            return calls_made(lambda: scheduler.news(B, 1))

        self.assertEqual(cost(2_000), cost(1))


class Room:
    """Leechers at a scheduler, each of which looks only when it has a reason to, as threads do."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.slots = self.rng.randrange(1, 5)
        self.have = {A: 0, B: 0}
        self.scheduler = UploadScheduler(self.slots, self.have.__getitem__, self.wake, self.rng)
        self.awake: dict[int, None] = {}
        self.pending: dict[int, ChosenChunk] = {}
        self.late: set[int] = set()  # did not answer in time, and have no slot
        self.lacks: dict[int, dict[int, int]] = {}  # by member and handle
        self.waited: Counter[int] = Counter()
        self.numbers = 0

    def wake(self, number: int) -> None:
        self.awake[number] = None

    def enter(self) -> None:
        self.numbers += 1
        number = self.numbers
        self.scheduler.joined(number, f"h{self.rng.randrange(4)}")
        self.lacks[number] = {handle: self.rng.getrandbits(20) for handle in (1, 2)}
        for handle, root in ((1, A), (2, B)):
            self.scheduler.want(number, handle, root, self.lacks[number][handle])
        self.wake(number)

    def leave(self, number: int) -> None:
        self.pending.pop(number, None)
        self.late.discard(number)
        del self.lacks[number]
        self.scheduler.left(number)
        self.awake.pop(number, None)

    def look(self, number: int) -> None:
        """What the thread of a connection does whenever it is woken."""
        self.awake.pop(number, None)
        if number in self.pending:
            return
        if self.scheduler.is_turn_over(number):
            self.scheduler.release(number)
        choice = self.scheduler.next_choice(number, now=0.0)
        if choice is not None:
            self.pending[number] = choice

    def answer(self, number: int) -> None:
        """Its leecher takes, declines, or has thought for too long."""
        choice, what = self.pending[number], self.rng.random()
        lacks = self.lacks[number]
        if what < 0.1 and number not in self.late:
            self.late.add(number)
            self.scheduler.release(number)
            return
        self.late.discard(number)
        del self.pending[number]
        if what < 0.3:
            lacks[choice.handle] &= self.rng.getrandbits(20)
            self.scheduler.not_sent(number, choice)
            self.scheduler.want(number, choice.handle, choice.root, lacks[choice.handle])
        else:
            lacks[choice.handle] &= ~(1 << choice.index)
            self.scheduler.sent(number, choice)
        self.wake(number)

    def step(self) -> None:
        what = self.rng.random()
        if what < 0.02 and len(self.lacks) < 12:
            self.enter()
        elif what < 0.03 and self.lacks:
            self.leave(self.rng.choice(list(self.lacks)))
        elif what < 0.1:
            root, new = self.rng.choice((A, B)), 1 << self.rng.randrange(20)
            self.have[root] |= new
            self.scheduler.news(root, new)
        elif what < 0.55 and self.awake:
            self.look(self.rng.choice(list(self.awake)))
        elif self.pending:
            self.answer(self.rng.choice(list(self.pending)))

    def settle(self) -> None:
        """Until nobody has a reason to do anything."""
        while self.awake or self.pending:
            for number in list(self.awake):
                self.look(number)
            for number in list(self.pending):
                self.answer(number)

    def slots_by_host(self) -> Counter[str]:
        """As the leechers have them."""
        leechers = self.scheduler._leechers.values()
        return Counter(member.host for member in leechers if member.has_slot)

    def starving(self) -> list[int]:
        return [
            number
            for number, lacks in self.lacks.items()
            if lacks[1] & self.have[A] or lacks[2] & self.have[B]
        ]


class PropertyTest(unittest.TestCase):
    def test_slots_are_never_exceeded_and_nobody_waits_for_ever(self) -> None:
        for seed in range(60):
            room = Room(seed)
            for _ in range(400):
                room.step()
                self.assertLessEqual(room.scheduler.slots_taken, room.slots, seed)
                self.assertEqual(room.scheduler._held, room.slots_by_host(), seed)
                holders = [number for number in room.pending if number not in room.late]
                self.assertLessEqual(len(holders), room.slots, seed)
            room.settle()
            self.assertEqual(room.starving(), [], f"seed {seed}: these were forgotten")
            self.assertEqual(room.scheduler.slots_taken, 0, seed)
            self.assertFalse(room.scheduler._held, "hosts without a slot stay in the table")

    def test_everyone_in_the_queue_has_its_turn_while_others_want_without_end(self) -> None:
        rng = random.Random(8)
        scheduler = UploadScheduler(2, lambda _: ALL, lambda _: None, rng)
        for number in range(1, 13):
            scheduler.joined(number, f"h{number % 3}")
            scheduler.want(number, 1, A, ALL)
        had, active = Counter[int](), list(range(1, 13))
        for _ in range(2_000):
            number = rng.choice(active)
            if scheduler.is_turn_over(number):
                scheduler.release(number)
            choice = scheduler.next_choice(number, now=0.0)
            if choice is not None:
                had[number] += 1
                scheduler.sent(number, choice)
                scheduler.want(number, 1, A, ALL)
        self.assertEqual(len(had), 12)
        self.assertGreater(min(had.values()), max(had.values()) // 3)

    def test_the_copies_of_all_chunks_grow_evenly(self) -> None:
        rng = random.Random(9)
        scheduler = UploadScheduler(8, lambda _: ALL, lambda _: None, rng)
        lacks = dict.fromkeys(range(1, 9), ALL)
        for number in lacks:
            scheduler.joined(number, f"h{number}")
            scheduler.want(number, 1, A, ALL)
        sent = Counter[int]()
        while any(lacks.values()):
            number = rng.choice([number for number, some in lacks.items() if some])
            choice = scheduler.next_choice(number, now=0.0)
            assert choice is not None
            least = min(sent[i] for i in range(40) if lacks[number] >> i & 1)
            if rng.random() < 0.2:
                scheduler.not_sent(number, choice)
                scheduler.want(number, 1, A, lacks[number])
                continue
            self.assertEqual(sent[choice.index], least)
            sent[choice.index] += 1
            lacks[number] &= ~(1 << choice.index)
            scheduler.sent(number, choice)
        self.assertEqual(set(sent.values()), {8})
