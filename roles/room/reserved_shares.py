"""Ids of shares that are gone, reserved for a while for their last owners.

A program falls silent while its computer sleeps. Until it returns, nobody else may use the id,
which readers know and may ask for. Pure state: the caller passes the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roles.room.room_list import Owner
from roles.values.list_lines import MAX_ROOM_SHARES

RESERVED_S = 600.0  # a restart or a break; as long as an original may be silent
MAX_PER_HOST = 64  # 8 programs with 8 shares: one host cannot push out the shares of others


class Reservation(NamedTuple):
    owner: Owner  # the last one
    until: float
    quiet_at: float  # from then on it has been silent for so long that it may have another address


class ReservedShares:
    def __init__(self) -> None:
        self._reserved: dict[str, Reservation] = {}
        self._of_host: dict[str, dict[str, None]] = {}  # share ids by source IP, oldest first

    def reserve(self, share: str, owner: Owner, *, quiet_at: float, now: float) -> None:
        """Reserve a share for its last owner; `quiet_at`: see Reservation."""
        self.release(share)
        ip = owner.key.ip
        of_host = self._of_host.setdefault(ip, {})
        if len(of_host) >= MAX_PER_HOST:
            self.release(next(iter(of_host)))
        if len(self._reserved) >= MAX_ROOM_SHARES:
            self.release(next(iter(self._reserved)))
        self._reserved[share] = Reservation(owner, now + RESERVED_S, quiet_at)
        self._of_host.setdefault(ip, {})[share] = None

    def release(self, share: str) -> None:
        """Reserve it no longer. Harmless when it is not reserved."""
        reservation = self._reserved.pop(share, None)
        if reservation is not None:
            ip = reservation.owner.key.ip
            del self._of_host[ip][share]
            if not self._of_host[ip]:
                del self._of_host[ip]

    def get(self, share: str, *, now: float) -> Reservation | None:
        """None when anyone may take it."""
        reservation = self._reserved.get(share)
        if reservation is not None and now >= reservation.until:
            self.release(share)
            return None
        return reservation

    def items(self) -> Iterator[tuple[str, Owner]]:
        return ((share, reservation.owner) for share, reservation in self._reserved.items())
