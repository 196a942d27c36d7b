"""Bitmaps of chunks as columns of a bar. Pure."""

from __future__ import annotations

from enum import Enum

from roles.values.bitmaps import Bits, spans
from roles.values.events import ALL_HERE, FolderPieces


class Piece(Enum):
    """What one column of the bar shows."""

    MISSING = 0
    SOME = 1  # some of its chunks are here
    HERE = 2
    COMING = 3


def pieces(width: int, count: int, have: int, coming: int) -> list[Piece]:
    """One piece for each column, from the left."""
    here, on_their_way = Bits(have, count), Bits(coming, count)
    found = list[Piece]()
    for first, behind in spans(width, count):
        chunks = here.between(first, behind).bit_count()
        if on_their_way.between(first, behind):
            found.append(Piece.COMING)
        elif chunks == behind - first:
            found.append(Piece.HERE)
        else:
            found.append(Piece.SOME if chunks else Piece.MISSING)
    return found


def folder_pieces(width: int, folder: FolderPieces) -> list[Piece]:
    """The same for all files of a folder."""
    return [folder_piece(folder, first, behind) for first, behind in spans(width, len(folder.have))]


def folder_piece(folder: FolderPieces, first: int, behind: int) -> Piece:
    """What these parts of a folder are."""
    have = folder.have[first:behind]
    if folder.coming >> first & (1 << behind - first) - 1:
        return Piece.COMING
    if min(have) == ALL_HERE:
        return Piece.HERE
    return Piece.SOME if any(have) else Piece.MISSING
