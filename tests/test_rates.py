"""Rates and time left, by the clock of the test."""

from __future__ import annotations

import unittest

from roles.net.rates import WINDOW_S, RateMeter, seconds_left


class RateMeterTest(unittest.TestCase):
    def test_there_is_no_rate_before_a_tenth_of_a_second(self) -> None:
        meter = RateMeter(now=100.0)
        meter.add(1000, now=100.05)
        self.assertEqual(meter.rate(now=100.05), 0.0)
        self.assertEqual(meter.total, 1000)

    def test_a_steady_stream_has_its_rate(self) -> None:
        meter = RateMeter(now=0.0)
        for step in range(1, 1001):
            meter.add(100, now=step * 0.02)
            if step > 10:
                self.assertAlmostEqual(meter.rate(now=step * 0.02), 5000, delta=500)
        self.assertEqual(meter.total, 100_000)

    def test_a_change_of_rate_is_seen_within_the_window(self) -> None:
        meter = RateMeter(now=0.0)
        for step in range(1, 101):
            meter.add(100, now=step * 0.1)
        for step in range(101, 161):
            meter.add(1000, now=step * 0.1)
        self.assertAlmostEqual(meter.rate(now=16.0), 10_000, delta=250)

    def test_a_stall_is_no_rate_at_all(self) -> None:
        meter = RateMeter(now=0.0)
        meter.add(1_000_000, now=10.0)
        meter.add(1_000_000, now=10.05)  # too soon after the other one to be a sample of its own
        self.assertGreater(meter.rate(now=10.0 + WINDOW_S - 0.1), 0)
        for later in (10.05 + WINDOW_S, 20.0, 1000.0):
            self.assertEqual(meter.rate(now=later), 0.0)

    def test_an_empty_count_does_not_hide_a_stall(self) -> None:
        meter = RateMeter(now=0.0)
        meter.add(1_000_000, now=1.0)
        for step in range(1, 100):
            meter.add(0, now=1.0 + step * 0.1)
        self.assertEqual(meter.rate(now=11.0), 0.0)

    def test_time_before_the_window_does_not_count_after_a_stall(self) -> None:
        meter = RateMeter(now=0.0)
        meter.add(10, now=1.0)
        for step in range(1, 21):
            meter.add(1_000_000, now=100.0 + step * 0.1)
        self.assertAlmostEqual(meter.rate(now=102.0), 20_000_000 / WINDOW_S, delta=100)

    def test_memory_does_not_grow_with_the_number_of_bytes_or_seconds(self) -> None:
        meter = RateMeter(now=0.0)
        for step in range(20_000):
            meter.add(1, now=step * 0.01)
            meter.rate(now=step * 0.01)
        self.assertLess(len(meter._samples), 60)


class SecondsLeftTest(unittest.TestCase):
    def test_the_rest_takes_its_time(self) -> None:
        self.assertEqual(seconds_left(100, 50.0), 2.0)
        self.assertEqual(seconds_left(0, 50.0), 0.0)

    def test_what_does_not_move_has_no_time_left(self) -> None:
        self.assertIsNone(seconds_left(100, 0.0))
