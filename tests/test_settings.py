"""What can be told to the roles and the program, and what is kept between runs."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import asdict, fields, replace

from roles.values.addresses import Address
from roles.values.errors import UserInputError
from roles.values.settings import (
    MAX_PARALLEL_SEEDERS,
    MAX_RECENTS,
    MAX_SLOTS,
    ProgramSettings,
    may_discover,
    parse_parallel_seeders,
    parse_port,
    parse_rate,
    parse_slots,
    program_settings_from,
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


class ProgramSettingsTest(unittest.TestCase):
    CHANGED = ProgramSettings(
        tracker="pc:1",
        shared_folder="/a",
        recent_folders=("/a", "/b"),
        download_folder="/c",
        keep_seeding=True,
        private_room=True,
        offers_here=True,
        own_folders=False,
        tracker_port=1,
        seeder_port=65535,
        slots=64,
        parallel_seeders=16,
        up_limit="2 MB/s",
        down_limit="500K",
        appearance="dark",
        recent_trackers=("pc:1", "pc:2"),
        window="900x600+10+10",
        seats=("00112233445566aa 1 2",),
        list_columns="1:300,2:88",
        list_percent=40,
        has_begun=True,
        computer_name="Ann's laptop",
        seat="14",
        network="10.0.0.7",
        size_percent=150,
        keep_awake=False,
        door=False,
        torrent=True,
    )

    def test_what_was_kept_comes_back(self) -> None:
        stored = asdict(self.CHANGED) | {
            "recent_folders": ["/a", "/b"],
            "recent_trackers": ["pc:1", "pc:2"],
            "seats": ["00112233445566aa 1 2"],
        }
        self.assertEqual(program_settings_from(stored), (self.CHANGED, ()))

    def test_every_setting_differs_from_its_default_in_this_test(self) -> None:
        for field in fields(ProgramSettings):
            with self.subTest(field=field.name):
                self.assertNotEqual(
                    getattr(self.CHANGED, field.name), getattr(ProgramSettings(), field.name)
                )

    def test_what_is_missing_stays_at_its_default_and_what_is_unknown_is_skipped(self) -> None:
        settings, unusable = program_settings_from({"slots": 3, "colour": "red"})
        self.assertEqual(settings, ProgramSettings(slots=3))
        self.assertEqual(unusable, ())

    def test_unusable_values_are_named_and_the_others_are_kept(self) -> None:
        for name, value in (
            ("tracker", 5),
            ("tracker", None),
            ("keep_seeding", 1),
            ("keep_seeding", "yes"),
            ("slots", 0),
            ("slots", 65),
            ("slots", True),
            ("slots", "8"),
            ("slots", 8.0),
            ("tracker_port", 65536),
            ("seeder_port", -1),
            ("parallel_seeders", 17),
            ("up_limit", 5),
            ("up_limit", "fast"),
            ("down_limit", "1"),
            ("appearance", "pink"),
            ("appearance", ["dark"]),
            ("computer_name", "x" * 41),
            ("network", "the one by the door"),
            ("size_percent", 79),
            ("size_percent", 201),
            ("recent_folders", "/a"),
            ("recent_folders", {}),
            ("recent_trackers", "pc:1"),
            ("window", []),
        ):
            with self.subTest(name=name, value=value):
                stored: dict[str, object] = {"download_folder": "/c", name: value}
                settings, unusable = program_settings_from(stored)
                self.assertEqual(settings, ProgramSettings(download_folder="/c"))
                self.assertEqual(unusable, (name,))

    def test_recent_folders_that_are_no_texts_are_left_out(self) -> None:
        settings, unusable = program_settings_from(
            {"recent_folders": ["/a", 5, None, ["/b"], "/c"]}
        )
        self.assertEqual((settings.recent_folders, unusable), (("/a", "/c"), ()))

    def test_only_the_newest_recent_folders_are_kept(self) -> None:
        settings = ProgramSettings()
        for number in range(20):
            settings = settings.with_recent_folder(f"/{number}")
        self.assertEqual(len(settings.recent_folders), MAX_RECENTS)
        self.assertEqual((settings.shared_folder, settings.recent_folders[0]), ("/19", "/19"))
        many: dict[str, object] = {"recent_folders": [f"/{number}" for number in range(20)]}
        self.assertEqual(len(program_settings_from(many)[0].recent_folders), MAX_RECENTS)

    def test_only_the_newest_trackers_are_kept_and_one_that_answers_again_moves_to_the_front(
        self,
    ) -> None:
        settings = ProgramSettings()
        for number in (*range(20), 15):
            settings = settings.with_recent_tracker(f"pc:{number}")
        self.assertEqual(len(settings.recent_trackers), MAX_RECENTS)
        self.assertEqual(settings.recent_trackers[:2], ("pc:15", "pc:19"))

    def test_a_folder_chosen_again_moves_to_the_front_and_is_not_doubled(self) -> None:
        settings = replace(ProgramSettings(), recent_folders=("/a", "/b", "/c"))
        self.assertEqual(settings.with_recent_folder("/b").recent_folders, ("/b", "/a", "/c"))
