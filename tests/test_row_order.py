"""Rows that are moved: one step, or to another row."""

from __future__ import annotations

import itertools
import unittest

from ui.row_order import moved, placed


class RowOrderTest(unittest.TestCase):
    def test_one_row_moves_a_step_and_stops_at_the_ends(self) -> None:
        self.assertEqual(moved("abcd", {"c"}, -1), list("acbd"))
        self.assertEqual(moved("abcd", {"b"}, 1), list("acbd"))
        self.assertEqual(moved("abcd", {"a"}, -1), list("abcd"))
        self.assertEqual(moved("abcd", {"d"}, 1), list("abcd"))

    def test_several_move_together_and_close_up_at_the_ends(self) -> None:
        self.assertEqual(moved("abcd", {"b", "c"}, -1), list("bcad"))
        self.assertEqual(moved("abcd", {"b", "c"}, 1), list("adbc"))
        self.assertEqual(moved("abcd", {"a", "c"}, -1), list("acbd"))
        self.assertEqual(moved("abcd", {"a", "b"}, -1), list("abcd"))
        self.assertEqual(moved("abcd", {"b", "d"}, 1), list("acbd"))

    def test_rows_are_put_above_or_below_another_one(self) -> None:
        self.assertEqual(placed("abcd", {"d"}, "b", is_below=False), list("adbc"))
        self.assertEqual(placed("abcd", {"a"}, "c", is_below=True), list("bcad"))
        self.assertEqual(placed("abcd", {"a", "d"}, "b", is_below=True), list("badc"))

    def test_onto_itself_or_nowhere_changes_nothing(self) -> None:
        self.assertEqual(placed("abc", {"b"}, "b", is_below=True), list("abc"))
        self.assertEqual(placed("abc", {"b"}, "x", is_below=True), list("abc"))

    def test_no_row_is_lost_or_doubled(self) -> None:
        rows = "abcde"
        for number in range(len(rows) + 1):
            for chosen in map(set, itertools.combinations(rows, number)):
                for steps in (-1, 1):
                    self.assertEqual(sorted(moved(rows, chosen, steps)), list(rows))
                for target in rows:
                    for is_below in (False, True):
                        found = placed(rows, chosen, target, is_below=is_below)
                        self.assertEqual(sorted(found), list(rows))
