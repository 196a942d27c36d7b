"""When a download gives up."""

from __future__ import annotations

import unittest

from roles.downloads.patience import Patience


class PatienceTest(unittest.TestCase):
    def test_it_is_over_when_nobody_was_of_use_for_so_long(self) -> None:
        patience = Patience(30.0)
        patience.renew(100.0)
        over = [second for second in range(60) if patience.is_over(100.0 + second)]
        self.assertEqual(over[0], 31)
        patience.renew(200.0)
        self.assertFalse(patience.is_over(201.0))

    def test_time_in_which_the_program_itself_stood_still_does_not_count(self) -> None:
        patience = Patience(30.0)
        patience.renew(100.0)
        self.assertFalse(patience.is_over(110.0))
        self.assertFalse(patience.is_over(4_000.0))
        self.assertFalse(patience.is_over(4_005.0))
        self.assertTrue(any(patience.is_over(4_000.0 + second) for second in range(5, 30)))

    def test_whoever_waits_for_ever_never_gives_up(self) -> None:
        patience = Patience(None)
        patience.renew(0.0)
        self.assertFalse(any(patience.is_over(float(second)) for second in range(10_000)))
