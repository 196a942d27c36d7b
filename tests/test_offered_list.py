"""What of a list somebody means by a name or a number."""

from __future__ import annotations

import unittest

from roles.values.errors import UserInputError
from roles.values.listed_file import ListedFile
from tests.terminals import folder_of, room
from ui.terminal.offered_list import OfferedList, Unclear, choices, chosen_by_number, once

LESSON = folder_of("a" * 16, "lesson", "intro.txt", "slides/1.png", "slides/2.png", "slides/x/3")
OTHER = folder_of("b" * 16, "other", "notes.txt")
LOOSE = ListedFile("old one.bin", 5)
TWINS = tuple(
    ListedFile("twin.txt", 5, bytes([number]) * 32, "", f"0{number}0{number}") for number in (1, 2)
)
OFFER = OfferedList(room(LESSON, OTHER, loose=(LOOSE, *TWINS)))


class NameTest(unittest.TestCase):
    def assert_keys(self, name: str, *keys: str) -> None:
        found = OFFER.named(name)
        assert isinstance(found, list), found
        self.assertEqual(tuple(item.key for item in found), keys)

    def test_an_umlaut_is_one_letter_or_two(self) -> None:
        one, two = "Übung/é.txt", "U\u0308bung/e\u0301.txt"
        for listed, typed in ((one, two), (two, one), (one, one)):
            offer = OfferedList(room(folder_of("c" * 16, "x", listed)))
            for name, key in ((typed, listed), (typed[: typed.index("/") + 1], None)):
                with self.subTest(listed=listed, name=name):
                    found = offer.named(name)
                    assert isinstance(found, list), found
                    self.assertIn(key, (None, found[0].key))
                    self.assertEqual([file.name for file in found[0].files], [listed])
        both = OfferedList(room(folder_of("c" * 16, "x", one, two)))
        for name in (one, two):
            found = both.named(name)
            assert isinstance(found, list), found
            self.assertEqual([wanted.key for wanted in found], [name])

    def test_a_file_is_meant_by_its_path(self) -> None:
        self.assert_keys("old one.bin", "old one.bin")
        self.assert_keys("slides/1.png", "slides/1.png")

    def test_a_folder_is_meant_by_its_name_with_and_without_a_slash(self) -> None:
        for name in ("lesson", "lesson/", "share:" + "a" * 16):
            with self.subTest(name=name):
                self.assert_keys(name, "share:" + "a" * 16)

    def test_a_sub_folder_is_meant_by_its_path(self) -> None:
        for name in ("slides", "slides/"):
            with self.subTest(name=name):
                self.assert_keys(name, "share:" + "a" * 16 + "/slides")
        self.assert_keys("slides/x", "share:" + "a" * 16 + "/slides/x")

    def test_a_file_that_two_folders_have_is_in_both(self) -> None:
        both = ListedFile("shared.txt", 5, b"r" * 32, "a" * 16, also=("b" * 16, "c" * 16))
        listed = room(LESSON, OTHER, loose=(both,))
        offer = OfferedList(listed)
        for name in ("lesson/shared.txt", "other/shared.txt"):
            found = offer.named(name)
            assert isinstance(found, list), found
            self.assertEqual([item.key for item in found], ["shared.txt"])
        self.assertEqual([both in offer.in_folder(folder) for folder in offer.folders], [True] * 2)
        self.assertEqual(offer.loose, [])

    def test_a_path_may_begin_with_the_folder_as_the_list_shows_it(self) -> None:
        self.assert_keys("lesson/intro.txt", "intro.txt")
        self.assert_keys("lesson/slides", "share:" + "a" * 16 + "/slides")
        self.assert_keys("share:" + "a" * 16 + "/slides", "share:" + "a" * 16 + "/slides")

    def test_a_sub_folder_of_a_named_folder_comes_from_that_alone(self) -> None:
        other = folder_of("b" * 16, "other", "slides/9.png")
        again = folder_of("c" * 16, "lesson", "slides/8.png")
        offer = OfferedList(room(LESSON, other, again))
        for name, shares in {"other/slides": "b", "lesson/slides/": "ac"}.items():
            found = offer.named(name)
            assert isinstance(found, list), found
            keys = [f"share:{share * 16}/slides" for share in shares]
            self.assertEqual([item.key for item in found], keys)
            self.assertEqual(len(found[-1].files), 1)

    def test_a_sub_folder_of_several_folders_is_meant_in_each_of_them(self) -> None:
        other = folder_of("b" * 16, "other", "slides/9.png")
        found = OfferedList(room(LESSON, other)).named("slides")
        assert isinstance(found, list), found
        brought = {item.key: len(item.files) for item in found}
        self.assertEqual(brought, {f"share:{'a' * 16}/slides": 3, f"share:{'b' * 16}/slides": 1})

    def test_a_sub_folder_that_two_folders_have_alike_is_meant_once(self) -> None:
        both = ListedFile("pages/1.txt", 5, b"r" * 32, "a" * 16, also=("b" * 16,))
        found = OfferedList(room(LESSON, OTHER, loose=(both,))).named("pages")
        assert isinstance(found, list), found
        self.assertEqual([item.key for item in found], [f"share:{'a' * 16}/pages"])

    def test_what_is_wanted_knows_what_it_brings(self) -> None:
        found = OFFER.named("slides")
        assert isinstance(found, list)
        self.assertEqual((len(found[0].files), found[0].size, found[0].is_folder), (3, 30, True))

    def test_a_name_that_nobody_offers_is_unclear(self) -> None:
        for name in ("absent", "", "/", "slide", "intro.txt/", "lesson/absent", "/intro.txt"):
            with self.subTest(name=name):
                found = OFFER.named(name)
                assert isinstance(found, Unclear)
                self.assertEqual(found.reason, "nobody offers it")

    def test_a_name_that_was_meant_is_named(self) -> None:
        meant = {
            "lessn": "lesson/",
            "Lesson": "lesson/",
            "slide": "slides/",
            "1.png": "slides/1.png",
            "slides/3": "slides/x/3",
            "slidse/2.png": "slides/2.png",
            "twin.tx [0202]": "twin.txt [0202]",
            "xyz": "",
        }
        for typed, expected in meant.items():
            with self.subTest(typed=typed):
                found = OFFER.named(typed)
                assert isinstance(found, Unclear)
                self.assertEqual(found.meant, expected)
                self.assertEqual(found.hint, f"Did you mean {expected}?" if expected else "")
                self.assertIsInstance(OFFER.named(expected), list if expected else Unclear)

    def test_a_name_in_a_room_of_many_files_is_looked_up_too(self) -> None:
        many = folder_of("d" * 16, "many", *(f"p{n % 9}/file {n}.txt" for n in range(20_000)))
        found = OfferedList(room(many)).named("File 19999.txt")
        assert isinstance(found, Unclear)
        self.assertEqual(found.meant, "p1/file 19999.txt")

    def test_a_name_of_two_contents_is_unclear_and_each_has_a_name_of_its_own(self) -> None:
        found = OFFER.named("twin.txt")
        assert isinstance(found, Unclear)
        self.assertIn("“twin.txt [0101]”, “twin.txt [0202]”", found.reason)
        self.assert_keys("twin.txt [0202]", "twin.txt [0202]")

    def test_two_folders_of_one_name_are_both_meant(self) -> None:
        again = folder_of("c" * 16, "lesson", "more.txt")
        found = OfferedList(room(LESSON, again)).named("lesson")
        assert isinstance(found, list)
        self.assertEqual(len(found), 2)

    def test_a_file_comes_before_a_folder_of_its_name_and_a_slash_means_the_folder(self) -> None:
        offer = OfferedList(room(LESSON, loose=(ListedFile("lesson", 1),)))
        for name, is_folder in {"lesson": False, "lesson/": True}.items():
            found = offer.named(name)
            assert isinstance(found, list)
            self.assertEqual(found[0].is_folder, is_folder)

    def test_all_are_the_folders_and_the_files_of_none(self) -> None:
        keys = [item.key for item in OFFER.all()]
        self.assertEqual(keys[:3], ["share:" + "a" * 16, "share:" + "b" * 16, "old one.bin"])
        self.assertEqual(len(keys), 5)


