"""Which trackers answer, and which of them replaces a silent one. Pure state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from roles.values.addresses import Address, is_loopback
from roles.values.events import FoundTracker, ours_first
from roles.values.settings import Follow

FORGET_S = 90.0  # three of the longest pauses between two questions
MAX_FOUND = 64  # more than anyone chooses from; a limit for floods of answers


class FoundTrackers:
    """A tracker on this computer counts once, however many addresses it answers at."""

    def __init__(self) -> None:
        self._heard: dict[Address, float] = {}  # time of the last answer
        self._found: dict[Address, FoundTracker] = {}
        self._own: set[Address] = set()  # those on this computer

    def note(self, tracker: FoundTracker, *, is_own: bool, now: float) -> bool:
        """Take an answer; True when trackers() has changed."""
        address = tracker.address
        if address not in self._found and len(self._found) >= MAX_FOUND:
            return False
        before = self.trackers()
        self._heard[address] = now
        self._found[address] = tracker
        if is_own:
            self._own.add(address)
        return self.trackers() != before

    def expire(self, *, now: float) -> bool:
        """Forget trackers that have been silent for FORGET_S; True when trackers() has changed."""
        silent = [one for one, heard in self._heard.items() if now - heard > FORGET_S]
        before = self.trackers()
        for address in silent:
            del self._heard[address], self._found[address]
            self._own.discard(address)
        return self.trackers() != before

    def forget(self, hosts: Collection[str]) -> bool:
        """This computer lost these addresses; True if a tracker was found at one of them."""
        gone = [one for one in self._own if one.host in hosts]
        for address in gone:
            del self._heard[address], self._found[address]
            self._own.discard(address)
        return bool(gone)

    def trackers(self) -> tuple[FoundTracker, ...]:
        """Our trackers first, then by name and address."""
        return ours_first(one for one in self._found.values() if not self._is_double(one.address))

    def _is_double(self, address: Address) -> bool:
        """Whether it is listed at another address of this computer, one that others can use."""
        if address not in self._own:
            return False
        same = [one for one in self._own if one.port == address.port]
        return address != min(same, key=lambda one: (is_loopback(one.host), one.host))


@dataclass(frozen=True, slots=True)
class KnownTracker:
    """What identifies a tracker. Everybody in its room knows this, so it proves nothing."""

    room: str = ""  # names its run; "" for an original
    name: str = ""  # of its computer
    has_answered: bool = False

    def heard(self) -> KnownTracker:
        """It answered without an identity."""
        return self if self.has_answered else replace(self, has_answered=True)

    def is_same(self, found: FoundTracker) -> bool:
        """Whether this answer may be from it, perhaps after a restart."""
        is_run = bool(self.room) and found.room == self.room
        return is_run or found.name == self.name


def successor(
    found: Iterable[FoundTracker], known: KnownTracker, follow: Follow
) -> FoundTracker | None:
    """The tracker to use instead of a silent one; None if there is none, or the user must choose.

    The same run at another address comes first. Otherwise, if the program itself chose the silent
    one, it is the only tracker on a computer of that name, or the only one at all.
    """
    in_order = ours_first(found)
    for one in in_order:
        if known.room and one.room == known.room:
            return one
    if follow is not Follow.ANY:
        return None
    namesakes = [one for one in in_order if known.name and one.name == known.name]
    candidates = namesakes or list(in_order)
    return candidates[0] if len(candidates) == 1 else None
