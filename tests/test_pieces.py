"""The pieces of a file or folder in a bar of any width, and in words."""

from __future__ import annotations

import unittest

from roles.values.addresses import Address
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.watched import NOT_KNOWN, FolderPieces, Watched, WatchedPeer
from ui.pieces import Piece, PiecesOfFile, PiecesOfFolder, pieces_of

HERE, SOME, MISSING, COMING = Piece.HERE, Piece.SOME, Piece.MISSING, Piece.COMING


def of_file(count: int, have: int, coming: int, *peers: int) -> PiecesOfFile:
    content = Content(bytes(32), count * MIN_CHUNK_SIZE, MIN_CHUNK_SIZE)
    watched = tuple(
        WatchedPeer(Address("10.0.0.1", port), f"PC {port}", has, 0.0, 0, is_sending=False)
        for port, has in enumerate(peers, 1)
    )
    found = pieces_of(Watched("a", "", content, have, coming, watched, None))
    assert isinstance(found, PiecesOfFile)
    return found


class FileTest(unittest.TestCase):
    def test_each_column_says_what_its_chunks_are(self) -> None:
        shown = of_file(8, 0b0000_0111, 0b1100_0000).pieces(4)
        self.assertEqual(shown, [HERE, SOME, MISSING, COMING])

    def test_a_wide_bar_of_few_chunks_and_a_narrow_one_of_many(self) -> None:
        self.assertEqual(of_file(2, 0b01, 0).pieces(4), [HERE] * 2 + [MISSING] * 2)
        every = (1 << 262_144) - 1
        self.assertEqual(set(of_file(262_144, every, 0).pieces(900)), {HERE})

    def test_how_many_have_each_chunk_unless_only_this_computer_has_it(self) -> None:
        pieces = of_file(4, 0b0001, 0, 0b0110, 0b0010)
        self.assertEqual(pieces.computers(4), [None, 2, 1, 0])
        self.assertEqual((pieces.most, pieces.spread), (2, "0 to 2 have each"))

    def test_a_chunk_in_words(self) -> None:
        pieces = of_file(4, 0b0001, 0b0010, 0b0010)
        said = [pieces.words_at(part) for part in (0.0, 0.25, 0.99)]
        self.assertEqual(said[0], "Piece 1 of 4: here\nHas it: nobody who is connected")
        self.assertEqual(said[1], "Piece 2 of 4: arriving\nHas it: PC 1")
        self.assertEqual(said[2], "Piece 4 of 4: missing\nHas it: nobody who is connected")


class FolderTest(unittest.TestCase):
    def test_the_parts_of_a_folder_are_seen_in_a_bar_of_any_width(self) -> None:
        parts = bytes([255, 255, 0, 255, 0, 0, 9, 0])
        pieces = PiecesOfFolder(FolderPieces(parts, 0b1000_0000, bytes(8), 1, 2))
        self.assertEqual(pieces.pieces(4), [HERE, SOME, MISSING, COMING])
        exact = [HERE, HERE, MISSING, HERE, MISSING, MISSING, SOME, COMING]
        self.assertEqual(pieces.pieces(8), exact)
        self.assertEqual(pieces.pieces(16)[:6], [HERE] * 4 + [MISSING] * 2)

    def test_who_has_a_part_is_said_where_it_is_known(self) -> None:
        folder = FolderPieces(bytes([255, 0, 0, 9]), 0, bytes([0, 1, 3, NOT_KNOWN]), 1, 4)
        pieces = PiecesOfFolder(folder)
        self.assertEqual(pieces.computers(4), [None, 1, 3, None])
        self.assertEqual(pieces.spread, "0 to 3 have each")
        self.assertEqual(pieces.words_at(0.3), "Missing\nHas it: 1 connected computer")
        self.assertEqual(pieces.words_at(0.9), "Some of it is here")

    def test_a_folder_of_which_nothing_is_known_has_no_pieces(self) -> None:
        folder = FolderPieces(b"", 0, b"", 0, 0)
        self.assertIsNone(pieces_of(Watched("a", "", None, 0, 0, (), None, folder)))
