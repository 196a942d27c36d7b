"""When a download gives up because nobody sends anything. Pure."""

from __future__ import annotations

HELD_UP_S = 5.0  # a thread that is this late was asleep or stopped


class Patience:
    """Owned by the download's thread."""

    def __init__(self, limit_s: float | None) -> None:  # None: wait for ever
        self.limit_s = limit_s
        self._renewed = self._looked = 0.0

    def renew(self, now: float, *, waited_s: float = 0.0) -> None:
        """Begin anew, with `waited_s` of earlier turns already used up."""
        self._renewed, self._looked = now - waited_s, now

    def is_over(self, now: float) -> bool:
        """Call it often: time during which this program was asleep or stopped does not count."""
        self._renewed += max(0.0, now - self._looked - HELD_UP_S)
        self._looked = now
        return self.limit_s is not None and now - self._renewed > self.limit_s
