"""The pieces of the selected file or folder, as columns of a bar and in words. Pure."""

from __future__ import annotations

from enum import Enum

from roles.values import figures
from roles.values.bitmaps import Availability, Bits, spans
from roles.values.watched import ALL_HERE, NOT_KNOWN, FolderPieces, Watched
from ui import wording
from ui.connected_computers import holders_of

NAMED = 6  # computers that have a piece; more are counted


class Piece(Enum):
    MISSING = "Missing"
    SOME = "Some of it is here"
    HERE = "Here"
    COMING = "Arriving"


class PiecesOfFile:
    """The chunks of a file."""

    def __init__(self, watched: Watched, count: int) -> None:
        self._watched = watched
        self.count, self.here = count, watched.have.bit_count()
        self._have = Bits(watched.have, self.count)
        self._coming = Bits(watched.coming, self.count)
        has = [peer.has for peer in watched.peers if peer.has is not None]
        self._availability = Availability(self.count, has)
        self.most = self._availability.most()  # computers that have one of the chunks
        self.spread = _spread(self._availability.least(), self.most)

    def pieces(self, width: int) -> list[Piece]:
        """One for each of `width` columns."""
        return [self._piece(first, behind) for first, behind in spans(width, self.count)]

    def _piece(self, first: int, behind: int) -> Piece:
        here = self._have.between(first, behind).bit_count()
        if self._coming.between(first, behind):
            return Piece.COMING
        if here == behind - first:
            return Piece.HERE
        return Piece.SOME if here else Piece.MISSING

    def computers(self, width: int) -> list[int | None]:
        """How many computers have the first chunk of each column; None if only this one has it."""
        firsts = [first for first, _ in spans(width, self.count)]
        return [
            None if not number and self._have.between(first, first + 1) else number
            for first, number in zip(firsts, self._availability.at(firsts), strict=True)
        ]

    def words_at(self, part: float) -> str:
        """The piece at this part, 0 to 1, and who has it."""
        chunk = int(part * self.count)
        state = self._piece(chunk, chunk + 1).value.lower()
        holders = holders_of(self._watched, chunk)
        who = wording.names(holders, NAMED) if holders else "nobody who is connected"
        return f"Piece {chunk + 1:,} of {self.count:,}: {state}\nHas it: {who}"


class PiecesOfFolder:
    """A folder in parts of equal size. Who has a part is known only of what is on its way."""

    def __init__(self, folder: FolderPieces) -> None:
        self._folder = folder
        self.count, self.here = folder.chunks, folder.chunks_here
        known = set(folder.holders) - {NOT_KNOWN}
        self.most = max(known, default=0)
        self.spread = _spread(min(known), self.most) if known else ""

    def pieces(self, width: int) -> list[Piece]:
        columns = spans(width, len(self._folder.have))
        return [self._piece(first, behind) for first, behind in columns]

    def computers(self, width: int) -> list[int | None]:
        return [self._computers(first) for first, _ in spans(width, len(self._folder.have))]

    def words_at(self, part: float) -> str:
        at = int(part * len(self._folder.have))
        number, said = self._folder.holders[at], self._piece(at, at + 1).value
        if number == NOT_KNOWN:
            return said
        return f"{said}\nHas it: {figures.count(number, 'connected computer')}"

    def _computers(self, at: int) -> int | None:
        number = self._folder.holders[at]
        is_only_here = number == 0 and self._folder.have[at] > 0
        return None if number == NOT_KNOWN or is_only_here else number

    def _piece(self, first: int, behind: int) -> Piece:
        have = self._folder.have[first:behind]
        if self._folder.coming >> first & (1 << behind - first) - 1:
            return Piece.COMING
        if min(have) == ALL_HERE:
            return Piece.HERE
        return Piece.SOME if any(have) else Piece.MISSING


def pieces_of(watched: Watched) -> PiecesOfFile | PiecesOfFolder | None:
    """None if nothing is known of them."""
    if watched.folder is not None and watched.folder.have:
        return PiecesOfFolder(watched.folder)
    return None if watched.content is None else PiecesOfFile(watched, watched.content.count)


def _spread(least: int, most: int) -> str:
    """How many computers have each piece."""
    if least == most:
        return "1 has each" if most == 1 else f"{most} have each"
    return f"{least} to {most} have each"
