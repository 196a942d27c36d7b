"""Bitmaps as columns of a bar, against counting bit by bit."""

from __future__ import annotations

import random
import unittest

from ui.pieces import Availability, Piece, pieces, spans


class PiecesTest(unittest.TestCase):
    def test_every_chunk_has_a_column_and_every_column_a_chunk(self) -> None:
        for width, count in ((10, 3), (3, 10), (7, 7), (100, 262_144)):
            found = list(spans(width, count))
            self.assertEqual(len(found), width)
            self.assertEqual((found[0][0], found[-1][1]), (0, count))
            self.assertTrue(all(first < behind <= count for first, behind in found))

    def test_each_column_says_what_its_chunks_are(self) -> None:
        shown = pieces(4, 8, have=0b0000_0111, coming=0b1100_0000)
        self.assertEqual(shown, [Piece.HERE, Piece.SOME, Piece.MISSING, Piece.COMING])

    def test_a_wide_bar_of_few_chunks_and_a_narrow_one_of_many(self) -> None:
        self.assertEqual(pieces(4, 2, 0b01, 0), [Piece.HERE] * 2 + [Piece.MISSING] * 2)
        every = (1 << 262_144) - 1
        self.assertEqual(set(pieces(900, 262_144, every, 0)), {Piece.HERE})

    def test_the_places_of_each_chunk_are_counted(self) -> None:
        rng = random.Random(4)
        for holders in (0, 1, 2, 7, 30):
            bitmaps = [rng.getrandbits(50) | rng.getrandbits(50) for _ in range(holders)]
            counted = [sum(bitmap >> chunk & 1 for bitmap in bitmaps) for chunk in range(50)]
            places = Availability(50, bitmaps)
            self.assertEqual([places.of(chunk) for chunk in range(50)], counted)
            self.assertEqual((places.least(), places.most()), (min(counted), max(counted)))
            self.assertEqual(places.columns(50), counted)
            self.assertEqual(places.columns(100)[::2], counted)
