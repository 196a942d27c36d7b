"""What the network can carry, as far as it was seen."""

from __future__ import annotations

import unittest

from roles.uploads.uplink_rate import SLOW_UPLINK, UplinkRate


class UplinkRateTest(unittest.TestCase):
    def setUp(self) -> None:
        self.uplink = UplinkRate()

    def carry(self, rate: float, begin: int, seconds: int) -> None:
        for tenth in range(10 * begin, 10 * (begin + seconds) + 1):
            self.uplink.add(int(rate / 10), now=tenth / 10)

    def test_before_it_was_measured_a_slow_line_is_assumed(self) -> None:
        self.assertEqual(self.uplink.best, SLOW_UPLINK)
        self.carry(5_000.0, 0, 4)
        self.assertAlmostEqual(self.uplink.best, 5_000.0, delta=1_000.0)

    def test_what_fills_buffers_for_a_moment_is_not_the_rate_of_the_queue(self) -> None:
        self.uplink.add(10_000_000, now=0.0)
        self.carry(5_000.0, 1, 4)
        self.assertLess(self.uplink.best, 10_000.0)

    def test_the_best_is_remembered_for_some_minutes(self) -> None:
        self.carry(1e6, 0, 4)
        self.carry(1e3, 5, 20)
        self.assertGreater(self.uplink.best, 5e5)
        self.carry(1e3, 30, 1_000)
        self.assertLess(self.uplink.best, 1e5)
