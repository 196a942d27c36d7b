"""Which files exist already, and the question about them."""

from __future__ import annotations

import os

from tests.support import LmkTestCase
from ui.existing_files import existing_names, has_any, question


class ExistingFilesTest(LmkTestCase):
    def test_it_finds_what_is_there_and_dangling_links(self) -> None:
        (self.folder / "a").touch()
        if os.name == "posix":
            (self.folder / "b").symlink_to("nowhere")
        names = existing_names(self.folder, ["a", "b", "c", "../evil"])
        self.assertEqual(names, ["a", "b"] if os.name == "posix" else ["a"])

    def test_a_folder_that_is_not_there_has_nothing(self) -> None:
        self.assertEqual(existing_names(self.folder / "gone", ["a"]), [])

    def test_names_in_folders_are_looked_for_there(self) -> None:
        (self.folder / "sub").mkdir()
        (self.folder / "sub" / "a").touch()
        self.assertTrue(has_any(self.folder, ["b", "sub/a"]))
        self.assertFalse(has_any(self.folder, ["sub/b", "a"]))

    def test_the_question_about_folders_names_them(self) -> None:
        self.assertIn("Some files of “Course/” already exist", question([], ["Course"]))
        self.assertIn("“Course/”, and 2 besides, already exist", question(["a", "b"], ["Course"]))

    def test_the_question_names_a_few(self) -> None:
        self.assertEqual(question(["a"]), "“a” already exists. What should happen to it?")
        self.assertIn("“a”, “b”, “c” and 2 more already exist", question(list("abcde")))
