"""Ids of shares whose list went, kept for a while for the program that told it.

A program falls silent when its computer sleeps, and comes back. Meanwhile nobody else gets its id,
which readers know and may have asked for. Pure state; the caller brings the clock.
"""

from __future__ import annotations

from collections.abc import Iterator

from roles.room.places import Key

HELD_S = 600.0  # a restart of the computer, or a break; as long as an original may be silent
MAX_PER_HOST = 64  # 8 programs with 8 shares: one host cannot push out what is held for others
MAX_HELD = 12_064  # as many as a room has shares


class HeldShares:
    """Which program told which share, since the share went."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Key, float]] = {}  # share to its teller, and until when
        self._of_host: dict[str, dict[str, None]] = {}  # source IP to its shares, oldest first

    def hold(self, share: str, teller: Key, *, now: float) -> None:
        """The list of this share is gone, which that program told."""
        self.release(share)
        of_host = self._of_host.setdefault(teller.ip, {})
        if len(of_host) >= MAX_PER_HOST:
            self.release(next(iter(of_host)))
        if len(self._held) >= MAX_HELD:
            self.release(next(iter(self._held)))
        self._held[share] = (teller, now + HELD_S)
        self._of_host.setdefault(teller.ip, {})[share] = None

    def release(self, share: str) -> None:
        """It is told again, or was held long enough. Harmless when it is not held."""
        teller, _ = self._held.pop(share, (None, 0.0))
        if teller is not None:
            of_host = self._of_host[teller.ip]
            del of_host[share]
            if not of_host:
                del self._of_host[teller.ip]

    def share_owner(self, share: str, *, now: float) -> Key | None:
        """The program for which it is held; None when anyone may tell it."""
        teller, until = self._held.get(share, (None, 0.0))
        if teller is not None and now >= until:
            self.release(share)
            return None
        return teller

    def items(self) -> Iterator[tuple[str, Key]]:
        """All of them, for the state file."""
        return ((share, teller) for share, (teller, _) in self._held.items())
