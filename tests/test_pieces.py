"""Bitmaps as columns of a bar, against counting bit by bit."""

from __future__ import annotations

import unittest

from roles.values.events import FolderPieces
from ui.pieces import Piece, folder_pieces, pieces


class PiecesTest(unittest.TestCase):
    def test_each_column_says_what_its_chunks_are(self) -> None:
        shown = pieces(4, 8, have=0b0000_0111, coming=0b1100_0000)
        self.assertEqual(shown, [Piece.HERE, Piece.SOME, Piece.MISSING, Piece.COMING])

    def test_a_wide_bar_of_few_chunks_and_a_narrow_one_of_many(self) -> None:
        self.assertEqual(pieces(4, 2, 0b01, 0), [Piece.HERE] * 2 + [Piece.MISSING] * 2)
        every = (1 << 262_144) - 1
        self.assertEqual(set(pieces(900, 262_144, every, 0)), {Piece.HERE})

    def test_the_parts_of_a_folder_are_seen_in_a_bar_of_any_width(self) -> None:
        folder = FolderPieces(bytes([255, 255, 0, 255, 0, 0, 9, 0]), 0b1000_0000, bytes(8), 1, 2)
        here, some, none = Piece.HERE, Piece.SOME, Piece.MISSING
        self.assertEqual(folder_pieces(4, folder), [here, some, none, Piece.COMING])
        self.assertEqual(
            folder_pieces(8, folder), [here, here, none, here, none, none, some, Piece.COMING]
        )
        self.assertEqual(folder_pieces(16, folder)[:6], [here] * 4 + [none] * 2)
