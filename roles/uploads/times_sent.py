"""How often this program has sent each chunk of one content.

The chunk sent least often goes first: a seeder sends nearly every chunk once before any twice, so
copies spread as fast as the wires allow, and nobody needs to know the whole room. Pure state.
"""

from __future__ import annotations

import random

MAX_LEVELS = 64  # a chunk sent far more often than the others is the last choice in any case


class TimesSent:
    def __init__(self) -> None:
        # Bitmaps. [n]: the chunks sent n + 1 times, or more once levels were dropped at the front.
        # Chunks that are in none were not sent.
        self._levels: list[int] = []

    def least(self, candidates: int) -> tuple[int, int]:
        """The candidates that were sent least often, and how often; (0, 0) for no candidates."""
        seen = 0
        for level in self._levels:
            seen |= level
        fresh = candidates & ~seen
        for times, level in enumerate(self._levels, 1) if not fresh else ():
            if candidates & level:
                return candidates & level, times
        return fresh, 0

    def sent(self, index: int) -> None:
        """It is being sent, or was offered."""
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
        """Undo sent()."""
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
    """A random one of these chunks, so that two senders rarely send the same one at a time."""
    above = chunks >> (start := int(rng.random() * chunks.bit_length()))
    if above:
        return start + (above & -above).bit_length() - 1
    return (chunks & -chunks).bit_length() - 1
