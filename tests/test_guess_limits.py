"""How often a code may be tried."""

from __future__ import annotations

import unittest

from roles.private.guess_limits import IN_ALL, PER_HOST, TURN_S, WINDOW_S, GuessLimits


class GuessLimitsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.limits = GuessLimits()

    def test_a_host_has_five_failed_tries_a_minute(self) -> None:
        for _ in range(PER_HOST):
            self.assertEqual(self.limits.begin("a", now=10), 0)
        self.assertEqual(self.limits.begin("a", now=20), WINDOW_S - 10)
        self.assertEqual(self.limits.begin("b", now=20), 0)
        self.assertEqual(self.limits.begin("a", now=10 + WINDOW_S), 0)

    def test_a_try_counts_from_its_start_and_is_given_back_on_success(self) -> None:
        for _ in range(3 * PER_HOST):
            self.assertEqual(self.limits.begin("a", now=10), 0)
            self.limits.succeeded("a")
        self.assertEqual(self.limits.tries(now=10), {})

    def test_when_many_guess_each_host_has_its_turn_one_a_second(self) -> None:
        for number in range(IN_ALL):
            self.assertEqual(self.limits.begin(f"guesser {number // PER_HOST}", now=10), 0)
        waits = [self.limits.begin(f"host {number}", now=10) for number in range(4)]
        self.assertEqual(waits, [0, TURN_S, 2 * TURN_S, 3 * TURN_S])
        self.assertEqual(self.limits.begin("host 1", now=10.5), TURN_S / 2)
        self.assertEqual(self.limits.begin("host 1", now=11), 0)

    def test_asking_again_and_again_brings_no_earlier_turn_and_takes_none_from_others(self) -> None:
        for number in range(IN_ALL):
            self.limits.begin(f"guesser {number}", now=10)
        self.limits.begin("first", now=10)
        for _ in range(50):
            self.limits.begin("greedy", now=10)
        self.assertLessEqual(self.limits.begin("honest", now=10), 3 * TURN_S)

    def test_it_names_who_guesses_and_forgets_after_a_minute(self) -> None:
        self.limits.begin("a", now=10)
        self.limits.begin("a", now=11)
        self.assertEqual(self.limits.tries(now=12), {"a": 2})
        self.assertEqual(self.limits.left("a"), PER_HOST - 2)
        self.assertEqual(self.limits.tries(now=12 + WINDOW_S), {})

    def test_it_keeps_little_whatever_comes(self) -> None:
        for number in range(10_000):
            self.limits.begin(str(number), now=10 + number / 1_000)
        self.assertLess(len(self.limits._turns), 5_000)


if __name__ == "__main__":
    unittest.main()
