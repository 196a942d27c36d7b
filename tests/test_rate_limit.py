"""How many requests are answered, by the clock of the test."""

from __future__ import annotations

import unittest

from roles.net.rate_limit import MAX_HOSTS, RateLimit


def allowed(limit: RateLimit, host: str, count: int, *, now: float) -> int:
    return sum(limit.allows(host, now=now) for _ in range(count))


class RateLimitTest(unittest.TestCase):
    def test_a_burst_of_twice_the_rate_is_let_through(self) -> None:
        limit = RateLimit(per_host=100, whole=1000)
        self.assertEqual(allowed(limit, "a", 500, now=5.0), 200)

    def test_a_hundred_a_second_are_never_dropped(self) -> None:
        limit = RateLimit(per_host=100, whole=2000)
        answered = sum(limit.allows("a", now=step / 100) for step in range(10_000))
        self.assertEqual(answered, 10_000)

    def test_a_flood_is_cut_to_the_rate(self) -> None:
        limit = RateLimit(per_host=100, whole=2000)
        answered = sum(limit.allows("a", now=step / 1000) for step in range(10_000))
        self.assertAlmostEqual(answered, 200 + 1000, delta=2)

    def test_one_hosts_flood_does_not_cost_another_host_anything(self) -> None:
        limit = RateLimit(per_host=10, whole=100)
        for step in range(1000):
            now = step / 1000
            limit.allows("noisy", now=now)
            if step % 100 == 0:
                self.assertTrue(limit.allows("quiet", now=now))

    def test_all_together_are_cut_too(self) -> None:
        limit = RateLimit(per_host=100, whole=50)
        answered = sum(limit.allows(f"10.0.0.{step % 250}", now=7.0) for step in range(1000))
        self.assertEqual(answered, 100)
        self.assertTrue(limit.allows("10.0.1.1", now=7.1))

    def test_tokens_do_not_pile_up_over_a_long_silence(self) -> None:
        limit = RateLimit(per_host=10, whole=100)
        self.assertEqual(allowed(limit, "a", 1, now=0.0), 1)
        self.assertEqual(allowed(limit, "a", 500, now=1_000_000.0), 20)

    def test_a_request_that_is_worth_more_keeps_its_host_waiting_for_as_long(self) -> None:
        limit = RateLimit(per_host=10, whole=1000)
        self.assertTrue(limit.allows("a", now=0.0))
        limit.charge("a", 49)
        limit.charge("unknown", 1)
        self.assertEqual(allowed(limit, "b", 50, now=0.0), 20)
        self.assertFalse(limit.allows("a", now=3.0))
        self.assertTrue(limit.allows("a", now=3.2))

    def test_forged_sources_take_no_memory(self) -> None:
        limit = RateLimit(per_host=10, whole=1e9)
        for number in range(3 * MAX_HOSTS):
            limit.allows(str(number), now=1.0)
        self.assertEqual(len(limit._buckets), MAX_HOSTS)

    def test_who_was_heard_last_is_remembered_longest(self) -> None:
        limit = RateLimit(per_host=1, whole=1e9)
        self.assertEqual(allowed(limit, "me", 5, now=1.0), 2)
        for number in range(MAX_HOSTS - 1):
            limit.allows(str(number), now=1.0)
            self.assertFalse(limit.allows("me", now=1.0))
        self.assertFalse(limit.allows("me", now=1.0))
