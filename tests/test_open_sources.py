"""The files that are open to be sent over a connection."""

from __future__ import annotations

import unittest
from typing import NoReturn

from roles.uploads.open_sources import MAX_SOURCES, OpenSources
from roles.values.errors import FileChangedError
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding, some_holding


class OpenSourcesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.big, self.small = some_holding(2.5), some_holding(0.5)
        self.sources = OpenSources()

    def test_a_file_is_opened_once_and_closed_with_its_handle(self) -> None:
        source = self.sources.source(1, self.big)
        self.assertIs(self.sources.source(1, self.big), source)
        self.sources.close(1)
        self.assertTrue(self.big.sources[0].is_closed)

    def test_a_content_that_is_kept_elsewhere_by_now_is_opened_there(self) -> None:
        other = MemoryHolding(self.big.data)
        self.sources.source(1, self.big)
        self.sources.source(1, other)
        self.assertTrue(self.big.sources[0].is_closed)
        self.assertFalse(other.sources[0].is_closed)

    def test_few_files_are_open_at_once_and_the_oldest_is_closed_first(self) -> None:
        holdings = [MemoryHolding(some_bytes(10, seed)) for seed in range(MAX_SOURCES + 5)]
        for handle, holding in enumerate(holdings, 10):
            self.sources.source(handle, holding)
            self.sources.source(10, holdings[0])  # used again and again: never the oldest
        is_closed = [holding.sources[-1].is_closed for holding in holdings]
        self.assertEqual(is_closed.count(False), MAX_SOURCES)
        self.assertFalse(is_closed[0])
        self.assertTrue(all(is_closed[1:5]))

    def test_a_file_that_cannot_be_opened_leaves_nothing_behind(self) -> None:
        class Changed(MemoryHolding):
            def open(self) -> NoReturn:
                raise FileChangedError("it changed")

        changed = Changed(some_bytes(10))
        with self.assertRaises(FileChangedError):
            self.sources.source(3, changed)
        self.sources.close_all()

    def test_all_is_closed_at_the_end(self) -> None:
        self.sources.source(1, self.big)
        self.sources.source(2, self.small)
        self.sources.close_all()
        self.assertTrue(self.big.sources[0].is_closed and self.small.sources[0].is_closed)
