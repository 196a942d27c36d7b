"""Whose chunk comes too slowly: beside what the others bring, not by the clock alone."""

from __future__ import annotations

import unittest

from roles.swarm.arriving_chunks import (
    COMPARE_S,
    ENOUGH_RATE,
    HOPELESS_RATE,
    LOOK_S,
    SLOW_SHARE,
    ArrivingChunk,
    ArrivingChunks,
)
from roles.values.content import MAX_CHUNK_SIZE

BETWEEN = 2 * HOPELESS_RATE


class ArrivingChunksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.chunks = ArrivingChunks()

    def chunk(self, rate: float, *, for_s: float = COMPARE_S) -> ArrivingChunk:
        """One that came at this rate from 0.0 on."""
        chunk = ArrivingChunk(1, 0, MAX_CHUNK_SIZE, bytearray(), 0.0, round(rate * for_s))
        self.chunks.add(chunk)
        return chunk

    def is_slow(self, chunk: ArrivingChunk) -> bool:
        return self.chunks.is_too_slow(chunk, now=COMPARE_S)

    def test_on_a_slow_line_all_are_slow_and_nobody_is_to_blame(self) -> None:
        chunks = [self.chunk(BETWEEN) for _ in range(12)]
        self.assertEqual([self.is_slow(chunk) for chunk in chunks], [False] * 12)

    def test_who_is_much_slower_than_the_others_is(self) -> None:
        slow = self.chunk(BETWEEN)
        others = [self.chunk(SLOW_SHARE * BETWEEN + 1_000) for _ in range(3)]
        self.assertTrue(self.is_slow(slow))
        self.assertFalse(any(map(self.is_slow, others)))

    def test_who_is_somewhat_slower_is_not(self) -> None:
        slow = self.chunk(BETWEEN)
        self.chunk(SLOW_SHARE * BETWEEN - 1_000)
        self.assertFalse(self.is_slow(slow))

    def test_nobody_is_too_slow_who_sends_enough_however_fast_the_others_are(self) -> None:
        slow = self.chunk(ENOUGH_RATE + 1)
        self.chunk(100 * ENOUGH_RATE)
        self.assertFalse(self.is_slow(slow))

    def test_who_sends_next_to_nothing_is_though_all_the_others_do_the_same(self) -> None:
        chunks = [self.chunk(HOPELESS_RATE - 1) for _ in range(12)]
        self.assertTrue(all(map(self.is_slow, chunks)))

    def test_only_what_came_since_the_last_look_counts(self) -> None:
        chunk = self.chunk(100 * ENOUGH_RATE)
        self.assertFalse(self.is_slow(chunk))
        self.assertFalse(chunk.is_due(COMPARE_S + 1))
        self.assertTrue(chunk.is_due(COMPARE_S + LOOK_S))
        self.assertTrue(self.chunks.is_too_slow(chunk, now=COMPARE_S + LOOK_S))

    def test_who_sends_nothing_is_found_out_long_before_who_is_only_slower_than_others(
        self,
    ) -> None:
        silent, slow = self.chunk(HOPELESS_RATE - 1, for_s=LOOK_S), self.chunk(BETWEEN)
        self.chunk(100 * ENOUGH_RATE)
        self.assertTrue(self.chunks.is_too_slow(silent, now=LOOK_S))
        self.assertFalse(self.chunks.is_too_slow(slow, now=LOOK_S))

    def test_what_is_through_is_compared_with_nothing_any_more(self) -> None:
        slow = self.chunk(BETWEEN)
        fast = self.chunk(100 * ENOUGH_RATE)
        self.chunks.remove(fast)
        self.chunks.remove(fast)
        self.assertFalse(self.is_slow(slow))

    def test_time_for_which_this_program_itself_held_it_up_does_not_count(self) -> None:
        chunk = self.chunk(ENOUGH_RATE + 1, for_s=1.0)
        chunk.was_held_up(COMPARE_S - 1.0)
        self.assertFalse(chunk.is_due(COMPARE_S))
        self.assertFalse(self.is_slow(chunk))
