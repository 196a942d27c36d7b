"""How many words one peer may say before it brings, or takes, something of use.

Who says more is read more slowly, and dropped when that changes nothing. Pure state: the caller
brings the clock, and waits.
"""

from __future__ import annotations

from roles.values.errors import PeerProtocolError

MOST = 1_000  # words at once: the answers to 64 files opened at once are some hundred
PER_SECOND = 200.0
TALK_S = 30.0  # of saying as much as is read: then the connection ends
WORD = 1_024  # bytes; a longer word counts as several


class WordBudget:
    """Owned by the connection's thread."""

    def __init__(self) -> None:
        self._left, self._since = float(MOST), 0.0
        self._short_since: float | None = None

    def refill(self) -> None:
        """It was of use."""
        self._left, self._short_since = float(MOST), None

    def spend(self, words: int, *, now: float) -> float:
        """It said so many words: the seconds until it is read on.

        Raises PeerProtocolError when it goes on and on.
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
            raise PeerProtocolError("it talks without end and is of no use")
        return -self._left / PER_SECOND
