"""Contents of one chunk: each is asked of one peer at a time, many at once of each peer.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from collections.abc import Collection

from roles.taking.chunk_taker import PeerLink
from roles.taking.transfer import Transfer

AHEAD = 64  # asked of a peer at once: one round trip for all of them
LATE_S = 10.0  # after it was asked for, when its peer sends next to nothing
LATE_AT_MOST_S = 120.0  # the same for any peer: AHEAD of them at 140 KB/s
LEAST_RATE = 4_096  # bytes per second


class Singles:
    """By handle. PeerLink.singles holds what a peer was asked for."""

    def __init__(self) -> None:
        self._waiting: dict[int, Transfer] = {}
        self._asked: dict[int, tuple[PeerLink, Transfer, float]] = {}  # and since when
        self._refused: dict[int, set[int]] = {}  # the connections without it
        self._in_vain: set[int] = set()  # all of them lacked it
        self._slow: set[int] = set()  # connections over which something came too late: asked last

    def add(self, handle: int, transfer: Transfer) -> None:
        """It is wanted."""
        self._waiting[handle] = transfer

    def drop(self, handle: int) -> PeerLink | None:
        """It is wanted no longer, or has come. Returns who was asked for it."""
        self._waiting.pop(handle, None)
        self._refused.pop(handle, None)
        self._in_vain.discard(handle)
        link, _, _ = self._asked.pop(handle, (None, None, 0.0))
        if link is not None:
            link.singles.discard(handle)
            self._slow.discard(link.number)
        return link

    def refused(self, handle: int, link: PeerLink) -> None:
        """This peer does not have it, or not right: others are asked."""
        self._refused.setdefault(handle, set()).add(link.number)
        self._ask_again(handle)

    def left(self, link: PeerLink) -> None:
        """A connection ended: what it was asked for is asked of others."""
        for handle in list(link.singles):
            self._ask_again(handle)
        for refused in self._refused.values():
            refused.discard(link.number)
        self._slow.discard(link.number)

    def late(self, *, now: float) -> list[tuple[PeerLink, int]]:
        """What does not come from those who were asked; others are asked for it."""
        late = [
            (link, handle)
            for handle, (link, _, since) in self._asked.items()
            if now - since > LATE_S
            and (now - since > LATE_AT_MOST_S or link.meter.rate(now=now) < LEAST_RATE)
        ]
        for link, handle in late:
            self.refused(handle, link)
            self._slow.add(link.number)
        return late

    def try_all_again(self, links: Collection[PeerLink]) -> None:
        """Some time has passed: who lacked something may have it now."""
        for handle, transfer in self._waiting.items():
            without = self._refused.get(handle, set()) | transfer.mistaken
            if links and all(link.number in without for link in links):
                self._in_vain.add(handle)
        self._refused.clear()

    def is_lacking(self, handle: int) -> bool:
        """Whether all of them were asked for it, and nobody had it."""
        return handle in self._in_vain

    def to_ask(
        self, links: Collection[PeerLink], *, now: float
    ) -> list[tuple[PeerLink, int, Transfer]]:
        """What to ask of whom now; it counts as asked."""
        chosen = list[tuple[PeerLink, int, Transfer]]()
        free = [link for link in links if len(link.singles) < AHEAD]
        for handle, transfer in list(self._waiting.items()) if free else ():
            link = self._least_asked(free, handle, transfer)
            if link is None:
                continue
            del self._waiting[handle]
            link.singles.add(handle)
            self._asked[handle] = link, transfer, now
            chosen.append((link, handle, transfer))
            if len(link.singles) >= AHEAD:
                free.remove(link)
                if not free:
                    break
        return chosen

    def _least_asked(
        self, free: list[PeerLink], handle: int, transfer: Transfer
    ) -> PeerLink | None:
        refused = self._refused.get(handle, set()) | transfer.mistaken
        able = [
            link
            for link in free
            if link.number not in refused and not transfer.plan.is_dropped(link.sender)
        ]
        return min(
            able, key=lambda link: (link.number in self._slow, len(link.singles)), default=None
        )

    def _ask_again(self, handle: int) -> None:
        link, transfer, _ = self._asked.pop(handle, (None, None, 0.0))
        if link is not None and transfer is not None:
            link.singles.discard(handle)
            self._waiting[handle] = transfer
