"""Limits how many frames a peer may send without use to us.

We read more slowly from a peer that sends more, and drop it if it goes on. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from roles.values.errors import PeerProtocolError

FRAME_BYTES = 1_024  # bytes; a longer frame counts as several


class Limits(NamedTuple):
    at_once: int = 1_000  # frames; opening 64 files together leads to some hundred answers
    per_second: float = 200.0
    talk_s: float = 30.0  # of sending more than that; then the connection ends


LIMITS = Limits()


class FrameBudget:
    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._left, self._since = float(limits.at_once), 0.0
        self._short_since: float | None = None

    def refill(self) -> None:
        """The peer was of use: start over."""
        self._left, self._short_since = float(self._limits.at_once), None

    def spend(self, frames: int, *, now: float) -> float:
        """Count this many frames. Returns for how many seconds to stop reading.

        Raises PeerProtocolError once the peer has gone on for talk_s.
        """
        gained = (now - self._since) * self._limits.per_second
        self._left = min(self._limits.at_once, self._left + gained) - frames
        self._since = now
        if self._left >= self._limits.at_once / 2:  # it was quiet for a while
            self._short_since = None
        if self._left >= 0:
            return 0.0
        if self._short_since is None:
            self._short_since = now
        if now - self._short_since > self._limits.talk_s:
            raise PeerProtocolError("it keeps talking and is of no use")
        return -self._left / self._limits.per_second
