"""The seeders and leechers of each share, found without a search. Pure state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from roles.room.registry_entry import Key


class _Ring:
    """A set whose members have numbers, so that any run of them is found at once."""

    def __init__(self) -> None:
        self.members: list[Key] = []
        self.indexes: dict[Key, int] = {}

    def add(self, member: Key) -> bool:
        """Whether it was not there yet."""
        if member in self.indexes:
            return False
        self.indexes[member] = len(self.members)
        self.members.append(member)
        return True

    def remove(self, member: Key) -> bool:
        """Whether it was there."""
        index = self.indexes.pop(member, None)
        if index is None:
            return False
        last = self.members.pop()
        if last != member:
            self.members[index] = last
            self.indexes[last] = index
        return True

    def sample(self, start: int, most: int) -> Iterator[Key]:
        """At most `most` members from this index on, wrapping around."""
        count = len(self.members)
        for step in range(min(most, count)):
            yield self.members[(start + step) % count]


class HoldersByShare:
    def __init__(self) -> None:
        self._rings: dict[tuple[str, bool], _Ring] = {}  # by share and is_leecher
        self._turn = 0
        self.state = 0  # a new number after each change

    def join(self, member: Key, shares: Iterable[str], *, is_leecher: bool) -> None:
        for share in shares:
            self.state += self._rings.setdefault((share, is_leecher), _Ring()).add(member)

    def part(self, member: Key, shares: Iterable[str], *, is_leecher: bool) -> None:
        for share in shares:
            ring = self._rings.get((share, is_leecher))
            if ring is None:
                continue
            self.state += ring.remove(member)
            if not ring.members:
                del self._rings[(share, is_leecher)]

    def has_any(self, share: str) -> bool:
        return (share, False) in self._rings or (share, True) in self._rings

    def sample(self, asked: Sequence[str], most: int) -> Iterator[tuple[Key, tuple[int, ...]]]:
        """About `most` seeders, then leechers, of these shares; different ones at each call.

        Each comes once, with the indexes in `asked` of the shares that it has.
        """
        self._turn += 1
        for is_leecher in (False, True):
            rings = [self._rings.get((share, is_leecher), _Ring()) for share in asked]
            samples = (ring.sample(self._turn * most, most) for ring in rings)
            for member in dict.fromkeys(chain.from_iterable(samples)):
                having = (at for at, ring in enumerate(rings) if member in ring.indexes)
                yield member, tuple(having)
