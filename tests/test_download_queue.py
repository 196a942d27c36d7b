"""Which downloads run, by the clock of the test."""

from __future__ import annotations

import random
import unittest
from unittest import mock

from roles.downloads.download_queue import (
    GIVES_WAY_QUEUED_S,
    GIVES_WAY_S,
    START_AGAIN_S,
    DownloadQueue,
)
from roles.values.errors import LmkError, ShortageError
from roles.values.events import DownloadState

QUEUED, RUNNING = DownloadState.QUEUED, DownloadState.DOWNLOADING


class FakeDownload:
    """One that runs, as the queue sees it, until it gives way."""

    waits_for: object = None
    lacks_thread = False

    def __init__(self, key: str, *names: str) -> None:
        self.key, self.state, self.turns = key, QUEUED, 0
        self.collision_keys = frozenset(names or key)
        self.moved = float("inf")  # nothing yet
        self.failure: LmkError | None = None

    @property
    def is_running(self) -> bool:
        return self.state not in (QUEUED, DownloadState.DONE)

    def still_s(self, now: float) -> float:
        return max(0.0, now - self.moved)

    def start(self) -> None:
        if self.lacks_thread:
            raise ShortageError("no thread")
        self.state = RUNNING

    def give_way(self, _now: float) -> None:
        self.state, self.turns = QUEUED, self.turns + 1

    def give_up(self, failure: LmkError) -> None:
        self.failure = failure


class DownloadQueueTest(unittest.TestCase):
    def setUp(self) -> None:
        self.queue = DownloadQueue[FakeDownload](at_once=2, give_up_after_s=10.0)

    def add(self, *keys: str) -> None:
        for key in keys:
            self.queue.add(FakeDownload(key))

    def step(self, now: float = 0.0) -> bool:
        return self.queue.step(lambda _: None, now=now)

    def running(self) -> str:
        return "".join(download.key for download in self.queue.all() if download.is_running)

    def order(self) -> str:
        return "".join(download.key for download in self.queue.all())

    def test_they_start_in_order_some_at_a_time(self) -> None:
        self.add(*"abc")
        self.assertTrue(self.step())
        self.assertEqual(self.running(), "ab")
        self.assertFalse(self.step())
        self.queue.chosen("a")[0].state = DownloadState.DONE
        self.assertTrue(self.step())
        self.assertEqual(self.running(), "bc")

    def test_one_takes_up_the_newest_list_before_it_starts(self) -> None:
        self.add("a")
        states: list[DownloadState] = []
        self.queue.step(lambda download: states.append(download.state), now=0.0)
        self.assertEqual(states, [QUEUED])

    def test_two_with_one_name_do_not_run_at_once_and_the_next_goes_first(self) -> None:
        for download in (FakeDownload("a", "x", "y"), FakeDownload("b", "y"), FakeDownload("c")):
            self.queue.add(download)
        self.step()
        self.assertEqual(self.running(), "ac")

    def test_the_second_of_two_with_one_name_is_its_twin_wherever_it_was_asked_for(self) -> None:
        first, second = FakeDownload("a", "x"), FakeDownload("b", "x")
        self.queue.add(first)
        self.assertFalse(self.queue.has_twin(FakeDownload("a", "x")))
        self.assertTrue(self.queue.has_twin(second))
        self.queue.add(second)
        self.queue.put_in_order(["b"], now=0.0)
        self.assertFalse(self.queue.has_twin(first))
        self.assertTrue(self.queue.has_twin(second))

    def test_twins_are_found_among_20_000_without_looking_at_each(self) -> None:
        for number in range(20_000):
            self.queue.add(FakeDownload(str(number)))
        looked_at = mock.PropertyMock(return_value=frozenset("x"))
        with mock.patch.object(FakeDownload, "collision_keys", looked_at, create=True):
            self.assertFalse(self.queue.has_twin(self.queue.all()[-1]))
        self.assertLess(looked_at.call_count, 5)

    def test_one_that_stalls_gives_way_to_those_that_wait_and_comes_after_them(self) -> None:
        self.add(*"abc")
        self.step()
        self.queue.chosen("a")[0].moved = 0.0
        self.step(GIVES_WAY_S)
        self.assertEqual(self.running(), "b")
        self.step(GIVES_WAY_S)
        self.assertEqual(self.running(), "bc")

    def test_while_nobody_waits_one_that_stalls_goes_on(self) -> None:
        self.add(*"ab")
        self.step()
        for download in self.queue.all():
            download.moved = 0.0
        self.step(1e9)
        self.assertEqual(self.running(), "ab")

    def test_one_that_needs_a_name_of_one_that_stalls_gets_it(self) -> None:
        self.add(*"ab")
        self.step()
        stalled, waiting = self.queue.all()
        stalled.moved, waiting.waits_for = 0.0, stalled
        self.step(GIVES_WAY_S)
        self.assertEqual(self.running(), "b")

    def test_a_peers_queue_is_waited_in_for_longer(self) -> None:
        self.add(*"abc")
        self.step()
        for download in self.queue.chosen("ab"):
            download.state, download.moved = DownloadState.IN_QUEUE, 0.0
        self.step(GIVES_WAY_QUEUED_S - 0.1)
        self.assertEqual(self.running(), "ab")
        self.step(GIVES_WAY_QUEUED_S)
        self.assertEqual(self.running(), "")

    def test_those_that_are_put_first_push_out_what_runs_behind_them(self) -> None:
        self.add(*"abcd")
        self.step()
        self.queue.put_in_order(["c", "x", "c", "a"], now=0.0)
        self.assertEqual((self.order(), self.running()), ("cabd", "a"))
        self.assertEqual([download.turns for download in self.queue.all()], [0, 0, 0, 0])
        self.step()
        self.assertEqual(self.running(), "ca")

    def test_whatever_is_put_first_none_is_lost(self) -> None:
        rng = random.Random(7)
        self.add(*"abcdefghij")
        for _ in range(50):
            self.queue.put_in_order(rng.choices("abcdefghijklm", k=rng.randrange(20)), now=0.0)
            self.assertEqual("".join(sorted(self.order())), "abcdefghij")

    def test_without_a_thread_it_is_tried_again_and_given_up_in_the_end(self) -> None:
        self.add("a")
        (download,) = self.queue.all()
        download.lacks_thread = True
        for now in (0.0, START_AGAIN_S, 9.9):
            self.assertFalse(self.step(now))
            self.assertIsNone(download.failure)
        download.lacks_thread = False
        self.assertFalse(self.step(9.9 + START_AGAIN_S / 2))
        download.lacks_thread = True
        self.step(9.9 + START_AGAIN_S)
        self.assertIsInstance(download.failure, ShortageError)
        download.lacks_thread = False
        self.assertTrue(self.step(20.0))
