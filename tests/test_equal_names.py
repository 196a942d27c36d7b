"""Which names a folder takes for one: what is there tells, else a file made for a moment."""

from __future__ import annotations

import os
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from roles.disk.equal_names import compose, key_of_names
from roles.disk.leftovers import drop_packs, probe_name
from roles.disk.stored_names import StoredNames
from roles.values.safe_names import collision_key
from tests.disks import described
from tests.support import LmkTestCase

needs_case = unittest.skipUnless(sys.platform == "linux", "disks of Linux tell case apart")


def lstat_without_case(path: Any, real: Any = os.lstat) -> os.stat_result:
    """As a disk that finds a file by any spelling of its name."""
    asked = Path(path)
    for name in os.listdir(asked.parent):  # noqa: PTH208
        if name.lower() == asked.name.lower():
            return real(asked.parent / name)  # type: ignore[no-any-return]
    return real(path)  # type: ignore[no-any-return]


@needs_case
class KeyOfNamesTest(LmkTestCase):
    def without_case(self) -> None:
        self.enterContext(mock.patch("os.lstat", lstat_without_case))

    def test_a_file_that_is_there_tells(self) -> None:
        (self.folder / "Notes.txt").touch()
        self.assertIs(key_of_names(self.folder), str)
        self.without_case()
        self.assertIs(key_of_names(self.folder), collision_key)

    def test_an_empty_folder_is_tried_and_empty_again(self) -> None:
        self.assertIs(key_of_names(self.folder), str)
        self.without_case()
        self.assertIs(key_of_names(self.folder), collision_key)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_folder_that_is_not_made_yet_does_as_the_one_above(self) -> None:
        (self.folder / "other").mkdir()
        below = self.folder / "new" / "newer"
        self.assertIs(key_of_names(below), str)
        self.without_case()
        self.assertIs(key_of_names(below), collision_key)
        self.assertFalse(below.parent.exists())

    def test_a_name_that_no_folder_can_have_does_as_the_one_above(self) -> None:
        self.assertIs(key_of_names(self.folder / ("x" * 300)), str)

    def test_two_names_of_one_file_tell_nothing(self) -> None:
        (self.folder / "a").touch()
        os.link(self.folder / "a", self.folder / "A")
        self.assertIs(key_of_names(self.folder), str)

    def test_names_without_case_tell_nothing(self) -> None:
        (self.folder / "123").touch()
        (self.folder / "\u00e9").touch()
        self.assertIs(key_of_names(self.folder), str)

    def test_a_disk_that_refuses_to_tell_is_taken_for_one_of_this_system(self) -> None:
        for refused in ("os.scandir", "os.open", "os.lstat"):
            self.enterContext(mock.patch(refused, side_effect=OSError))
        self.assertIs(key_of_names(self.folder), str)
        with mock.patch("sys.platform", "darwin"):
            self.assertIs(key_of_names(self.folder), collision_key)

    def test_what_a_kill_left_of_a_try_goes_with_the_other_leftovers(self) -> None:
        (self.folder / probe_name(1)).touch()
        drop_packs(self.folder)
        self.assertEqual(list(self.folder.iterdir()), [])


class KeyTest(unittest.TestCase):
    def test_what_a_folder_tells_apart_has_other_keys(self) -> None:
        letter, accent = "\u00e9", "e\u0301"
        keys: list[tuple[Callable[[str], str], bool, bool]] = [
            (collision_key, True, True),
            (compose, False, True),
            (str, False, False),
        ]
        for key, case, form in keys:
            with self.subTest(key=key):
                self.assertIs(key("A.txt") == key("a.txt"), case)
                self.assertIs(key(letter) == key(accent), form)

    def test_names_are_given_as_the_folder_compares_them(self) -> None:
        one, two = described(b"one")[0], described(b"two")[0]
        paths = [("A", one), ("a", two), ("D/x", one), ("d/x", two), ("d", one)]
        apart = StoredNames(windows=False, key=str).place_all(paths)
        self.assertEqual(apart, [("A",), ("a",), ("D", "x"), ("d", "x"), ("d (2)",)])
        alike = StoredNames(windows=False, key=collision_key).place_all(paths)
        self.assertEqual(alike, [("A",), ("a (2)",), ("D", "x"), ("d", "x (2)"), ("d (2)",)])
