"""Bitmaps on the wire, and long ones against counting bit by bit."""

from __future__ import annotations

import random
import unittest

from roles.values.bitmaps import (
    Availability,
    Bits,
    bitmap_bytes,
    bitmap_of,
    indexes,
    spans,
)
from roles.values.content import MAX_CHUNKS
from roles.values.errors import PeerProtocolError


class BitmapTest(unittest.TestCase):
    def test_chunk_0_is_the_lowest_bit_of_the_first_byte(self) -> None:
        self.assertEqual(bitmap_bytes(0b1_0000_0001, 9), b"\x01\x01")
        self.assertEqual(bitmap_bytes(0b10, 8), b"\x02")
        self.assertEqual(bitmap_bytes(0, 0), b"")

    def test_it_is_read_back_as_it_was(self) -> None:
        rng = random.Random(6)
        for count in (*range(20), 2_047, 2_048, MAX_CHUNKS):
            chunks = rng.getrandbits(count) if count else 0
            self.assertEqual(bitmap_of(bitmap_bytes(chunks, count), count), chunks)

    def test_another_length_and_bits_beyond_the_last_chunk_are_refused(self) -> None:
        for sent, count in ((b"", 1), (b"\0\0", 8), (b"\x02", 1), (b"\xff\x02", 9), (b"\0", 0)):
            with self.subTest(sent=sent), self.assertRaises(PeerProtocolError):
                bitmap_of(sent, count)

    def test_the_indexes_are_those_of_the_bits_in_order(self) -> None:
        self.assertEqual(list(indexes(0b1010_0001)), [0, 5, 7])
        self.assertEqual(list(indexes(1 << 262_143 | 1)), [0, 262_143])
        self.assertEqual(list(indexes(0)), [])


class LongBitmapTest(unittest.TestCase):
    def test_every_bit_has_a_column_and_every_column_a_bit(self) -> None:
        for width, count in ((10, 3), (3, 10), (7, 7), (100, 262_144)):
            found = list(spans(width, count))
            self.assertEqual(len(found), width)
            self.assertEqual((found[0][0], found[-1][1]), (0, count))
            self.assertTrue(all(first < behind <= count for first, behind in found))

    def test_a_part_of_a_bitmap_is_a_bitmap(self) -> None:
        rng = random.Random(5)
        bitmap = rng.getrandbits(300)
        bits = Bits(bitmap, 300)
        for _ in range(100):
            first = rng.randrange(300)
            behind = rng.randrange(first, 301)
            part = bitmap >> first & (1 << behind - first) - 1
            self.assertEqual(bits.between(first, behind), part)

    def test_the_places_of_each_chunk_are_counted(self) -> None:
        rng = random.Random(4)
        for holders in (0, 1, 2, 7, 30):
            bitmaps = [rng.getrandbits(50) | rng.getrandbits(50) for _ in range(holders)]
            counted = [sum(bitmap >> chunk & 1 for bitmap in bitmaps) for chunk in range(50)]
            places = Availability(50, bitmaps)
            self.assertEqual((places.least(), places.most()), (min(counted), max(counted)))
            self.assertEqual(places.at(range(50)), counted)
            self.assertEqual(places.at([49, 0]), [counted[49], counted[0]])
