"""How much a peer may say that is of no use, by the clock of the test."""

from __future__ import annotations

import unittest

from roles.net.frame_budget import LIMITS, FrameBudget
from roles.values.errors import PeerProtocolError


class FrameBudgetTest(unittest.TestCase):
    def setUp(self) -> None:
        self.budget = FrameBudget()

    def test_so_many_words_are_read_at_once_and_then_so_many_a_second(self) -> None:
        self.assertEqual(self.budget.spend(LIMITS.at_once, now=100.0), 0.0)
        self.assertAlmostEqual(self.budget.spend(50, now=100.0), 50 / LIMITS.per_second)
        self.assertEqual(self.budget.spend(0, now=100.0 + 51 / LIMITS.per_second), 0.0)

    def test_a_few_words_a_second_are_said_for_ever(self) -> None:
        for second in range(10_000):
            wait_s = self.budget.spend(int(LIMITS.per_second), now=float(second))
            self.assertEqual(wait_s, 0.0)

    def test_who_was_of_use_may_say_as_much_again(self) -> None:
        for _ in range(100):
            self.assertEqual(self.budget.spend(LIMITS.at_once, now=1.0), 0.0)
            self.budget.refill()

    def test_who_was_quiet_for_a_while_may_say_much_again(self) -> None:
        now = 0.0
        for _ in range(20):
            now += self.budget.spend(2 * LIMITS.at_once, now=now)
            now += LIMITS.at_once / LIMITS.per_second
            self.budget.spend(0, now=now)

    def test_who_says_just_as_much_as_is_read_goes_on_and_on_too(self) -> None:
        now = 0.0
        with self.assertRaises(PeerProtocolError):
            while now < 10 * LIMITS.talk_s:
                now += 1.05 * self.budget.spend(100, now=now)  # a sleep lasts a little longer

    def test_who_goes_on_and_on_is_read_slowly_and_then_no_more(self) -> None:
        now = read = 0.0
        with self.assertRaises(PeerProtocolError):
            while read < 1e6:
                now += self.budget.spend(100, now=now)
                read += 100
        self.assertGreater(now, LIMITS.talk_s)
        self.assertLess(read, 2 * (LIMITS.at_once + LIMITS.talk_s * LIMITS.per_second))
