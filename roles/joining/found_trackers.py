"""Which trackers answered, each once, and which fell silent. Pure state."""

from __future__ import annotations

from roles.values.addresses import Address, is_loopback
from roles.values.events import FoundTracker

FORGET_S = 90.0  # three of the longest pauses between two questions
MAX_FOUND = 64  # more than anyone chooses from; a flood of answers ends here


class FoundTrackers:
    """Give it every answer; a tracker of this computer counts once, whatever its address."""

    def __init__(self) -> None:
        self._heard: dict[Address, float] = {}  # when, the last time
        self._found: dict[Address, FoundTracker] = {}
        self._own: set[Address] = set()  # those of this computer

    def note(self, tracker: FoundTracker, *, is_own: bool, now: float) -> bool:
        """It answered; True when that is news."""
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
        """Forget who was silent for long; True when there was one."""
        silent = [one for one, heard in self._heard.items() if now - heard > FORGET_S]
        before = self.trackers()
        for address in silent:
            del self._heard[address], self._found[address]
            self._own.discard(address)
        return self.trackers() != before

    def trackers(self) -> tuple[FoundTracker, ...]:
        """Those of ours first, then by name and address."""
        shown = [one for one in self._found.values() if not self._is_double(one.address)]
        return tuple(sorted(shown, key=lambda one: (one.is_original, one.name, one.address)))

    def _is_double(self, address: Address) -> bool:
        """Whether it is shown at another address of this computer, one that others can use."""
        if address not in self._own:
            return False
        same = [one for one in self._own if one.port == address.port]
        return address != min(same, key=lambda one: (is_loopback(one.host), one.host))
