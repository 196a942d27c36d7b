"""What the network can carry, from what goes out over all connections. Pure.

It is the highest rate in two windows in a row, because the first may only have filled buffers. Old
measurements fade.
"""

from __future__ import annotations

WINDOW_S = 1.0
SLOW_UPLINK = 1.25e6  # bytes per second: assumed until it is measured
HALF_S = 60.0  # a measurement loses half its weight in this time, because networks change


class UplinkRate:
    def __init__(self) -> None:
        self.best = SLOW_UPLINK  # bytes per second
        self._since: float | None = None
        self._count = 0
        self._before: float | None = None  # bytes per second in the window before
        self._is_known = False

    def add(self, count: int, *, now: float) -> None:
        """`count`: bytes that went out since the last call."""
        self._count += count
        if self._since is None:
            self._since = now
        elapsed = now - self._since
        if elapsed < WINDOW_S:
            return
        rate = self._count / elapsed
        if self._before is not None:
            known = self.best * 0.5 ** (elapsed / HALF_S) if self._is_known else 0.0
            self.best, self._is_known = max(known, min(rate, self._before)), True
        self._since, self._count, self._before = now, 0, rate
