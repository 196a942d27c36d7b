"""How LMK/1 cuts a file."""

from __future__ import annotations

import unittest

from roles.lmk1.chunks import (
    CHUNK_SIZE,
    ChunkRange,
    byte_count,
    chunk_count,
    chunk_length,
)
from roles.values.content import MAX_FILE_SIZE

SIZES = (0, 1, 5119, 5120, 5121, 10_240, 10_241, 1_000_003, 2**31, 2**32 + 1, MAX_FILE_SIZE)


class ChunksTest(unittest.TestCase):
    def test_a_chunk_is_as_long_as_the_originals(self) -> None:
        self.assertEqual(CHUNK_SIZE, 5120)

    def test_the_count_is_rounded_up_and_an_empty_file_has_none(self) -> None:
        counts = [chunk_count(size) for size in SIZES[:7]]
        self.assertEqual(counts, [0, 1, 1, 1, 2, 2, 3])

    def test_every_chunk_is_full_but_the_last_one_which_is_never_empty(self) -> None:
        for size in SIZES[1:]:
            with self.subTest(size=size):
                last = chunk_count(size) - 1
                self.assertEqual(chunk_length(last, size), size - last * 5120)
                self.assertTrue(0 < chunk_length(last, size) <= 5120)
                if last:
                    self.assertEqual(chunk_length(0, size), 5120)
                    self.assertEqual(chunk_length(last - 1, size), 5120)

    def test_the_lengths_of_all_chunks_make_up_the_size(self) -> None:
        for size in SIZES[:8]:
            with self.subTest(size=size):
                lengths = [chunk_length(index, size) for index in range(chunk_count(size))]
                self.assertEqual(sum(lengths), size)

    def test_bytes_of_ranges_that_meet_make_up_the_bytes_of_both(self) -> None:
        for size in SIZES:
            count = chunk_count(size)
            for middle in {0, count // 3, count}:
                with self.subTest(size=size, middle=middle):
                    parts = ChunkRange(0, middle), ChunkRange(middle, count)
                    self.assertEqual(sum(byte_count(part, size) for part in parts), size)

    def test_the_last_range_counts_the_short_chunk_as_what_it_is(self) -> None:
        self.assertEqual(byte_count(ChunkRange(1, 3), 10_241), 5121)
        self.assertEqual(byte_count(ChunkRange(2, 3), 10_241), 1)
        self.assertEqual(byte_count(ChunkRange(2, 2), 10_241), 0)

    def test_a_range_knows_how_many_it_holds(self) -> None:
        self.assertEqual(ChunkRange(3, 10).count, 7)
