"""Rates and time left. Pure."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0  # long enough not to flicker, short enough to show a stall


class RateMeter:
    """Bytes per second over the last WINDOW_S seconds."""

    def __init__(self, *, now: float) -> None:
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])
        self._moved = now  # when the last bytes were counted
        self.total = 0  # bytes since the start

    def add(self, count: int, *, now: float) -> None:
        self.total += count
        self._moved = now if count else self._moved
        if now - self._samples[-1][0] >= 0.1:  # at most 50 samples in the window
            self._samples.append((now, self.total))

    def rate(self, *, now: float) -> float:
        """Bytes per second; 0.0 during the first tenth of a second."""
        while len(self._samples) > 1 and now - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()
        since, count = self._samples[0]
        elapsed = min(now - since, WINDOW_S)
        if elapsed < 0.1 or now - self._moved >= WINDOW_S:
            return 0.0
        return (self.total - count) / elapsed


def seconds_left(rest: int, rate: float) -> float | None:
    """None if nothing moves."""
    return rest / rate if rate > 0 else None
