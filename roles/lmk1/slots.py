"""How many LMK/1 leechers a seeder serves at once, and what it tells the next one."""

from __future__ import annotations

from collections import Counter

from roles.values.addresses import is_loopback
from roles.values.events import SeederState

# Keeps one machine with many downloads from blocking a room. Loopback is exempt.
SLOTS_PER_HOST = 2


class SlotTable:
    """Owned by the seeder's thread."""

    def __init__(self, slots: int) -> None:
        self.count = slots
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._held.total()

    def state(self, taken_elsewhere: int = 0) -> SeederState:
        """`taken_elsewhere`: slots that LMK/2 leechers hold.

        With one slot it is `connected` while busy, like the original.
        """
        taken = self.taken + taken_elsewhere
        if taken == 0:
            return SeederState.AVAILABLE
        return SeederState.AWAY if taken >= self.count > 1 else SeederState.CONNECTED

    def take(self, host: str, taken_elsewhere: int = 0) -> bool:
        """Take a slot for a leecher on this host; False if it must hear `away`."""
        if self.taken + taken_elsewhere >= self.count:
            return False
        if self.count > 1 and not is_loopback(host) and self._held[host] >= SLOTS_PER_HOST:
            return False
        self._held[host] += 1
        return True

    def release(self, host: str) -> None:
        """Return a slot that take() granted."""
        self._held[host] -= 1
        if self._held[host] <= 0:
            del self._held[host]
