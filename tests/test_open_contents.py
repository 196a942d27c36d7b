"""The contents that a leecher has opened over a connection."""

from __future__ import annotations

import unittest

from roles.uploads.open_contents import MAX_OPEN, OpenContents
from tests.memory_contents import MemoryLibrary, some_holding


class OpenContentsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.big, self.small = some_holding(2.5), some_holding(0.5)
        self.library = MemoryLibrary(self.big, self.small)
        self.contents = OpenContents(self.library)
        self.contents.add(1, self.big.content.root)
        self.contents.add(2, self.small.content.root)

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

    def test_it_is_full_after_so_many_contents(self) -> None:
        for handle in range(10, 10 + MAX_OPEN - 2):
            self.assertFalse(self.contents.is_full)
            self.contents.add(handle, bytes(32))
        self.assertTrue(self.contents.is_full)
        self.contents.close(10)
        self.assertFalse(self.contents.is_full)
