"""What identifies an entry of the tracker's table, and which entries there are at one place.

A place is a source address and a port. Pure state.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from roles.values.addresses import Address


class Key(NamedTuple):
    """Identifies one entry, so that no request reaches an entry of another program.

    The source address keeps other machines away. The peer id keeps LMK/1, which has none, and other
    programs of the same machine away.
    """

    ip: str  # the source of its datagrams
    port: int  # where it takes connections
    peer: str = ""  # its peer id, "" for LMK/1
    host: str = ""  # what an LMK/1 program calls itself, "" for LMK/2

    @classmethod
    def lmk1(cls, ip: str, named: Address) -> Key:
        """Of a program that speaks LMK/1."""
        return cls(ip, named.port, "", named.host)

    @property
    def is_lmk2(self) -> bool:
        """Whether it proved its address, and has a peer id."""
        return bool(self.peer)

    @property
    def place(self) -> tuple[str, int]:
        """Only one program can listen there."""
        return self.ip, self.port

    def is_like(self, other: Key) -> bool:
        """Whether both can be one program: the same run of it, or restarted at the same place."""
        return self.peer == other.peer or self.place == other.place


class Places:
    """The keys of the table by host and by place."""

    def __init__(self) -> None:
        self.latest: dict[str, Key] = {}  # by source IP: whose list an LMK/1 upload is
        self._lmk1_of = Counter[str]()
        self._lmk2_of = Counter[str]()  # places of LMK/2 by source IP
        self._lmk1_at: dict[tuple[str, int], dict[Key, None]] = {}  # newest last
        self._lmk2_at: dict[tuple[str, int], dict[Key, None]] = {}

    def enter(self, key: Key) -> None:
        """It is registered now."""
        if key.is_lmk2:
            self._lmk2_of[key.ip] += key.place not in self._lmk2_at
            self._lmk2_at.setdefault(key.place, {})[key] = None
        else:
            self._lmk1_of[key.ip] += 1
            self._lmk1_at.setdefault(key.place, {})[key] = None

    def leave(self, key: Key) -> None:
        """It is gone."""
        if key.is_lmk2:
            _remove(self._lmk2_at, key.place, key)
            if key.place not in self._lmk2_at:
                _count_back(self._lmk2_of, key.ip)
            return
        _count_back(self._lmk1_of, key.ip)
        _remove(self._lmk1_at, key.place, key)
        if self.latest.get(key.ip) == key:
            del self.latest[key.ip]

    def lmk1_of(self, ip: str) -> int:
        """How many LMK/1 programs are registered from this address."""
        return self._lmk1_of[ip]

    def lmk2_of(self, ip: str) -> int:
        """At how many ports LMK/2 programs are registered from this address."""
        return self._lmk2_of[ip]

    def lmk1_at(self, place: tuple[str, int]) -> list[Key]:
        """The LMK/1 names of what listens at this place, the newest first."""
        return list(reversed(self._lmk1_at.get(place, {})))

    def lmk2_at(self, place: tuple[str, int]) -> list[Key]:
        """The LMK/2 programs at this place, the oldest first."""
        return list(self._lmk2_at.get(place, ()))

    def has_lmk2(self, place: tuple[str, int]) -> bool:
        """Whether a program of LMK/2 is registered at this place."""
        return place in self._lmk2_at


def _remove(
    groups: dict[tuple[str, int], dict[Key, None]], place: tuple[str, int], key: Key
) -> None:
    del groups[place][key]
    if not groups[place]:
        del groups[place]


def _count_back(counts: Counter[str], ip: str) -> None:
    counts[ip] -= 1
    if not counts[ip]:
        del counts[ip]
