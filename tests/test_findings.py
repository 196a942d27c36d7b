"""What a search has found, in the order in which it is shown."""

from __future__ import annotations

import random
import unittest

from roles.values.addresses import Address
from roles.values.findings import FoundTracker, ours_first


class OrderTest(unittest.TestCase):
    def test_ours_come_first_then_private_ones_then_originals_each_by_name(self) -> None:
        in_order = [
            FoundTracker(Address("10.0.0.4", 12500), "a", is_original=False),
            FoundTracker(Address("10.0.0.3", 12500), "b", is_original=False),
            FoundTracker(Address("10.0.0.2", 12500), "a", is_original=False, is_private=True),
            FoundTracker(Address("10.0.0.1", 12500), "", is_original=True),
        ]
        for seed in range(10):
            mixed = random.Random(seed).sample(in_order, len(in_order))
            self.assertEqual(list(ours_first(mixed)), in_order)
