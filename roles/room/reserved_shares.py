"""Ids of shares that are gone, reserved for a while for their last owners.

A program falls silent while its computer sleeps. Until it returns, nobody else may use the id,
which readers know and may ask for. Pure state: the caller passes the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roles.room.room_list import Owner

RESERVED_S = 600.0  # a restart or a break; as long as an original may be silent
MAX_PER_HOST = 64  # 8 programs with 8 shares: one host cannot push out the shares of others
MAX_RESERVED = 12_064  # as many as a room has shares


class _Held(NamedTuple):
    owner: Owner
    until: float
    quiet_at: float


class ReservedShares:
    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._of_host: dict[str, dict[str, None]] = {}  # share ids by source IP, oldest first

    def hold(self, share: str, owner: Owner, *, quiet_at: float, now: float) -> None:
        """Reserve a share for its last owner. From `quiet_at` on it has been silent for so long
        that it may have another address.
        """
        self.release(share)
        ip = owner.key.ip
        of_host = self._of_host.setdefault(ip, {})
        if len(of_host) >= MAX_PER_HOST:
            self.release(next(iter(of_host)))
        if len(self._held) >= MAX_RESERVED:
            self.release(next(iter(self._held)))
        self._held[share] = _Held(owner, now + RESERVED_S, quiet_at)
        self._of_host.setdefault(ip, {})[share] = None

    def release(self, share: str) -> None:
        """Reserve it no longer. Harmless when it is not held."""
        held = self._held.pop(share, None)
        if held is not None:
            of_host = self._of_host[held.owner.key.ip]
            del of_host[share]
            if not of_host:
                del self._of_host[held.owner.key.ip]

    def share_owner(self, share: str, *, now: float) -> Owner | None:
        """The program for which it is held; None when anyone may take it."""
        held = self._held.get(share)
        if held is not None and now >= held.until:
            self.release(share)
            return None
        return None if held is None else held.owner

    def is_quiet(self, share: str, *, now: float) -> bool:
        """Whether its last owner may have another address by now."""
        return share not in self._held or now >= self._held[share].quiet_at

    def items(self) -> Iterator[tuple[str, Owner]]:
        return ((share, held.owner) for share, held in self._held.items())
