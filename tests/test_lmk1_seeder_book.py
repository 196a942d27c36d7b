"""What is remembered of each seeder, by the clock of the test."""

from __future__ import annotations

import itertools
import random
import unittest

from roles.lmk1.seeder_book import (
    AWAY_AGAIN_S,
    AWAY_MAX_S,
    DIALS,
    FAILED_MAX_S,
    LACKS_AGAIN_S,
    LACKS_MAX_S,
    MAX_BAD_IN_A_ROW,
    OWN_TURN_S,
    SeederBook,
)
from roles.swarm.bad_peers import GOOD_FOR_BAD, MAX_BAD_CHUNKS
from roles.values.addresses import Address

A, B, C = (Address(f"10.0.0.{number}", 12501) for number in (1, 2, 3))


class SeederBookTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = SeederBook(random.Random(1))

    def usable(self, now: float, name: str = "f") -> list[Address]:
        return self.book.candidates([A, B, C], name, besides=(), now=now)

    def wait(self, seeder: Address, now: float, name: str = "f") -> float | None:
        return self.book.wait_s([seeder], name, now=now)

    def test_everyone_is_tried_who_is_not_at_work_already(self) -> None:
        self.assertEqual(self.usable(0.0), [A, B, C])
        self.assertEqual(self.book.candidates([A, B, C], "f", besides=[B], now=0.0), [A, C])

    def test_who_could_not_be_reached_goes_last(self) -> None:
        self.book.failed(A, now=0.0)
        self.assertEqual(self.usable(FAILED_MAX_S * 2), [B, C, A])

    def test_those_that_were_left_longest_ago_go_first(self) -> None:
        for left_at, seeder in enumerate((A, C, B)):
            self.book.opened(seeder)
            self.book.closed(seeder, now=float(left_at))
        self.assertEqual(self.usable(3.0), [A, C, B])

    def test_when_the_network_changed_who_failed_is_tried_at_once_and_who_is_away_is_not(
        self,
    ) -> None:
        self.book.failed(A, now=0.0)
        self.book.said_away(B, now=0.0)
        self.assertEqual(self.usable(0.0), [C])
        self.book.network_changed()
        self.assertEqual(self.usable(0.0), [A, C])

    def test_connections_are_begun_so_often_a_second_and_no_more(self) -> None:
        seeders = [Address(f"10.0.1.{number}", 12501) for number in range(200)]
        begun = sum(self.book.may_dial(seeder, now=0.0) for seeder in seeders)
        self.assertEqual(begun, 2 * DIALS)

    def test_the_least_used_goes_first(self) -> None:
        self.book.opened(A)
        self.book.opened(A)
        self.book.opened(B)
        self.assertEqual(self.usable(0.0), [C, B, A])
        self.book.closed(A, now=1.0)
        self.book.closed(A, now=1.0)
        self.assertEqual(self.usable(1.0), [C, A, B])

    def test_a_busy_seeder_is_asked_again_later_and_later(self) -> None:
        now, waits = 1000.0, []
        for _ in range(8):
            self.book.opened(A)
            self.book.said_away(A, now=now)
            self.book.closed(A, now=now)
            wait = self.wait(A, now)
            assert wait is not None
            waits.append(wait)
            self.assertNotIn(A, self.usable(now + wait - 0.01))
            now += wait + 5.0  # long after our own connection
            self.assertIn(A, self.usable(now))
        self.assertAlmostEqual(waits[0], AWAY_AGAIN_S, delta=AWAY_AGAIN_S / 4)
        for shorter, longer in itertools.pairwise(waits[:4]):
            self.assertGreater(longer, shorter)
        self.assertLessEqual(max(waits), AWAY_MAX_S * 1.25)
        self.assertTrue(self.book.is_away(A))

    def test_a_delivery_makes_a_seeder_new_again(self) -> None:
        for _ in range(6):
            self.book.said_away(A, now=0.0)
            self.book.failed(A, now=0.0)
        self.book.delivered(A)
        self.assertFalse(self.book.is_away(A))
        self.book.said_away(A, now=500.0)
        wait = self.wait(A, 500.0)
        assert wait is not None
        self.assertLessEqual(wait, AWAY_AGAIN_S * 1.25)

    def test_a_seeder_that_fails_is_tried_again_later_and_later(self) -> None:
        last = 0.0
        for tries in range(12):
            self.book.failed(A, now=0.0)
            wait = self.wait(A, 0.0)
            assert wait is not None
            if tries < 3:
                self.assertGreater(wait, last)
            last = wait
        self.assertTrue(FAILED_MAX_S * 0.75 <= last <= FAILED_MAX_S * 1.25)

    def test_a_seeder_that_lacks_a_file_is_asked_for_others_at_once_and_for_it_later_and_later(
        self,
    ) -> None:
        now, waits = 0.0, []
        for _ in range(8):
            self.book.lacks(A, "f", now=now)
            wait = self.wait(A, now)
            assert wait is not None
            waits.append(wait)
            self.assertNotIn(A, self.usable(now + wait - 0.1))
            self.assertIn(A, self.usable(now + 0.1, name="other"))
            now += wait
            self.assertIn(A, self.usable(now))
        self.assertLess(waits[0], 1.3 * LACKS_AGAIN_S)
        self.assertGreater(waits[-1], 0.7 * LACKS_MAX_S)

    def test_after_the_second_bad_chunk_it_is_tried_only_when_nobody_else_can_be(self) -> None:
        self.assertEqual(MAX_BAD_CHUNKS, 2)
        self.book.sent_bad_chunk(A)
        self.assertIn(A, self.usable(0.0))
        self.book.delivered(A)
        self.book.sent_bad_chunk(A)
        self.assertTrue(self.book.is_suspect(A))
        self.assertFalse(self.book.is_dropped(A))
        self.assertEqual(self.usable(1e9), [B, C])
        self.assertEqual(self.book.candidates([A, B], "f", besides=[B], now=0.0), [])
        for other in (B, C):
            self.book.failed(other, now=0.0)
        self.assertEqual(self.usable(0.0), [A])

    def test_right_chunks_make_up_for_bad_ones(self) -> None:
        for _ in range(2):
            self.book.sent_bad_chunk(A)
        self.book.delivered(A, 2 * GOOD_FOR_BAD)
        self.assertFalse(self.book.is_suspect(A))
        self.book.sent_bad_chunk(A)
        self.assertTrue(self.book.is_suspect(A))

    def test_who_sends_nothing_right_is_dropped_for_good_in_the_end(self) -> None:
        for _ in range(3):
            for _ in range(MAX_BAD_IN_A_ROW - 1):
                self.book.sent_bad_chunk(A)
            self.assertFalse(self.book.is_dropped(A))
            self.book.delivered(A)
        for _ in range(MAX_BAD_IN_A_ROW):
            self.book.sent_bad_chunk(A)
        self.assertTrue(self.book.is_dropped(A))
        self.assertIsNone(self.wait(A, 1e9))

    def test_who_failed_comes_behind_who_did_not(self) -> None:
        self.book.failed(A, now=0.0)
        self.assertEqual(self.usable(1e9), [B, C, A])

    def test_the_wait_is_that_of_the_first_who_can_be_tried(self) -> None:
        self.book.failed(A, now=0.0)
        self.book.lacks(B, "f", now=0.0)
        wait = self.book.wait_s([A, B], "f", now=0.0)
        assert wait is not None
        self.assertLess(wait, 2.0)
        self.assertIsNone(self.book.wait_s([], "f", now=0.0))

    def take_its_one_slot(self) -> None:
        """A serves us, and has no slot left for another file that we want."""
        self.book.opened(A)
        self.book.opened(A)
        self.book.said_away(A, now=0.0)
        self.book.closed(A, now=0.0)

    def test_a_seeder_with_one_slot_gets_one_connection_of_ours_at_a_time(self) -> None:
        self.take_its_one_slot()
        self.assertNotIn(A, self.usable(100.0))
        self.assertEqual(self.wait(A, 100.0), OWN_TURN_S)

    def test_our_other_download_has_its_turn_as_soon_as_our_own_connection_ends(self) -> None:
        self.take_its_one_slot()
        self.book.delivered(A)
        self.book.closed(A, now=50.0)
        self.assertIn(A, self.usable(50.0 + OWN_TURN_S))

    def test_a_seeder_with_one_slot_that_serves_others_is_not_stormed(self) -> None:
        self.take_its_one_slot()
        self.book.delivered(A)
        self.book.closed(A, now=10.0)
        self.assertLessEqual(self.tries_within(30.0, start=20.0, fails=False), 16)

    def test_a_seeder_with_one_slot_that_is_gone_is_not_stormed(self) -> None:
        self.take_its_one_slot()
        self.book.delivered(A)
        self.book.closed(A, now=10.0)
        self.assertLessEqual(self.tries_within(30.0, start=20.0, fails=True), 8)

    def tries_within(self, seconds: float, *, start: float, fails: bool) -> int:
        tries, now = 0, start
        while now < start + seconds:
            if A in self.usable(now):
                tries += 1
                self.book.opened(A)
                (self.book.failed if fails else self.book.said_away)(A, now=now)
                self.book.closed(A, now=now)
            now += 0.05
        return tries
