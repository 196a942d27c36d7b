"""Which programs are registered from which machine, and with which port.

Pure state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from roles.values.addresses import Address

# Source IP and named address: nobody can speak for another machine's seeder.
Key: TypeAlias = tuple[str, Address]
NOBODY: Key = ("", Address("", 0))


class Places:
    """The keys of the tracker's table, found by their places."""

    def __init__(self) -> None:
        self._from_host = Counter[str]()
        self._at: dict[tuple[str, int], dict[Key, None]] = {}  # by source IP and port, newest last
        self.latest: dict[str, Key] = {}  # by source IP: whose list an upload without a port is

    def enter(self, key: Key) -> None:
        """It is registered now."""
        ip, named = key
        self._from_host[ip] += 1
        self._at.setdefault((ip, named.port), {})[key] = None

    def leave(self, key: Key) -> None:
        """It is gone."""
        ip, named = key
        self._from_host[ip] -= 1
        if not self._from_host[ip]:
            del self._from_host[ip]
        del self._at[ip, named.port][key]
        if not self._at[ip, named.port]:
            del self._at[ip, named.port]
        if self.latest.get(ip) == key:
            del self.latest[ip]

    def count(self, ip: str) -> int:
        """How many are registered from there."""
        return self._from_host[ip]

    def at(self, ip: str, port: int) -> Iterator[Key]:
        """Those from there with this port, the newest first."""
        return reversed(self._at.get((ip, port), {}))
