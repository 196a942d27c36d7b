"""How often a program has sent each chunk of one content, and which ones least often.

The chunk sent least often goes first: so a seeder sends every chunk about once before any twice,
and copies spread as fast as the wires allow without anyone knowing the whole room. Pure state.
"""

from __future__ import annotations

import random

MAX_LEVELS = 64  # one that is sent far oftener than the others is the last choice in any case


class TimesSent:
    """Bitmaps by the number of times; chunks that were never sent are in none."""

    def __init__(self) -> None:
        # [n]: the chunks sent n + 1 times, not counting how often every one was, when that is much
        self._levels: list[int] = []

    def least(self, candidates: int) -> tuple[int, int]:
        """Those of the candidates that were sent least often, and how often; 0, 0 for none."""
        seen = 0
        for level in self._levels:
            seen |= level
        fresh = candidates & ~seen
        for times, level in enumerate(self._levels, 1) if not fresh else ():
            if candidates & level:
                return candidates & level, times
        return fresh, 0

    def sent(self, index: int) -> None:
        """It is sent now, or promised."""
        times = self._times(index)
        if times == len(self._levels):
            self._levels.append(0)
        if len(self._levels) > MAX_LEVELS:
            del self._levels[0]
            times -= 1
        if times:
            self._levels[times - 1] &= ~(1 << index)
        self._levels[times] |= 1 << index

    def not_sent(self, index: int) -> None:
        """What was counted did not happen."""
        times = self._times(index)
        if times:
            self._levels[times - 1] &= ~(1 << index)
        if times > 1:
            self._levels[times - 2] |= 1 << index

    def _times(self, index: int) -> int:
        for times, level in enumerate(self._levels, 1):
            if level >> index & 1:
                return times
        return 0


def any_of(chunks: int, rng: random.Random) -> int:
    """One of these chunks at random, so that two senders rarely send the same one at a time."""
    above = chunks >> (start := int(rng.random() * chunks.bit_length()))
    if above:
        return start + (above & -above).bit_length() - 1
    return (chunks & -chunks).bit_length() - 1
