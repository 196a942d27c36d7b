"""In which order a connection sends what needs no slot, and a chunk that holds one."""

from __future__ import annotations

import unittest

from roles.uploads.small_contents import (
    FREE_BYTES,
    FREE_RATE,
    SENT_FIRST,
    TURN_BYTES,
    SmallContents,
)


class SmallContentsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.small = SmallContents()
        for handle in range(3 * SENT_FIRST):
            self.small.add(handle)

    def test_they_are_sent_in_the_order_in_which_they_were_opened(self) -> None:
        self.small.drop(1)
        self.small.drop(99)
        self.assertEqual([self.small.pop() for _ in range(3)], [0, 2, 3])

    def test_without_a_chunk_that_waits_they_go_on_and_on(self) -> None:
        while self.small:
            self.assertTrue(self.small.are_next(chunk_waits=False))
            self.small.pop()
        self.assertFalse(self.small.are_next(chunk_waits=False))

    def test_a_chunk_that_waits_goes_between_them_again_and_again(self) -> None:
        order = [self.small.are_next(chunk_waits=True) for _ in range(2 * (SENT_FIRST + 1))]
        self.assertEqual(order, 2 * ([True] * SENT_FIRST + [False]))

    def test_those_that_were_sent_before_it_was_taken_do_not_count(self) -> None:
        for _ in range(2 * SENT_FIRST):
            self.small.are_next(chunk_waits=False)
        self.assertTrue(self.small.are_next(chunk_waits=True))

    def test_after_some_bytes_they_need_a_slot_and_a_little_later_not(self) -> None:
        self.assertFalse(self.small.needs_slot(now=100.0))
        self.small.sent(FREE_BYTES, now=100.0)
        self.assertTrue(self.small.needs_slot(now=100.0))
        self.assertFalse(self.small.needs_slot(now=101.0))
        self.small.sent(2 * FREE_RATE, now=101.0)
        self.assertTrue(self.small.needs_slot(now=101.5))

    def test_a_turn_is_as_long_as_that_of_a_chunk(self) -> None:
        self.small.sent(TURN_BYTES - 1, now=0.0)
        self.assertFalse(self.small.is_turn_over)
        self.small.sent(1, now=0.0)
        self.assertTrue(self.small.is_turn_over)
        for _ in range(SENT_FIRST):
            self.assertFalse(self.small.is_turn_over)
            self.small.sent(1, now=0.0)
        self.assertTrue(self.small.is_turn_over)
