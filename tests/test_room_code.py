"""The code of a private room, and what people type for it."""

from __future__ import annotations

import unittest

from roles.values import room_code
from roles.values.errors import UserInputError


class RoomCodeTest(unittest.TestCase):
    def test_a_new_code_has_nine_digits_and_is_another_one_each_time(self) -> None:
        codes = {room_code.new() for _ in range(20)}
        self.assertEqual(len(codes), 20)
        for code in codes:
            self.assertRegex(code, "^[0-9]{9}$")
            self.assertEqual(room_code.parsed(room_code.shown(code)), code)

    def test_it_is_shown_in_groups_of_three(self) -> None:
        self.assertEqual(room_code.shown("482177305"), "482 177 305")
        self.assertEqual(room_code.shown("green table"), "green table")

    def test_it_is_read_however_it_is_grouped_and_in_whatever_digits(self) -> None:
        for typed in (
            "482177305",
            " 482 177 305\n",
            "482-177-305",
            "482.177.305",
            "4 8 2 1 7 7 3 0 5",
            "482\N{NO-BREAK SPACE}177\N{NARROW NO-BREAK SPACE}305",
            "482\N{EN DASH}177\N{EN DASH}305",
            "".join(chr(0xFF10 + int(digit)) for digit in "482177305"),  # of full width
            "".join(chr(0x0660 + int(digit)) for digit in "482177305"),  # Arabic
            "(482) 177/305",
        ):
            with self.subTest(typed=typed):
                self.assertEqual(room_code.parsed(typed), "482177305")

    def test_a_chosen_code_is_read_without_regard_to_capitals_and_spaces(self) -> None:
        for typed in ("Green  Table", "green table ", "GREEN\tTABLE"):
            self.assertEqual(room_code.parsed(typed), "green table")

    def test_one_that_is_too_short_or_too_long_is_refused(self) -> None:
        for typed in ("", "12345", "1 2 3 4 5", "abcde", "1" * 65, "abc\x07defghi"):
            with self.subTest(typed=typed), self.assertRaises(UserInputError):
                room_code.parsed(typed)

    def test_a_short_one_is_weak(self) -> None:
        self.assertTrue(room_code.weakness("12345678"))
        self.assertFalse(room_code.weakness("123456789"))

    def test_a_field_for_one_may_stay_empty(self) -> None:
        self.assertEqual(room_code.chosen(" "), "")
        self.assertEqual(room_code.chosen("482 177 305"), "482177305")


if __name__ == "__main__":
    unittest.main()
