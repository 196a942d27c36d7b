"""The chunk sent least often goes first."""

from __future__ import annotations

import random
import unittest
from collections import Counter

from roles.uploads.times_sent import MAX_LEVELS, TimesSent, any_of


class TimesSentTest(unittest.TestCase):
    def setUp(self) -> None:
        self.rng = random.Random(7)
        self.times = TimesSent()

    def pick(self, candidates: int) -> int:
        return any_of(self.times.least(candidates)[0], self.rng)

    def send(self, candidates: int) -> int:
        index = self.pick(candidates)
        self.times.sent(index)
        return index

    def test_every_chunk_is_sent_once_before_any_is_sent_twice(self) -> None:
        for _ in range(3):
            self.assertEqual({self.send((1 << 100) - 1) for _ in range(100)}, set(range(100)))

    def test_only_candidates_are_picked_however_often_they_were_sent(self) -> None:
        for _ in range(20):
            self.assertEqual(self.send(1 << 5), 5)
        self.assertEqual({self.send(0b11 << 5) for _ in range(20)}, {6})
        self.assertEqual({self.send(0b11 << 5) for _ in range(2)}, {5, 6})

    def test_what_did_not_happen_is_taken_back(self) -> None:
        self.times.sent(0)
        self.times.sent(0)
        self.times.sent(1)
        self.times.not_sent(0)
        self.assertEqual({self.send(0b11) for _ in range(2)}, {0, 1})
        self.times.not_sent(9)  # never counted
        self.assertEqual(self.pick(1 << 9 | 1), 9)

    def test_one_chunk_sent_ten_thousand_times_takes_no_room(self) -> None:
        for _ in range(10_000):
            self.times.sent(3)
        self.assertLessEqual(len(self.times._levels), MAX_LEVELS)
        self.assertEqual(self.pick(0b1001), 0)
        for _ in range(MAX_LEVELS - 1):
            self.times.sent(0)
            self.assertEqual(self.pick(0b1001), 0)
        self.times.not_sent(3)
        self.times.not_sent(3)
        self.assertEqual(self.pick(0b1001), 3)

    def test_two_senders_rarely_begin_with_the_same_chunk(self) -> None:
        first = Counter(self.pick((1 << 64) - 1) for _ in range(6_400))
        self.assertEqual(len(first), 64)
        self.assertLess(max(first.values()), 200)

    def test_it_agrees_with_plain_counting(self) -> None:
        counts = Counter[int]()
        for _ in range(5_000):
            candidates = self.rng.getrandbits(30) | 1 << self.rng.randrange(30)
            if self.rng.random() < 0.3:
                index = self.rng.randrange(30)
                self.times.not_sent(index)
                counts[index] = max(0, counts[index] - 1)
            index = self.pick(candidates)
            least = min(counts[chunk] for chunk in range(30) if candidates >> chunk & 1)
            self.assertTrue(candidates >> index & 1)
            self.assertEqual(counts[index], least)
            self.times.sent(index)
            counts[index] += 1
