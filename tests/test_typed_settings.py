"""What users type for a setting, or name in the environment."""

from __future__ import annotations

import unittest
from collections.abc import Callable

from roles.values.addresses import Address
from roles.values.errors import UserInputError
from roles.values.settings import MAX_PARALLEL_SEEDERS, MAX_SLOTS
from roles.values.typed_settings import (
    may_discover,
    parse_parallel_seeders,
    parse_port,
    parse_rate,
    parse_slots,
    tracker_address,
)


class TrackerAddressTest(unittest.TestCase):
    def test_what_was_typed_wins_over_the_environment(self) -> None:
        self.assertEqual(tracker_address("pc:5", {"LMK_TRACKER": "other:6"}), Address("pc", 5))

    def test_the_environment_wins_over_this_computer(self) -> None:
        self.assertEqual(tracker_address("", {"LMK_TRACKER": " other:6 "}), Address("other", 6))

    def test_this_computer_is_meant_when_nothing_is_said(self) -> None:
        self.assertEqual(tracker_address(" ", {}), Address("127.0.0.1", 12500))
        self.assertEqual(tracker_address("", {"LMK_TRACKER": " "}), Address("127.0.0.1", 12500))

    def test_what_is_no_tracker_is_refused(self) -> None:
        for typed in ("pc:0", "pc:99999", "a b", "::1", "0.0.0.0:12500", "224.0.0.1"):
            with self.subTest(typed=typed), self.assertRaises(UserInputError):
                tracker_address(typed, {})
        with self.assertRaisesRegex(UserInputError, "^LMK_TRACKER in the environment: “a b”"):
            tracker_address("", {"LMK_TRACKER": "a b"})


class DiscoveryTest(unittest.TestCase):
    def test_trackers_are_looked_for_unless_the_environment_says_off(self) -> None:
        for value, is_on in {
            "": True,
            "on": True,
            "off": False,
            " OFF ": False,
            "0": False,
        }.items():
            with self.subTest(value=value):
                self.assertEqual(may_discover({"LMK_DISCOVER": value}), is_on)
        self.assertTrue(may_discover({}))


class RateTest(unittest.TestCase):
    def test_rates_are_read_with_decimal_units(self) -> None:
        for text, rate in {
            "500K": 500_000,
            "500 KB/s": 500_000,
            "2M": 2_000_000,
            " 2.5 MB/s ": 2_500_000,
            "2,5 mb/s": 2_500_000,
            "1G": 1_000_000_000,
            "16 KiB/s": 16_384,
            "20000": 20_000,
            "20000 B/s": 20_000,
            "1.5MBps": 1_500_000,
            "10Mbit": 1_250_000,
            "10 Mbit/s": 1_250_000,
            "100 kbits/s": 12_500,
        }.items():
            with self.subTest(text=text):
                self.assertEqual(parse_rate(text), rate)

    def test_nothing_zero_and_none_are_no_limit(self) -> None:
        for text in ("", " ", "0", "0 MB/s", "0.0", "none", "None"):
            with self.subTest(text=text):
                self.assertIsNone(parse_rate(text))

    def test_all_else_is_refused_with_an_example(self) -> None:
        for text in ("fast", "-1M", "1e6", "M", "2 M M", "1.2.3M", "\u0661M", "9" * 5000, "nan"):
            with self.subTest(text=text), self.assertRaisesRegex(UserInputError, "500K"):
                parse_rate(text)

    def test_what_may_be_bits_or_bytes_is_asked_about(self) -> None:
        for text in ("10mbps", "10 Mbps"):
            with (
                self.subTest(text=text),
                self.assertRaisesRegex(UserInputError, "Type 10Mbit or 10MB"),
            ):
                parse_rate(text)

    def test_a_limit_that_stops_everything_or_nothing_is_refused(self) -> None:
        for text in ("1", "9999", "5K", "999999G"):
            with (
                self.subTest(text=text),
                self.assertRaisesRegex(UserInputError, "is too (low|high)"),
            ):
                parse_rate(text)


class NumbersTest(unittest.TestCase):
    PARSERS: tuple[tuple[Callable[[str], int], int], ...] = (
        (parse_slots, MAX_SLOTS),
        (parse_parallel_seeders, MAX_PARALLEL_SEEDERS),
        (parse_port, 65535),
    )

    def test_numbers_in_range_are_read(self) -> None:
        for parse, most in self.PARSERS:
            for number in (1, 2, most):
                self.assertEqual(parse(f" {number} "), number)

    def test_all_else_is_refused_with_the_range(self) -> None:
        for parse, most in self.PARSERS:
            for text in (
                "",
                "0",
                "-1",
                "+1",
                "1.5",
                "x",
                "\u0661",
                "1_0",
                "9" * 5000,
                f"{most + 1}",
            ):
                with (
                    self.subTest(text=text, most=most),
                    self.assertRaisesRegex(UserInputError, f"from 1 to {most}"),
                ):
                    parse(text)
