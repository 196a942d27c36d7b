"""Paths of a list and the names under which they are stored: no two meet in one file."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.disk.stored_names import StoredNames, StoredPath
from roles.values import safe_names
from roles.values.content import Content
from roles.values.safe_names import UnsafeNameError, safe_name
from tests.support import calls_made


def content(number: int) -> Content:
    return Content(number.to_bytes(32), 10, 1 << 18)


ONE, TWO = content(1), content(2)


class StoredNamesTest(unittest.TestCase):
    def placed(
        self,
        *files: tuple[str, Content | None],
        folders: tuple[str, ...] = (),
        windows: bool = False,
    ) -> list[StoredPath | UnsafeNameError]:
        return StoredNames(windows=windows).place_all(files, folders)

    def test_different_paths_keep_their_names(self) -> None:
        self.assertEqual(
            self.placed(("a.txt", ONE), ("b/a.txt", TWO), ("b/c/a.txt", None)),
            [("a.txt",), ("b", "a.txt"), ("b", "c", "a.txt")],
        )

    def test_the_same_file_of_two_shares_is_one_file(self) -> None:
        self.assertEqual(self.placed(("b/a", ONE), ("b/a", ONE)), [("b", "a"), ("b", "a")])

    def test_another_content_under_the_same_path_gets_a_number(self) -> None:
        self.assertEqual(
            self.placed(("b/a.txt", ONE), ("b/a.txt", TWO), ("b/a.txt", None)),
            [("b", "a.txt"), ("b", "a (2).txt"), ("b", "a (3).txt")],
        )

    def test_names_that_a_file_system_takes_for_one_get_numbers(self) -> None:
        for twin in ("README", "re\u0061dme", "Readm\u0065"):
            with self.subTest(twin=twin):
                first, second = self.placed(("readMe", ONE), (twin, ONE))
                self.assertEqual((first, second), (("readMe",), (f"{twin} (2)",)))
        composed, apart = "caf\u00e9", "cafe\u0301"
        self.assertEqual(self.placed((composed, ONE), (apart, ONE))[1], (f"{apart} (2)",))
        self.assertEqual(self.placed(("straße", ONE), ("STRASSE", ONE))[1], ("STRASSE (2)",))

    def test_the_folders_count_as_well(self) -> None:
        self.assertEqual(
            self.placed(("Docs/a", ONE), ("docs/A", TWO), ("docs/b", TWO)),
            [("Docs", "a"), ("docs", "A (2)"), ("docs", "b")],
        )

    def test_a_number_that_another_path_has_is_not_given_twice(self) -> None:
        self.assertEqual(
            self.placed(("a (2)", ONE), ("a", ONE), ("A", TWO)), [("a (2)",), ("a",), ("A (3)",)]
        )

    def test_a_file_that_is_a_folder_of_another_path_gets_a_number(self) -> None:
        self.assertEqual(self.placed(("a", ONE), ("A/b", TWO)), [("a (2)",), ("A", "b")])
        self.assertEqual(self.placed(("a", ONE), folders=("a/b",)), [("a (2)",)])

    def test_what_was_placed_before_keeps_its_name(self) -> None:
        names = StoredNames(windows=False)
        self.assertEqual(names.place_all([("a", ONE)]), [("a",)])
        self.assertEqual(names.place_all([("A", TWO)]), [("A (2)",)])
        self.assertEqual(names.place_all([("a", ONE)]), [("a",)])
        self.assertEqual(names.place_all([("A", TWO)]), [("A (2)",)])

    def test_what_may_not_be_stored_is_told_and_the_rest_is_placed(self) -> None:
        paths = ("../a", "/a", "a//b", "", "a/../b", "b" + "/b" * 32)
        *bad, good = self.placed(*((path, ONE) for path in paths), ("a", ONE))
        for error in bad:
            self.assertIsInstance(error, UnsafeNameError)
        self.assertIsInstance(StoredNames(windows=False).folder(""), UnsafeNameError)
        self.assertEqual(good, ("a",))
        with self.assertRaises(UnsafeNameError):
            StoredNames(windows=True).key_wished("a/desktop.ini")

    def test_names_that_are_one_on_windows_get_numbers_there(self) -> None:
        files = (("a?/x", ONE), ("a_/x", TWO))
        self.assertEqual(self.placed(*files), [("a?", "x"), ("a_", "x")])
        self.assertEqual(self.placed(*files, windows=True), [("a_", "x"), ("a_", "x (2)")])

    def test_a_list_full_of_twins_takes_no_more_time_than_another(self) -> None:
        files = [("a" if number % 2 else "A", content(number)) for number in range(20_000)]
        others = [(f"{number}", content(number)) for number in range(20_000)]
        stored = list[object]()

        def place_twins() -> None:
            stored.extend(StoredNames(windows=False).place_all(files))

        def place_others() -> None:
            StoredNames(windows=False).place_all(others)

        self.assertLess(calls_made(place_twins), 5 * calls_made(place_others))
        self.assertEqual(len(set(stored)), 20_000)

    def test_many_odd_folders_cost_no_more_the_deeper_they_are(self) -> None:
        paths = [f"{number}" + "/a\u200b" * 20 + "/b" for number in range(100)]
        folders = [path[:end] for path in paths for end in range(len(path)) if path[end] == "/"]
        files = [(path, content(number)) for number, path in enumerate(paths)]
        with mock.patch.object(safe_names, "safe_name", wraps=safe_name) as looked:
            names = StoredNames(windows=False)
            names.place_all(files, folders)
            for folder in folders:
                names.folder(folder)
        self.assertLessEqual(looked.call_count, len(files) + 5 * len(folders))
