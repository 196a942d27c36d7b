"""Ids of shares that have gone, reserved for a while for the programs that told them.

A program falls silent when its computer sleeps, and comes back. Meanwhile nobody else may use the
id, which readers know and may be asking for. Pure state; the caller brings the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roles.room.places import Key

HELD_S = 600.0  # a restart of the computer, or a break; as long as an original may be silent
MAX_PER_HOST = 64  # 8 programs with 8 shares: one host cannot push out what is held for others
MAX_HELD = 12_064  # as many as a room has shares


class _Held(NamedTuple):
    """A share."""

    owner: Key
    until: float
    quiet_at: float


class HeldShares:
    """Which program told each of these shares, and until when it is reserved."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._of_host: dict[str, dict[str, None]] = {}  # source IP to its shares, oldest first

    def hold(self, share: str, owner: Key, *, quiet_at: float, now: float) -> None:
        """The list of this share is gone, which that program told; its peer id is "" when that run
        of it has ended. `quiet_at`: when it has been silent for so long that it may have moved.
        """
        self.release(share)
        of_host = self._of_host.setdefault(owner.ip, {})
        if len(of_host) >= MAX_PER_HOST:
            self.release(next(iter(of_host)))
        if len(self._held) >= MAX_HELD:
            self.release(next(iter(self._held)))
        self._held[share] = _Held(owner, now + HELD_S, quiet_at)
        self._of_host.setdefault(owner.ip, {})[share] = None

    def release(self, share: str) -> None:
        """It is told again, or was held long enough. Harmless when it is not held."""
        held = self._held.pop(share, None)
        if held is not None:
            of_host = self._of_host[held.owner.ip]
            del of_host[share]
            if not of_host:
                del self._of_host[held.owner.ip]

    def share_owner(self, share: str, *, now: float) -> Key | None:
        """The program for which it is held; None when anyone may tell it."""
        held = self._held.get(share)
        if held is not None and now >= held.until:
            self.release(share)
            return None
        return None if held is None else held.owner

    def is_quiet(self, share: str, *, now: float) -> bool:
        """Whether the program for which it is held may have moved to another address."""
        return share not in self._held or now >= self._held[share].quiet_at

    def items(self) -> Iterator[tuple[str, Key]]:
        """All of them, for the state file."""
        return ((share, held.owner) for share, held in self._held.items())
