"""How many of a seeder's slots are for the swarm. Pure numbers."""

from __future__ import annotations

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
