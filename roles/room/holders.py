"""Who takes part in which share: found without a look at everyone else. Pure state."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class _Ring(Generic[T]):
    """Members in a list, so that any run of them is found at once."""

    def __init__(self) -> None:
        self.members: list[T] = []
        self.places: dict[T, int] = {}

    def add(self, member: T) -> bool:
        """Whether it was not there yet."""
        if member in self.places:
            return False
        self.places[member] = len(self.members)
        self.members.append(member)
        return True

    def remove(self, member: T) -> bool:
        """Whether it was there."""
        place = self.places.pop(member, None)
        if place is None:
            return False
        last = self.members.pop()
        if last != member:
            self.members[place] = last
            self.places[last] = place
        return True

    def some(self, start: int, most: int) -> Iterator[T]:
        """`most` members or fewer, from this place on and round."""
        count = len(self.members)
        for step in range(min(most, count)):
            yield self.members[(start + step) % count]


class HoldersByShare(Generic[T]):
    """Seeders and leechers of each share."""

    def __init__(self) -> None:
        self._rings: dict[tuple[str, bool], _Ring[T]] = {}  # by share, and whether of leechers
        self._turn = 0
        self.state = 0  # another number after each change

    def join(self, member: T, shares: Iterable[str], *, is_leecher: bool) -> None:
        """It takes part in these from now on."""
        for share in shares:
            self.state += self._rings.setdefault((share, is_leecher), _Ring()).add(member)

    def part(self, member: T, shares: Iterable[str], *, is_leecher: bool) -> None:
        """It takes part in these no longer."""
        for share in shares:
            ring = self._rings.get((share, is_leecher))
            if ring is None:
                continue
            self.state += ring.remove(member)
            if not ring.members:
                del self._rings[(share, is_leecher)]

    def some(self, asked: Sequence[str], most: int) -> Iterator[tuple[T, tuple[int, ...]]]:
        """About `most` seeders, then leechers, of these shares, others at each call.

        Each comes once, with the indexes of the shares that it takes part in.
        """
        self._turn += 1
        for is_leecher in (False, True):
            rings = [self._rings.get((share, is_leecher)) for share in asked]
            told = set[T]()
            for ring in rings:
                for member in () if ring is None else ring.some(self._turn * most, most):
                    if member not in told:
                        told.add(member)
                        yield member, self._indexes(member, rings)

    @staticmethod
    def _indexes(member: T, rings: Sequence[_Ring[T] | None]) -> tuple[int, ...]:
        return tuple(
            index for index, ring in enumerate(rings) if ring is not None and member in ring.places
        )
