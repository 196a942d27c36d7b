"""Who sent bad chunks of one content, and is asked for nothing of it again.

Pure state. A peer is known by the id that it chose and by its host. The host is counted too: else
who was dropped would come back with another id. It knows neither chunks nor connections.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

Sender: TypeAlias = tuple[str, str]  # a peer's id and its host, "" for this machine

MAX_BAD_CHUNKS = 2  # of one content from one peer: the first may be an accident
# The same from one host, under whatever ids. More than for one peer: several people may use one
# machine, or be seen as one from outside.
MAX_BAD_OF_HOST = 8
MAX_REMEMBERED = 512  # peers, and hosts: the oldest is forgotten


class BadPeers:
    """One content's, owned by its plan.

    A host is not asked again once it sent too much, but for those of its peers that were right
    before. Programs of this machine are told apart by their ids alone.
    """

    def __init__(self) -> None:
        self._bad: dict[Sender, set[int]] = {}  # chunks that failed their check
        self._of_host = Counter[str]()  # how many those were
        self._proven: dict[Sender, None] = {}  # sent a chunk that was right

    def __bool__(self) -> bool:
        """Whether anybody is asked for nothing again."""
        return any(len(bad) >= MAX_BAD_CHUNKS for bad in self._bad.values()) or any(
            count >= MAX_BAD_OF_HOST for count in self._of_host.values()
        )

    def note(self, sender: Sender, index: int) -> None:
        """A chunk of this peer failed its check."""
        bad = self._bad_of(sender)
        bad.add(-1 - index if index in bad else index)  # the same one twice counts twice
        self._count(sender, 1)

    def drop(self, sender: Sender) -> None:
        """Ask this peer for nothing again."""
        self._bad_of(sender).update(range(-MAX_BAD_CHUNKS, 0))
        self._count(sender, MAX_BAD_CHUNKS)

    def prove(self, sender: Sender) -> None:
        """A chunk of this peer was right."""
        if sender not in self._proven and len(self._proven) < MAX_REMEMBERED:
            self._proven[sender] = None

    def has(self, sender: Sender) -> bool:
        """Whether this peer is asked for nothing again."""
        if not self._bad:
            return False
        if len(self._bad.get(sender, ())) >= MAX_BAD_CHUNKS:
            return True
        return self._of_host[sender[1]] >= MAX_BAD_OF_HOST and sender not in self._proven

    def chunks(self, sender: Sender) -> int:
        """The bitmap of those that it is not asked for again."""
        bad = self._bad.get(sender)
        return sum(1 << index for index in bad if index >= 0) if bad else 0

    def _bad_of(self, sender: Sender) -> set[int]:
        if sender not in self._bad and len(self._bad) >= MAX_REMEMBERED:
            del self._bad[next(iter(self._bad))]
        return self._bad.setdefault(sender, set())

    def _count(self, sender: Sender, bad: int) -> None:
        host = sender[1]
        if not host:
            return
        if host not in self._of_host and len(self._of_host) >= MAX_REMEMBERED:
            del self._of_host[next(iter(self._of_host))]
        self._of_host[host] += bad
