"""One path of the list: what it is called when several shares offer it."""

from __future__ import annotations

import hashlib
import unittest

from roles.joining.listed_files import TWIN_DIGITS, listed_file, listed_files
from roles.values.content import Content
from roles.values.list_lines import FileLine
from roles.values.listed_file import ListedFile

CHUNK = 262_144
ONE, TWO, THREE, ORIGINAL = "1" * 16, "2" * 16, "3" * 16, "lmk1" + "a" * 12


def line(what: str, *, path: str = "a", size: int = 5) -> FileLine:
    return FileLine(path, size, Content(hashlib.sha256(what.encode()).digest(), size, CHUNK))


def original(size: int) -> FileLine:
    return FileLine("a", size, None)


def digits(what: str, count: int = TWIN_DIGITS) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:count]


def keys(*lines: tuple[str, FileLine]) -> list[str]:
    return [file.key for file in listed_files("a", list(lines))]


class ListedFilesTest(unittest.TestCase):
    def test_one_content_is_one_file_of_the_first_share_and_names_the_others(self) -> None:
        (file,) = listed_files("a", [(ONE, line("x")), (TWO, line("x")), (THREE, line("x"))])
        root = hashlib.sha256(b"x").digest()
        self.assertEqual(file, ListedFile("a", 5, root, ONE, "", (TWO, THREE)))

    def test_two_contents_have_the_first_digits_of_their_roots_in_any_order(self) -> None:
        expected = [f"a [{mark}]" for mark in sorted((digits("x"), digits("y")))]
        self.assertEqual(keys((ONE, line("x")), (TWO, line("y"))), expected)
        self.assertEqual(keys((TWO, line("y")), (ONE, line("x"))), expected)

    def test_roots_that_begin_alike_have_so_many_digits_that_they_differ(self) -> None:
        alike = [FileLine("a", 5, Content(bytes(8) + bytes([n]) * 24, 5, CHUNK)) for n in (1, 2)]
        found = keys((ONE, alike[0]), (TWO, alike[1]))
        self.assertEqual(len(set(found)), 2)
        self.assertTrue(all(mark.startswith("a [0000000000000000") for mark in found))

    def test_a_list_that_claims_two_contents_with_one_root_shows_their_sizes(self) -> None:
        root = bytes(32)
        liars = [FileLine("a", size, Content(root, size, CHUNK)) for size in (5, 6)]
        found = keys((ONE, liars[0]), (TWO, liars[1]))
        self.assertEqual(found, [f"a [{'0' * 8}-{size}-{CHUNK}]" for size in (5, 6)])

    def test_a_size_that_only_originals_offer_is_a_file_and_others_are_the_known_content(
        self,
    ) -> None:
        lines = [(ORIGINAL, original(5)), (ORIGINAL, original(6)), (ONE, line("x"))]
        self.assertEqual(keys(*lines), [f"a [{digits('x')}]", "a [6 bytes]"])

    def test_a_path_that_ends_like_the_key_of_a_twin_passes_for_none(self) -> None:
        for path in ("a [0123abcd]", "a [6 bytes]", "a [0123abcd-5-262144]"):
            with self.subTest(path=path):
                file = listed_file(ONE, line("x", path=path))
                self.assertEqual(file.key, f"{path} [{digits('x')}]")
                (same,) = listed_files(path, [(ONE, line("x", path=path))])
                self.assertEqual(file, same)
        self.assertEqual(listed_file(ONE, line("x", path="a [old]")).key, "a [old]")
