"""Which download comes next, and which of its files."""

from __future__ import annotations

import random
import unittest

from roles.disk.download_record import MAX_FIRST
from roles.downloads.queue_order import FileOrder, put_in_order


class QueueOrderTest(unittest.TestCase):
    def test_what_is_wished_for_comes_first_and_the_rest_stays_in_order(self) -> None:
        self.assertEqual(put_in_order("abcd", "db"), ["d", "b", "a", "c"])
        self.assertEqual(put_in_order("abcd", ""), ["a", "b", "c", "d"])

    def test_what_is_not_there_and_what_is_named_twice_changes_nothing(self) -> None:
        self.assertEqual(put_in_order("abc", ["x", "c", "c", "a"]), ["c", "a", "b"])

    def sorted(self, first: list[str], *paths: str) -> list[str]:
        order = FileOrder(first)
        return sorted(paths, key=order.key)

    def test_without_a_wish_all_files_are_equal(self) -> None:
        paths = ["z", "a/b/c", "m/n", "b"]
        self.assertEqual(self.sorted([], *paths), paths)

    def test_files_come_in_the_order_that_was_put(self) -> None:
        self.assertEqual(self.sorted(["c", "a"], "a", "b", "c", "d"), ["c", "a", "b", "d"])

    def test_a_folder_stands_for_what_is_in_it(self) -> None:
        found = self.sorted(["z/", "b"], "a", "b", "z/1", "z/y/2")
        self.assertEqual(found, ["z/1", "z/y/2", "b", "a"])

    def test_a_file_deep_in_a_folder_that_nobody_named_comes_before_the_rest(self) -> None:
        found = self.sorted(["b/c/2"], "a", "b/1", "b/c/1", "b/c/2")
        self.assertEqual(found, ["b/c/2", "a", "b/1", "b/c/1"])

    def test_in_a_folder_that_was_put_first_its_files_have_their_own_order(self) -> None:
        found = self.sorted(["b/", "b/2"], "a", "b/1", "b/2", "b/3")
        self.assertEqual(found, ["b/2", "b/1", "b/3", "a"])

    def test_only_so_many_are_remembered(self) -> None:
        self.assertEqual(len(FileOrder([str(number) for number in range(5_000)]).first), MAX_FIRST)

    def test_nothing_is_lost_whatever_is_wished_for(self) -> None:
        rng = random.Random(7)
        for _ in range(50):
            keys = [str(number) for number in range(rng.randrange(20))]
            wished = [str(rng.randrange(30)) for _ in range(rng.randrange(20))]
            found = put_in_order(keys, wished)
            self.assertEqual(sorted(found), sorted(keys))
