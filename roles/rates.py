"""Rates and time left, from counts and the caller's clock. Pure numbers."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0  # long enough not to flicker, short enough to show a stall


class RateMeter:
    """Bytes per second over the last WINDOW_S seconds."""

    def __init__(self, *, now: float) -> None:
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])
        self.total = 0  # bytes since the start

    def add(self, count: int, *, now: float) -> None:
        """Count bytes that arrived or left just now."""
        self.total += count
        if now - self._samples[-1][0] >= 0.1:  # at most 50 samples in the window
            self._samples.append((now, self.total))

    def rate(self, *, now: float) -> float:
        """Bytes per second, 0.0 before there is a tenth of a second to judge by."""
        while len(self._samples) > 1 and now - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()
        since, count = self._samples[0]
        elapsed = now - since
        return (self.total - count) / elapsed if elapsed >= 0.1 else 0.0


def seconds_left(rest: int, rate: float) -> float | None:
    """Time for the rest at this rate; None when it does not move."""
    return rest / rate if rate > 0 else None
