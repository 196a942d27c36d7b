"""What a file is, whatever its name: chunk sizes and roots, against the definition."""

from __future__ import annotations

import hashlib
import random
import struct
import unittest
from itertools import pairwise

from roles.values.bitmaps import bitmap_size, indexes
from roles.values.content import (
    MAX_CHUNKS,
    MAX_FILE_SIZE,
    MIN_CHUNK_SIZE,
    Content,
    check_shape,
    chunk_size_for,
    content_of,
    root_of,
)
from roles.values.errors import PeerProtocolError

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


def of_size(size: int) -> Content:
    return Content(bytes(32), size, chunk_size_for(size))


class RootTest(unittest.TestCase):
    def test_it_is_the_digest_of_what_the_protocol_says(self) -> None:
        digests = hashlib.sha256(b"a" * 256 * KIB).digest() + hashlib.sha256(b"b").digest()
        joined = b"LMK2" + struct.pack(">Q", 256 * KIB + 1) + struct.pack(">I", 256 * KIB) + digests
        content = content_of(256 * KIB + 1, digests)
        self.assertEqual(content.root, hashlib.sha256(joined).digest())
        self.assertEqual((content.count, content.length(0), content.length(1)), (2, 256 * KIB, 1))

    def test_size_chunk_size_and_each_digest_matter(self) -> None:
        roots = {
            root_of(10, 20, bytes(32)),
            root_of(11, 20, bytes(32)),
            root_of(10, 21, bytes(32)),
            root_of(10, 20, bytes(31) + b"\1"),
            root_of(10, 20, bytes(64)),
            root_of(10, 20, b""),
        }
        self.assertEqual(len(roots), 6)


class ChunkSizeTest(unittest.TestCase):
    def test_it_is_the_smallest_power_of_two_that_makes_1024_chunks_at_most(self) -> None:
        for size, wanted in (
            (0, 256 * KIB),
            (1, 256 * KIB),
            (256 * MIB, 256 * KIB),
            (256 * MIB + 1, 512 * KIB),
            (GIB, MIB),
            (GIB + 1, 2 * MIB),
            (4 * GIB, 4 * MIB),
            (4 * GIB + 1, 4 * MIB),
            (TIB, 4 * MIB),
        ):
            with self.subTest(size=size):
                self.assertEqual(chunk_size_for(size), wanted)

    def test_the_greatest_file_has_as_many_chunks_as_a_bitmap(self) -> None:
        self.assertEqual(of_size(MAX_FILE_SIZE).count, MAX_CHUNKS)
        self.assertEqual(bitmap_size(MAX_CHUNKS), 32 * KIB)

    def test_our_own_shapes_are_never_refused(self) -> None:
        rng = random.Random(4)
        for _ in range(500):
            size = rng.randrange(1 << rng.randrange(1, 41))
            check_shape(size, chunk_size_for(size))

    def test_impossible_shapes_are_refused(self) -> None:
        for size, chunk_size in (
            (-1, 256 * KIB),
            (MAX_FILE_SIZE + 1, 4 * MIB),
            (1 << 64, 4 * MIB),
            (1, 0),
            (1, -256 * KIB),
            (1, 256 * KIB - 1),
            (1, 128 * KIB),
            (1, 8 * MIB),
            (1, 384 * KIB),
            (TIB, 256 * KIB),
        ):
            with self.subTest(size=size, chunk=chunk_size), self.assertRaises(PeerProtocolError):
                check_shape(size, chunk_size)


class CountingTest(unittest.TestCase):
    def test_the_lengths_of_all_chunks_add_up(self) -> None:
        for size in (1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 10 * MIB + 7):
            content = of_size(size)
            lengths = [content.length(index) for index in range(content.count)]
            self.assertEqual(sum(lengths), size)
            self.assertTrue(all(lengths))
            self.assertEqual(content.bytes_in(content.all_chunks), size)

    def test_bytes_of_some_chunks_are_the_sum_of_their_lengths(self) -> None:
        rng, content = random.Random(5), of_size(20 * MIB + 12_345)
        for _ in range(200):
            chunks = rng.getrandbits(content.count)
            wanted = sum(content.length(index) for index in indexes(chunks))
            self.assertEqual(content.bytes_in(chunks), wanted)

    def test_the_bytes_of_a_range_are_counted_where_their_chunks_are(self) -> None:
        rng = random.Random(8)
        content = Content(bytes(32), 5 * MIN_CHUNK_SIZE + 100, MIN_CHUNK_SIZE)
        for _ in range(50):
            chunks = rng.getrandbits(content.count)
            cuts = [0, *sorted(rng.randrange(content.size) for _ in range(4)), content.size]
            parts = [content.bytes_in_range(chunks, a, b - a) for a, b in pairwise(cuts)]
            self.assertEqual(sum(parts), content.bytes_in(chunks))
        self.assertEqual(content.bytes_in_range(0b10, MIN_CHUNK_SIZE - 1, 5), 4)

    def test_an_empty_content_has_no_chunks_and_no_bytes(self) -> None:
        empty = content_of(0, b"")
        self.assertEqual((empty.count, empty.all_chunks, empty.bytes_in(0)), (0, 0, 0))
