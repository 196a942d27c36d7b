"""Which files are too fresh to be hashed, and which ones never come to rest."""

from __future__ import annotations

import unittest

from roles.sharing.folder_tree import TreeFile
from roles.sharing.written_files import (
    SETTLED_NS,
    WRITTEN_S,
    WrittenFiles,
    is_put_off,
    is_settled,
)

NOW_NS = 10**18
LARGE = 1 << 30  # bytes


def file(path: str, size: int, age_ns: int = 0) -> TreeFile:
    return TreeFile(path, size, NOW_NS - age_ns, 0)


class WrittenFilesTest(unittest.TestCase):
    def test_a_large_or_empty_file_that_was_just_written_has_to_wait(self) -> None:
        for size, waits in ((0, True), (1, False), (1_000_000, False), (LARGE, True)):
            with self.subTest(size):
                self.assertIs(is_put_off(file("a", size), NOW_NS), waits)
                self.assertFalse(is_put_off(file("a", size, SETTLED_NS + 1), NOW_NS))

    def test_a_file_that_is_written_on_and_on_is_told_apart_from_a_fresh_one(self) -> None:
        written = WrittenFiles()
        log, fresh = file("log", LARGE), file("fresh", LARGE)
        written.note([log], now=0.0, now_ns=NOW_NS)
        self.assertEqual(written.for_too_long(WRITTEN_S), [])
        written.note([log, fresh], now=5.0, now_ns=NOW_NS)
        self.assertEqual(written.for_too_long(WRITTEN_S + 1.0), ["log"])
        self.assertEqual(written.for_too_long(WRITTEN_S + 6.0), ["log", "fresh"])

    def test_one_that_has_come_to_rest_starts_anew_when_it_is_written_again(self) -> None:
        written = WrittenFiles()
        written.note([file("a", LARGE)], now=0.0, now_ns=NOW_NS)
        written.note([file("a", LARGE, SETTLED_NS + 1)], now=5.0, now_ns=NOW_NS)
        self.assertEqual(written.for_too_long(100.0), [])
        written.note([file("a", LARGE)], now=50.0, now_ns=NOW_NS)
        self.assertEqual(written.for_too_long(50.0 + WRITTEN_S), [])
        self.assertEqual(written.for_too_long(51.0 + WRITTEN_S), ["a"])


class SettledTest(unittest.TestCase):
    def test_a_change_within_the_clocks_resolution_could_be_missed(self) -> None:
        for mtime_ns in (NOW_NS - SETTLED_NS, NOW_NS, NOW_NS + SETTLED_NS):
            self.assertFalse(is_settled(mtime_ns, NOW_NS))
        self.assertTrue(is_settled(NOW_NS - SETTLED_NS - 1, NOW_NS))

    def test_a_date_of_next_year_is_no_reason_to_read_a_file_for_ever(self) -> None:
        self.assertTrue(is_settled(NOW_NS + 365 * 86_400 * 10**9, NOW_NS))
