"""What a tracker listed, sorted as folders show it."""

from __future__ import annotations

import unittest

from roles.values.listed_file import ListedFile
from tests.listed import folder, shared
from ui.file_list import FileList, SharedFiles

COURSE, LARGE = "c0" * 8, "1a" * 8


class SharedFilesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.files = SharedFiles(shared(COURSE, "b/2", "a-b", "b/c/3", "a", "b/1", "b0"))

    def inside(self, path: str) -> tuple[list[str], list[str]]:
        inside = self.files.inside(path)
        return inside.folders, [file.name for file in inside.files]

    def test_a_folder_counts_what_is_below_it(self) -> None:
        self.assertEqual(self.inside(""), (["b"], ["a", "a-b", "b0"]))
        self.assertEqual(self.files.measure("b"), (3, 30))

    def test_a_folder_in_a_folder(self) -> None:
        self.assertEqual(self.inside("b"), (["b/c"], ["b/1", "b/2"]))
        self.assertEqual(self.files.measure("b/c"), (1, 10))
        self.assertEqual([file.name for file in self.files.below("b")], ["b/1", "b/2", "b/c/3"])
        self.assertTrue(self.files.has("b/c"))
        self.assertFalse(self.files.has("a"))

    def test_folders_that_hold_only_folders_are_there_once(self) -> None:
        self.files = SharedFiles(shared(COURSE, "x/y/z/1", "x/y/z/2", "x/w/3"))
        self.assertEqual(self.inside(""), (["x"], []))
        self.assertEqual(sorted(self.inside("x")[0]), ["x/w", "x/y"])
        self.assertEqual(self.inside("x/y"), (["x/y/z"], []))
        self.assertEqual(self.inside("elsewhere"), ([], []))


class FileListTest(unittest.TestCase):
    def test_everything_is_each_folder_and_what_is_in_none(self) -> None:
        contents = FileList(
            (*shared(COURSE, "a"), ListedFile("b", 1)), (folder(COURSE, "Course", 1),)
        )
        self.assertEqual(contents.all_keys, [f"share:{COURSE}", "b"])

    def test_a_folder_that_an_older_version_asked_for_in_all_shares_is_known(self) -> None:
        files = shared(COURSE, "sub/a") + shared(LARGE, "sub/b")
        contents = FileList(files, (folder(COURSE, "One", 1), folder(LARGE, "Two", 1)))
        self.assertTrue(contents.has("folder:sub"))
        self.assertEqual([file.name for file in contents.below("folder:sub")], ["sub/a", "sub/b"])
        self.assertEqual(contents.name_of("folder:sub"), "sub")

    def test_files_come_by_name_whatever_its_case(self) -> None:
        contents = FileList(tuple(ListedFile(name, 1) for name in ("b", "C", "a/x", "A")), ())
        self.assertEqual([file.key for file in contents.flat], ["A", "a/x", "b", "C"])
        self.assertEqual([file.key for file in contents.matching("a")], ["A", "a/x"])
