"""How many slots are for the swarm."""

from __future__ import annotations

import unittest

from roles.uploads.slots import KEPT_FOR_LMK1, slots_for_lmk2


class SlotsOfLmk2(unittest.TestCase):
    def test_some_are_kept_for_lmk1_which_gives_up_where_all_are_taken(self) -> None:
        self.assertEqual(slots_for_lmk2(8), 8 - KEPT_FOR_LMK1)

    def test_those_of_lmk1_cannot_have_all_but_where_there_is_only_one(self) -> None:
        self.assertEqual([slots_for_lmk2(slots, slots) for slots in (1, 2, 3, 12)], [0, 1, 1, 2])
        self.assertEqual([slots_for_lmk2(12, taken) for taken in (0, 4, 11)], [10, 8, 2])

    def test_there_is_always_one(self) -> None:
        self.assertEqual([slots_for_lmk2(slots) for slots in (1, 2, 3, 4)], [1, 1, 1, 2])
