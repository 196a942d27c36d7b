"""The contents that a leecher has opened over a connection, and their opened files."""

from __future__ import annotations

import unittest
from typing import NoReturn

from roles.uploads.open_contents import MAX_OPEN, MAX_SOURCES, OpenContents
from roles.values.errors import FileChangedError
from tests.disks import some_bytes
from tests.peers import MemoryHolding, MemoryLibrary, some_holding


class OpenContentsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.big, self.small = some_holding(2.5), some_holding(0.5)
        self.library = MemoryLibrary(self.big, self.small)
        self.contents = OpenContents(self.library)
        self.contents.open(1, self.big.content.root)
        self.contents.open(2, self.small.content.root)

    def test_a_handle_that_was_not_opened_or_was_closed_stands_for_nothing(self) -> None:
        self.assertIsNone(self.contents.holding(9))
        self.contents.close(1)
        self.contents.close(9)
        self.assertIsNone(self.contents.holding(1))
        self.assertFalse(self.contents.is_open(1))
        self.assertTrue(self.contents.is_open(2))

    def test_it_is_ready_when_it_can_be_described(self) -> None:
        self.assertIs(self.contents.ready(1), self.big)
        self.big.has_digests = False
        self.assertIsNone(self.contents.ready(1))
        self.small.has_digests = False
        self.assertIs(self.contents.ready(2), self.small)
        self.small.here = 0
        self.assertIsNone(self.contents.ready(2))

    def test_what_was_missing_is_told_of_once_when_it_is_here(self) -> None:
        del self.library.holdings[self.big.content.root]
        self.contents.note_missing(1)
        self.contents.note_missing(9)
        self.assertEqual(self.contents.come(), [])
        self.library.holdings[self.big.content.root] = self.big
        self.assertEqual(self.contents.come(), [1])
        self.assertEqual(self.contents.come(), [])

    def test_what_was_closed_while_it_was_missing_is_not_told_of(self) -> None:
        self.contents.note_missing(1)
        self.contents.close(1)
        self.assertEqual(self.contents.come(), [])

    def test_a_file_is_opened_once_and_closed_with_its_handle(self) -> None:
        source = self.contents.source(1, self.big)
        self.assertIs(self.contents.source(1, self.big), source)
        self.contents.close(1)
        self.assertTrue(self.big.sources[0].is_closed)

    def test_a_content_that_is_kept_elsewhere_by_now_is_opened_there(self) -> None:
        other = MemoryHolding(self.big.data)
        self.contents.source(1, self.big)
        self.contents.source(1, other)
        self.assertTrue(self.big.sources[0].is_closed)
        self.assertFalse(other.sources[0].is_closed)

    def test_few_files_are_open_at_once_and_the_oldest_is_closed_first(self) -> None:
        holdings = [MemoryHolding(some_bytes(10, seed)) for seed in range(MAX_SOURCES + 5)]
        for handle, holding in enumerate(holdings, 10):
            self.contents.open(handle, holding.content.root)
            self.contents.source(handle, holding)
            self.contents.source(10, holdings[0])  # used again and again: never the oldest
        is_closed = [holding.sources[-1].is_closed for holding in holdings]
        self.assertEqual(is_closed.count(False), MAX_SOURCES)
        self.assertFalse(is_closed[0])
        self.assertTrue(all(is_closed[1:5]))

    def test_a_file_that_cannot_be_opened_leaves_nothing_behind(self) -> None:
        class Changed(MemoryHolding):
            def open(self) -> NoReturn:
                raise FileChangedError("it changed")

        changed = Changed(some_bytes(10))
        self.contents.open(3, changed.content.root)
        with self.assertRaises(FileChangedError):
            self.contents.source(3, changed)
        self.contents.close_all()

    def test_all_is_closed_at_the_end(self) -> None:
        self.contents.source(1, self.big)
        self.contents.source(2, self.small)
        self.contents.close_all()
        self.assertTrue(self.big.sources[0].is_closed and self.small.sources[0].is_closed)
        self.assertFalse(self.contents.is_open(1) or self.contents.is_open(2))

    def test_it_is_full_after_so_many_contents(self) -> None:
        for handle in range(10, 10 + MAX_OPEN - 2):
            self.assertFalse(self.contents.is_full)
            self.contents.open(handle, bytes(32))
        self.assertTrue(self.contents.is_full)
        self.contents.close(10)
        self.assertFalse(self.contents.is_full)
