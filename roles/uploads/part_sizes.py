"""Into which parts a chunk is cut, and when the next chunk is offered. Pure numbers."""

from __future__ import annotations

import sys

from roles.wire import frames

PART_WAIT_S = 0.05  # of a long part: other frames wait behind it
# Before the end of a chunk the next one is offered. The answer is here in time; sooner, it would
# keep a leecher from who could send that one at once.
AHEAD_S = 0.05
MIN_AHEAD = 32 * 1024  # bytes


class PartSizes:
    """Of one connection; they follow its rate."""

    def __init__(self, longest: int) -> None:
        """The leecher takes parts of `longest` bytes."""
        self.part = frames.PART  # bytes, at most
        self._longest = longest
        self._ahead = sys.maxsize  # bytes that are left of a chunk when the next one is offered

    @property
    def is_long(self) -> bool:
        """Whether the connection is so fast that parts are longer than usual."""
        return self.part > frames.PART

    def fit(self, rate: float) -> None:
        """Suit so many bytes per second."""
        self._ahead = max(MIN_AHEAD, int(rate * AHEAD_S))
        self.part = self._longest if rate * PART_WAIT_S >= self._longest else frames.PART

    def offer_at(self, length: int) -> int:
        """How much of a chunk of this length is out when the next one is offered."""
        return max(0, length - self._ahead)


def rate_of(length: int, seconds: float, buffer: int, sharers: int, alone: int) -> float | None:
    """Bytes per second at which a chunk of so many bytes went out in this time, of which as much
    as the buffer holds may still wait there; None when that tells nothing.
    """
    out = length - buffer
    if out <= 0 and sharers <= alone:
        return None
    return max(out, length // 2) / max(seconds, 1e-4)
