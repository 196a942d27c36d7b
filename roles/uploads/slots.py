"""How many leechers a seeder serves at once, and what it says to the next one.

Pure state: no thread, no socket.
"""

from __future__ import annotations

from collections import Counter

from roles.values.addresses import is_loopback
from roles.values.events import SeederState

# So that one machine with many downloads cannot keep a room waiting; loopback is exempt.
SLOTS_PER_HOST = 2
# An original leecher that hears `away` everywhere gives up; one of LMK/2 waits in the queue.
KEPT_FOR_LMK1 = 2
# Even when those of LMK/1 have all: else six machines that say one word each would end the swarm.
KEPT_FOR_LMK2 = 2


def slots_for_lmk2(slots: int, taken_by_lmk1: int = 0) -> int:
    """How many of a seeder's slots leechers of LMK/2 may have together; with a single one, it may
    be taken.
    """
    most = max(1, slots - KEPT_FOR_LMK1)
    least = min(KEPT_FOR_LMK2, most, slots - 1)
    return max(least, min(most, slots - taken_by_lmk1))


class SlotTable:
    """Owned by the seeder's accept thread."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
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
        return SeederState.AWAY if taken >= self._slots > 1 else SeederState.CONNECTED

    def take(self, host: str, taken_elsewhere: int = 0) -> bool:
        """Take a slot for a leecher on this host; False means `away`."""
        if self._held.total() + taken_elsewhere >= self._slots:
            return False
        if self._slots > 1 and not is_loopback(host) and self._held[host] >= SLOTS_PER_HOST:
            return False
        self._held[host] += 1
        return True

    def release(self, host: str) -> None:
        """Give back a slot that take() granted."""
        self._held[host] -= 1
        if self._held[host] <= 0:
            del self._held[host]
