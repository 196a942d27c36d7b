"""What identifies an entry of the tracker's table, and which entries there are at one place.

A place is a source address and a port. Pure state.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """Identifies one entry, so that no request reaches an entry of another program.

    The source address keeps other machines away. The peer id keeps LMK/1, which has none, and other
    programs of the same machine away.
    """

    ip: str  # the source of its datagrams
    port: int  # where it takes connections
    peer: str = ""  # its peer id, "" for LMK/1
    host: str = ""  # what an LMK/1 program calls itself

    @property
    def is_proved(self) -> bool:
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
    """Keys by host and by place."""

    def __init__(self) -> None:
        self._ports: dict[str, dict[int, dict[Key, None]]] = {}  # by source IP; newest last

    def enter(self, key: Key) -> None:
        """It is registered now."""
        self._ports.setdefault(key.ip, {}).setdefault(key.port, {})[key] = None

    def leave(self, key: Key) -> None:
        """It is gone."""
        ports = self._ports[key.ip]
        del ports[key.port][key]
        if not ports[key.port]:
            del ports[key.port]
        if not ports:
            del self._ports[key.ip]

    def at(self, place: tuple[str, int]) -> list[Key]:
        """Those at this place, the oldest first."""
        ip, port = place
        return list(self._ports.get(ip, {}).get(port, ()))

    def places_of(self, ip: str) -> int:
        """At how many ports of this address somebody is registered."""
        return len(self._ports.get(ip, ()))

    def keys_of(self, ip: str) -> int:
        """How many are registered from this address."""
        return sum(map(len, self._ports.get(ip, {}).values()))
