"""How often a code may be tried."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.private import guess_limits
from roles.private.guess_limits import IN_ALL, PER_HOST, TURN_S, WINDOW_S, GuessLimits


class GuessLimitsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.limits = GuessLimits()

    def guess(self, host: str, now: float) -> float:
        """A wrong code, if it may be tried; else the seconds to wait."""
        wait_s = self.limits.begin(host, now=now)
        if not wait_s:
            self.limits.end(host, is_right=False, now=now)
        return wait_s

    def test_a_host_has_five_failed_tries_a_minute(self) -> None:
        for left in range(PER_HOST, 0, -1):
            self.assertEqual(self.limits.left("a"), left)
            self.assertEqual(self.guess("a", 10), 0)
        self.assertEqual(self.guess("a", 20), WINDOW_S - 10)
        self.assertEqual(self.guess("b", 20), 0)
        self.assertEqual(self.guess("a", 10 + WINDOW_S), 0)

    def test_tries_under_way_count_for_their_host_until_they_end(self) -> None:
        for _ in range(PER_HOST):
            self.assertEqual(self.limits.begin("a", now=10), 0)
        self.assertEqual(self.limits.begin("a", now=10), TURN_S)
        self.limits.end("a", is_right=True, now=11)
        self.assertEqual(self.limits.begin("a", now=11), 0)
        self.assertEqual(self.limits.failed(now=11), {})

    def test_right_codes_are_no_guesses_however_many_come_at_once(self) -> None:
        hosts = [str(number) for number in range(3 * IN_ALL)]
        self.assertEqual({self.limits.begin(host, now=10) for host in hosts}, {0.0})
        for host in hosts:
            self.limits.end(host, is_right=True, now=11)
        self.assertEqual(self.limits._under_way, {})
        self.assertEqual(self.guess("a", 12), 0)

    def test_when_many_guess_each_host_has_its_turn(self) -> None:
        for number in range(IN_ALL):
            self.assertEqual(self.guess(f"guesser {number // PER_HOST}", 10), 0)
        waits = [self.limits.begin(f"host {number}", now=10) for number in range(4)]
        self.assertEqual(waits, [0, TURN_S, 2 * TURN_S, 3 * TURN_S])
        self.assertEqual(self.limits.begin("host 1", now=10 + TURN_S / 2), TURN_S / 2)
        self.assertEqual(self.limits.begin("host 1", now=10 + TURN_S), 0)

    def test_when_many_guess_a_host_that_failed_waits_and_has_no_turn(self) -> None:
        for number in range(IN_ALL):
            self.guess(f"guesser {number}", 10)
        for number in range(IN_ALL):
            self.assertEqual(self.guess(f"guesser {number}", 20), WINDOW_S - 10)
        self.assertEqual(self.limits.left("guesser 1"), 0)
        self.assertEqual(self.limits.begin("honest", now=20), 0)

    def test_asking_again_and_again_brings_no_earlier_turn_and_takes_none_from_others(self) -> None:
        for number in range(IN_ALL):
            self.guess(f"guesser {number}", 10)
        self.limits.begin("first", now=10)
        for _ in range(50):
            self.limits.begin("greedy", now=10)
        self.assertLessEqual(self.limits.begin("honest", now=10), 3 * TURN_S)

    def test_it_names_who_guesses_and_forgets_after_a_minute(self) -> None:
        self.guess("a", 10)
        self.guess("a", 11)
        self.assertEqual(self.limits.failed(now=12), {"a": 2})
        self.assertEqual(self.limits.failed(now=12 + WINDOW_S), {})

    def test_it_keeps_little_whatever_comes(self) -> None:
        self.enterContext(mock.patch.object(guess_limits, "_MAX_HOSTS", 200))
        for number in range(500):
            self.guess(str(number), 10 + number / 1_000)
        self.assertEqual(len(self.limits._turns), 200)


if __name__ == "__main__":
    unittest.main()
