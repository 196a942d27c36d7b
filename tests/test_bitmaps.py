"""Long bitmaps, against counting bit by bit."""

from __future__ import annotations

import random
import unittest

from roles.values.bitmaps import Availability, Bits, spans


class BitmapsTest(unittest.TestCase):
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
