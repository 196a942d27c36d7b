"""How a seeder's slots are divided between LMK/1 and LMK/2. Pure numbers."""

from __future__ import annotations

# An original leecher that gets `away` everywhere gives up; a leecher of LMK/2 waits in the queue.
KEPT_FOR_LMK1 = 2
# Even if LMK/1 leechers hold all others: else six machines with one word each could stop the swarm.
KEPT_FOR_LMK2 = 2


def slots_for_lmk2(slots: int, taken_by_lmk1: int = 0) -> int:
    """The slots that LMK/2 leechers may hold together; a single slot may be LMK/1's."""
    most = max(1, slots - KEPT_FOR_LMK1)
    least = min(KEPT_FOR_LMK2, most, slots - 1)
    return max(least, min(most, slots - taken_by_lmk1))
