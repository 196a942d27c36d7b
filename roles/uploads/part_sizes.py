"""The size of the parts of a chunk, and when to offer the next chunk. Pure numbers."""

from __future__ import annotations

import sys

from roles.uploads.upload_scheduler import PIECE
from roles.wire import frames

PART_WAIT_S = 0.05  # the time of a long part: other frames wait behind it
# How long before the end of a chunk the next one is offered. The answer comes in time; an earlier
# offer would keep the leecher from a peer that could send that chunk at once.
AHEAD_S = 0.05
MIN_AHEAD = 32 * 1024  # bytes
# A slow connection sends pieces, so that the scheduler sees bytes move. Where a whole part goes out
# in this time, they would only cost calls of the system.
PIECE_S = 1.0


class PartSizes:
    """The sizes for one connection, which follow its rate."""

    def __init__(self, longest: int) -> None:
        """The leecher takes parts of up to `longest` bytes."""
        self.part = frames.PART  # bytes, at most
        self.piece = PIECE  # bytes for one call of the system
        self._longest = longest
        self._ahead = sys.maxsize  # bytes of a chunk that are left when the next one is offered

    def fit(self, rate: float) -> None:
        self._ahead = max(MIN_AHEAD, int(rate * AHEAD_S))
        self.part = self._longest if rate * PART_WAIT_S >= self._longest else frames.PART
        self.piece = self.part if rate * PIECE_S >= frames.PART else PIECE

    def offer_at(self, length: int) -> int:
        """How many bytes of a chunk go out before the next one is offered. A part ends there."""
        late = length - self._ahead
        # A chunk that goes out in one part costs both ends less, and half a chunk is early enough.
        return late if late > length // 2 else 0


def rate_of(length: int, seconds: float, buffer: int, sharers: int, alone: int) -> float | None:
    """Bytes per second of a chunk that was sent in this time, of which `buffer` bytes may still be
    in the system's buffer; None when that tells nothing.
    """
    out = length - buffer
    if out <= 0 and sharers <= alone:
        return None
    return max(out, length // 2) / max(seconds, 1e-4)
