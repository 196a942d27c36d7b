"""The connections that a program takes over, and how they stand.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from roles.taking.chunk_taker import PeerLink
from roles.taking.transfer import Transfer
from roles.values.addresses import Address
from roles.values.content import bitmap_bytes
from roles.values.events import Source
from roles.wire import lmk2_frames as frames

Asking: TypeAlias = tuple[PeerLink, frames.Want]

FAST = 100e6  # bytes per second: a thread that receives, hashes and writes reaches some hundreds
USELESS_S = 15.0  # without a byte: another peer may be of more use


class PeerLinks(dict[int, PeerLink]):
    """By number."""

    def wants(self, handle: int, transfer: Transfer) -> list[Asking]:
        """A fresh word to everyone who has it; none while nothing is asked for."""
        if not transfer.is_asking or transfer.is_single:
            return []
        return [(link, want(link, handle, transfer)) for link in self.with_content(handle)]

    def second_wants(
        self, handle: int, transfer: Transfer, *, now: float, is_end: bool, is_again: bool
    ) -> list[Asking]:
        """At the end, to peers that send nothing now: what comes too slowly from others.

        Only what they were not told last, unless `is_again`: words cross.
        """
        asking = list[Asking]()
        for link in self.with_content(handle) if not transfer.plan.wanted else ():
            if link.taking is None:
                late = transfer.plan.worth_asking_twice(link.chunk_rate, now=now, is_end=is_end)
                if late and (is_again or late != link.opened[handle]):
                    asking.append((link, _noted(link, handle, transfer, late)))
        return asking

    def sources(self, *, now: float) -> tuple[Source, ...]:
        """All of them, for the window."""
        return tuple(
            Source(
                link.address,
                link.meter.total,
                link.meter.rate(now=now),
                link.taking is not None,
                link.computer,
            )
            for link in self.values()
        )

    def useless(self, *, now: float) -> list[PeerLink]:
        """Those that brought nothing for USELESS_S."""
        return [
            link for link in self.values() if now - link.useful_at > USELESS_S and not link.place
        ]

    def fast(self) -> frozenset[Address]:
        """Peers that bring more than a thread can take over one connection, or nearly."""
        return frozenset(link.address for link in self.values() if link.chunk_rate > FAST)

    def standing(self) -> tuple[int, bool, int]:
        """How many there are, whether any brings a chunk now, and the best place in a line, 0 for
        none.
        """
        place = min((link.place for link in self.values() if link.place), default=0)
        return len(self), any(link.taking is not None for link in self.values()), place

    def are_lying(self, transfers: Iterable[Transfer]) -> bool:
        """Whether nobody is left for one of these but peers that sent bad chunks."""
        return any(
            transfer.plan.is_lied_about
            and all(transfer.plan.is_dropped(link.sender) for link in self.values())
            for transfer in transfers
        )

    def newest_at(self) -> float:
        """When the newest of them joined."""
        return max((link.joined_at for link in self.values()), default=float("-inf"))

    def with_content(self, handle: int) -> list[PeerLink]:
        """Those whose peer has described it."""
        return [link for link in self.values() if handle in link.opened]


def want(link: PeerLink, handle: int, transfer: Transfer) -> frames.Want:
    """What is wanted of this peer. Never b"", which would close the handle."""
    return _noted(link, handle, transfer, transfer.plan.wanted_from(link.sender))


def fresh_wants(link: PeerLink, transfers: Mapping[int, Transfer]) -> list[frames.Want]:
    """What is wanted of this peer, of every content of which that is not what it was told last.

    For one whose offer came too late: its next would be as stale, of another file of the folder.
    """
    return [
        want(link, handle, transfer)
        for handle, told in link.opened.items()
        if (transfer := transfers.get(handle)) is not None
        and transfer.is_asking
        and transfer.plan.wanted_from(link.sender) != told
    ]


def _noted(link: PeerLink, handle: int, transfer: Transfer, chunks: int) -> frames.Want:
    link.opened[handle] = chunks
    return frames.Want(handle, bitmap_bytes(chunks, transfer.content.count))
