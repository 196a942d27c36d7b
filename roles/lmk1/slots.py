"""How many leechers a seeder serves at once, and what it says to the next one.

Pure state: no thread, no socket.
"""

from __future__ import annotations

from collections import Counter

from roles.values.addresses import is_loopback
from roles.values.events import SeederState

# So that one machine with many downloads cannot keep a room waiting; loopback is exempt.
SLOTS_PER_HOST = 2


class SlotTable:
    """Owned by the seeder's accept thread."""

    def __init__(self, slots: int) -> None:
        self.count = slots
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are held."""
        return self._held.total()

    def state(self, taken_elsewhere: int = 0) -> SeederState:
        """With one slot as the original has it: connected while busy.

        `away` is what a further leecher hears. `taken_elsewhere`: by leechers of LMK/2.
        """
        taken = self._held.total() + taken_elsewhere
        if taken == 0:
            return SeederState.AVAILABLE
        return SeederState.AWAY if taken >= self.count > 1 else SeederState.CONNECTED

    def take(self, host: str, taken_elsewhere: int = 0) -> bool:
        """Take a slot for a leecher on this host; False means `away`."""
        if self._held.total() + taken_elsewhere >= self.count:
            return False
        if self.count > 1 and not is_loopback(host) and self._held[host] >= SLOTS_PER_HOST:
            return False
        self._held[host] += 1
        return True

    def release(self, host: str) -> None:
        """Give back a slot that take() granted."""
        self._held[host] -= 1
        if self._held[host] <= 0:
            del self._held[host]
