"""Bitmaps of the chunks of a content: integers in which bit i stands for chunk i.

On the wire, parts of long ones, and how many of several have each bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from roles.values.errors import PeerProtocolError


def bitmap_size(count: int) -> int:
    """Bytes on the wire for a bitmap of `count` chunks."""
    return -(-count // 8)


def bitmap_bytes(chunks: int, count: int) -> bytes:
    """Encode for the wire: chunk 0 is the lowest bit of the first byte."""
    return chunks.to_bytes(bitmap_size(count), "little")


def bitmap_of(sent: bytes, count: int) -> int:
    """Decode from the wire. Raises PeerProtocolError unless it has `count` chunks."""
    chunks = int.from_bytes(sent, "little")
    if len(sent) != bitmap_size(count) or chunks >> count:
        raise PeerProtocolError(f"a bitmap of {len(sent)} bytes for {count} chunks")
    return chunks


def indexes(chunks: int) -> Iterator[int]:
    """The indexes of the chunks in a bitmap, in ascending order."""
    while chunks:
        lowest = chunks & -chunks
        yield lowest.bit_length() - 1
        chunks ^= lowest


class Bits:
    """A long bitmap whose parts cost as little as those of a short one."""

    def __init__(self, bitmap: int, count: int) -> None:
        self._bytes = bitmap.to_bytes(count // 8 + 1, "little")

    def between(self, first: int, behind: int) -> int:
        """The bits from `first` to before `behind`, as a bitmap of their own."""
        part = int.from_bytes(self._bytes[first >> 3 : (behind + 7) >> 3], "little")
        return part >> (first & 7) & (1 << behind - first) - 1


def spans(width: int, count: int) -> Iterator[tuple[int, int]]:
    """The bits (first, behind the last) of each of `width` columns; at least one each."""
    for column in range(width):
        first = column * count // width
        yield first, max((column + 1) * count // width, first + 1)


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

    def most(self) -> int:
        return self._extreme(is_most=True)

    def least(self) -> int:
        return self._extreme(is_most=False)

    def at(self, chunks: Iterable[int]) -> list[int]:
        """How many have each of these chunks."""
        digits = [Bits(digit, self.count) for digit in self._digits]
        return [
            sum(bits.between(chunk, chunk + 1) << place for place, bits in enumerate(digits))
            for chunk in chunks
        ]

    def _extreme(self, *, is_most: bool) -> int:
        left, total = (1 << self.count) - 1, 0
        for place in reversed(range(len(self._digits))):
            digit = self._digits[place]
            rest = left & (digit if is_most else ~digit)
            is_one = is_most if rest else not is_most
            left = rest or left
            total |= is_one << place
        return total
