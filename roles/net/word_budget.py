"""How many frames a peer may send before it brings or takes something of use.

A peer that sends more is read more slowly, and dropped if it goes on. Pure state: the caller brings
the clock, and does the waiting.
"""

from __future__ import annotations

from roles.values.errors import PeerProtocolError

MOST = 1_000  # frames at once; the answers to 64 files that are opened together are some hundred
PER_SECOND = 200.0
TALK_S = 30.0  # of sending more than that: then the connection ends
WORD = 1_024  # bytes; a longer frame counts as several


class WordBudget:
    """Owned by the connection's thread."""

    def __init__(self) -> None:
        self._left, self._since = float(MOST), 0.0
        self._short_since: float | None = None

    def refill(self) -> None:
        """The peer was of use: start over."""
        self._left, self._short_since = float(MOST), None

    def spend(self, words: int, *, now: float) -> float:
        """Count so many frames. Returns for how many seconds to read nothing more.

        Raises PeerProtocolError once the peer has gone on for TALK_S.
        """
        gained = max(0.0, now - self._since) * PER_SECOND
        self._left = min(MOST, self._left + gained) - words
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
