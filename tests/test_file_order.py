"""Which file of a download comes next."""

from __future__ import annotations

import unittest

from roles.disk.download_record import MAX_FIRST
from roles.downloads.file_order import FileOrder


class FileOrderTest(unittest.TestCase):
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
