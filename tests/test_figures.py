"""Sizes, rates, times and counts as people read them."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Mapping
from typing import Any

from roles.values import figures


class FiguresTest(unittest.TestCase):
    def check(self, function: Callable[[Any], object], table: Mapping[Any, object]) -> None:
        for value, words in table.items():
            with self.subTest(value=value):
                self.assertEqual(function(value), words)

    def test_sizes(self) -> None:
        self.check(
            figures.size,
            {
                0: "0 bytes",
                1: "1 byte",
                999: "999 bytes",
                1_000: "1 kB",
                12_345: "12 kB",
                999_499: "999 kB",
                999_500: "1.0 MB",
                3_400_000: "3.4 MB",
                34_000_000: "34.0 MB",
                340_000_000: "340 MB",
                1_070_000_000: "1.07 GB",
                2_000_000_000_000_000: "2000 TB",
            },
        )

    def test_rates_are_blank_for_nothing(self) -> None:
        self.check(figures.rate, {0.0: "", 0.4: "", 1.0: "1 byte/s", 3.4e6: "3.4 MB/s"})

    def test_durations(self) -> None:
        self.check(
            figures.duration,
            {
                None: "",
                0: "0:00",
                12: "0:12",
                99: "1:39",
                180: "3 min",
                7_800: "2 h 10 min",
                1e9: "more than 2 days",
            },
        )

    def test_durations_in_a_sentence(self) -> None:
        self.check(
            figures.duration_words,
            {None: "", 0.3: "1 s", 99: "99 s", 180: "3 min", 7_800: "2 h 10 min"},
        )

    def test_how_long_ago(self) -> None:
        self.check(figures.ago, {0.5: "now", 4.0: "0:04 ago"})

    def test_100_percent_only_when_all_is_there(self) -> None:
        self.assertEqual(figures.percent(999, 1_000), 99)
        self.assertEqual(figures.percent(1_000, 1_000), 100)
        self.assertEqual(figures.percent(0, 0), 100)

    def test_counts(self) -> None:
        self.check(
            lambda number: figures.count(number, "file"),
            {0: "no files", 1: "1 file", 2: "2 files", 10_000: "10,000 files"},
        )

    def test_parts(self) -> None:
        self.assertEqual(figures.part(3, 10_000, "file"), "3 of 10,000 files")