class OnceTest(unittest.TestCase):
    def chosen(self, *names: str) -> list[str]:
        meanings = [OFFER.named(name) for name in names]
        items = [item for meaning in meanings if isinstance(meaning, list) for item in meaning]
        return [item.key for item in once(items)]

    def test_what_a_folder_brings_is_not_asked_for_again(self) -> None:
        share = "share:" + "a" * 16
        self.assertEqual(self.chosen("intro.txt", "slides", "lesson", "lesson/"), [share])
        self.assertEqual(
            self.chosen("slides", "slides/x", "intro.txt"), [f"{share}/slides", "intro.txt"]
        )

    def test_the_order_stays_as_it_was_typed(self) -> None:
        self.assertEqual(self.chosen("intro.txt", "slides")[0], "intro.txt")

    def test_an_empty_folder_is_asked_for_too(self) -> None:
        offer = OfferedList(room(folder_of("c" * 16, "empty")))
        self.assertEqual(len(once(offer.all())), 1)


class NumbersTest(unittest.TestCase):
    def test_numbers_and_ranges_are_read_once_each(self) -> None:
        for typed, numbers in {"1 3": [1, 3], "3,1": [3, 1], "2-4 3": [2, 3, 4]}.items():
            with self.subTest(typed=typed):
                self.assertEqual(chosen_by_number(typed, 5), numbers)

    def test_all_else_is_refused(self) -> None:
        for typed in (
            *("", "0", "6", "1 x", "-1", "1-", "-", "4-2", "4-2 1", "1--3", "1-9"),
            *("\u0661", "\u00b2", "99999999999", "9" * 5000),
        ):
            with self.subTest(typed=typed), self.assertRaisesRegex(UserInputError, "from 1 to 5"):
                chosen_by_number(typed, 5)

    def test_a_small_folder_alone_is_shown_as_its_files(self) -> None:
        self.assertEqual(len(choices(OfferedList(room(LESSON)))), 4)

    def test_of_several_folders_the_folders_come_first_and_then_their_files(self) -> None:
        rows = choices(OFFER)
        self.assertEqual(len(rows), 4 + 1 + 3 + 2)
        self.assertEqual(rows[:2], [LESSON[0], OTHER[0]])

    def test_a_large_folder_is_one_line(self) -> None:
        large = folder_of("d" * 16, "large", *(f"{number}.txt" for number in range(21)))
        self.assertEqual(choices(OfferedList(room(large))), [large[0]])
