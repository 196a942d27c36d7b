"""Bitmaps of chunks as columns of a bar, and in how many places each chunk is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum


class Piece(Enum):
    """What one column of the bar shows."""

    MISSING = 0
    SOME = 1  # some of its chunks are here
    HERE = 2
    COMING = 3


def spans(width: int, count: int) -> Iterator[tuple[int, int]]:
    """The chunks (first, behind the last) of each column; never none."""
    for column in range(width):
        first = column * count // width
        yield first, max((column + 1) * count // width, first + 1)


def pieces(width: int, count: int, have: int, coming: int) -> list[Piece]:
    """One for each column from the left."""
    here, on_their_way = _Bits(have, count), _Bits(coming, count)
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


class Availability:
    """How many have each chunk. Adding bitmaps bit by bit would take too long: the numbers are kept
    as binary digits, one bitmap for each digit.
    """

    def __init__(self, count: int, bitmaps: Iterable[int]) -> None:
        self.count = count
        self._digits: list[int] = []
        for carry in bitmaps:
            for place, digit in enumerate(self._digits):
                self._digits[place], carry = digit ^ carry, digit & carry
            if carry:
                self._digits.append(carry)

    def of(self, chunk: int) -> int:
        return sum((digit >> chunk & 1) << place for place, digit in enumerate(self._digits))

    def most(self) -> int:
        return self._extreme(is_most=True)

    def least(self) -> int:
        return self._extreme(is_most=False)

    def columns(self, width: int) -> list[int]:
        """For each column how many have its first chunk."""
        digits = [_Bits(digit, self.count) for digit in self._digits]
        return [
            sum(bits.between(first, first + 1) << place for place, bits in enumerate(digits))
            for first, _ in spans(width, self.count)
        ]

    def _extreme(self, *, is_most: bool) -> int:
        left, total = (1 << self.count) - 1, 0
        for place in reversed(range(len(self._digits))):
            digit = self._digits[place]
            some = left & (digit if is_most else ~digit)
            is_one = is_most if some else not is_most
            left = some or left
            total |= is_one << place
        return total


class _Bits:
    """A long bitmap whose parts cost as little as those of a short one."""

    def __init__(self, bitmap: int, count: int) -> None:
        self._bytes = bitmap.to_bytes(count // 8 + 1, "little")

    def between(self, first: int, behind: int) -> int:
        """The bits from `first` to before `behind`, as a bitmap of their own."""
        part = int.from_bytes(self._bytes[first >> 3 : (behind + 7) >> 3], "little")
        return part >> (first & 7) & (1 << behind - first) - 1
