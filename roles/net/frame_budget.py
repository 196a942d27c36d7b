"""Limits how many frames a peer may send without use to us.

We read more slowly from a peer that sends more, and drop it if it goes on. Pure.
"""

from __future__ import annotations

from roles.values.errors import PeerProtocolError

MOST = 1_000  # frames at once; opening 64 files together leads to some hundred answers
PER_SECOND = 200.0
TALK_S = 30.0  # of sending more than that; then the connection ends
FRAME_BYTES = 1_024  # bytes; a longer frame counts as several


class FrameBudget:
    def __init__(self) -> None:
        self._left, self._since = float(MOST), 0.0
        self._short_since: float | None = None

    def refill(self) -> None:
        """The peer was of use: start over."""
        self._left, self._short_since = float(MOST), None

    def spend(self, frames: int, *, now: float) -> float:
        """Count this many frames. Returns for how many seconds to stop reading.

        Raises PeerProtocolError once the peer has gone on for TALK_S.
        """
        gained = max(0.0, now - self._since) * PER_SECOND
        self._left = min(MOST, self._left + gained) - frames
        self._since = now
        if self._left >= MOST / 2:  # it was quiet for a while
            self._short_since = None
        if self._left >= 0:
            return 0.0
        if self._short_since is None:
            self._short_since = now
        if now - self._short_since > TALK_S:
            raise PeerProtocolError("it keeps talking and is of no use")
        return -self._left / PER_SECOND
