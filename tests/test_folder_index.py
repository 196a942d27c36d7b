"""A share as folders: what is in each, with the sums of everything below."""

from __future__ import annotations

import unittest

from roles.sharing.folder_tree import TreeFile, TreeFolder
from roles.web.folder_index import FolderIndex, IndexedFolder, below

FILES = [
    TreeFile(path, size, 0, 0)
    for path, size in (
        ("b.txt", 1),
        ("A.txt", 2),
        ("deep/er/c", 4),
        ("deep/er/D", 8),
        ("deep/e", 16),
    )
]
INDEX = FolderIndex(
    FILES, [TreeFolder("deep", 5), TreeFolder("deep/er", 6), TreeFolder("empty", 7)]
)


def at(path: str) -> IndexedFolder:
    folder = INDEX.at(path)
    assert folder is not None
    return folder


class FolderIndexTest(unittest.TestCase):
    def test_each_folder_has_its_own_entries_in_the_order_of_people(self) -> None:
        self.assertEqual([folder.path for folder in at("").folders], ["deep", "empty"])
        self.assertEqual([file.path for file in at("").files], ["A.txt", "b.txt"])
        self.assertEqual([file.path for file in at("deep/er").files], ["deep/er/c", "deep/er/D"])
        self.assertEqual(at("deep/er").name, "er")
        self.assertEqual(at("empty").mtime, 7)

    def test_sums_count_everything_below(self) -> None:
        for path, files, size in (
            ("", 5, 31),
            ("deep", 3, 28),
            ("deep/er", 2, 12),
            ("empty", 0, 0),
        ):
            self.assertEqual((at(path).file_count, at(path).size), (files, size), path)

    def test_folders_that_were_not_listed_are_there_all_the_same(self) -> None:
        index = FolderIndex([TreeFile("a/b/c/d", 3, 8 * 10**9, 0)], [])
        folder = index.at("a/b")
        assert folder is not None
        self.assertEqual((folder.size, folder.mtime), (3, None))
        inner = index.at("a/b/c")
        assert inner is not None
        self.assertEqual(inner.mtime, 8)  # that of its newest file

    def test_a_path_that_is_none_finds_nothing(self) -> None:
        for path in ("/", "deep/", "../deep", "Deep", "b.txt", "deep//er", "."):
            self.assertIsNone(INDEX.at(path), path)

    def test_everything_below_comes_behind_its_folder(self) -> None:
        self.assertEqual(
            [entry.path for entry in below(at(""))],
            ["", "A.txt", "b.txt", "deep", "deep/e", "deep/er", "deep/er/c", "deep/er/D", "empty"],
        )
        self.assertEqual([entry.path for entry in below(at("empty"))], ["empty"])


if __name__ == "__main__":
    unittest.main()
