"""What a folder is asked for by, as text and back."""

from __future__ import annotations

import unittest

from roles.values.folder_keys import FolderKey, range_below


class FolderKeyTest(unittest.TestCase):
    def test_each_is_read_as_it_is_written(self) -> None:
        keys = {
            "share:a1": FolderKey("a1"),
            "share:a1/x/y": FolderKey("a1", "x/y"),
            "folder:x/y": FolderKey(path="x/y"),
        }
        for text, key in keys.items():
            with self.subTest(text=text):
                self.assertEqual((str(key), FolderKey.of(text)), (text, key))

    def test_a_slash_at_the_end_changes_nothing(self) -> None:
        for text in ("share:a1", "share:a1/x", "folder:x"):
            self.assertEqual(FolderKey.of(text + "/"), FolderKey.of(text))

    def test_what_names_no_folder_is_none(self) -> None:
        for text in ("", "x", "a/share:b", "share:", "share:/x", "folder:", "folder:/", "folders"):
            with self.subTest(text=text):
                self.assertIsNone(FolderKey.of(text))


class RangeBelowTest(unittest.TestCase):
    PATHS = ("a", "a b", "a-b/c", "a/b", "a/b/c", "a/c", "a0", "b/a")

    def below(self, folder: str) -> list[str]:
        return list(self.PATHS[slice(*range_below(self.PATHS, folder))])

    def test_neighbours_that_sort_beside_a_slash_are_not_below(self) -> None:
        self.assertEqual(self.below("a"), ["a/b", "a/b/c", "a/c"])
        self.assertEqual(self.below("a/b"), ["a/b/c"])

    def test_nothing_is_below_a_file_and_all_below_no_folder(self) -> None:
        self.assertEqual(self.below("a0"), [])
        self.assertEqual(self.below(""), list(self.PATHS))
