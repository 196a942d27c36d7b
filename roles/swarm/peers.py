"""The connections that a program takes over, and how they stand.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from roles.swarm.content_transfer import Transfer
from roles.swarm.downloader import PeerLink
from roles.values.addresses import Address
from roles.values.content import bitmap_bytes
from roles.values.events import Source
from roles.wire import frames

Asking: TypeAlias = tuple[PeerLink, frames.Want]

FAST = 100e6  # bytes per second: a thread that receives, hashes and writes reaches some hundreds
# Who brings nothing for so long loses its place to a peer that waits for one: at once while nobody
# brings anything, in favour of a peer that was never tried. In a line it may take longer.
USELESS_S = 15.0
HURRY_S = 3.0
IN_LINE = 4.0  # times as long
LEFT_S = 1.0  # the same at an address that its program has exchanged for another
STALLED_S = 4.0  # without a byte of what was promised: the network may be interrupted


class Peers(dict[int, PeerLink]):
    """By number."""

    moved_at = 0.0  # when a byte of a chunk came last, from anybody, or something was asked for

    def wants(
        self, handle: int, transfer: Transfer, *, now: float, is_news: bool = False
    ) -> list[Asking]:
        """A fresh word to everyone who has it; none while nothing is asked for. `is_news`: only to
        those who were told something else last.
        """
        if not transfer.is_asking or transfer.is_single:
            return []
        return [
            (link, self.want(link, handle, transfer, now=now))
            for link in self.with_content(handle)
            if not is_news or self.wanted_from(link, handle, transfer, now) != link.opened[handle]
        ]

    def want(self, link: PeerLink, handle: int, transfer: Transfer, *, now: float) -> frames.Want:
        """What is wanted of this peer. Never b"", which would close the handle."""
        return _noted(link, handle, transfer, self.wanted_from(link, handle, transfer, now))

    def fresh_wants(
        self, link: PeerLink, transfers: Mapping[int, Transfer], *, now: float
    ) -> list[frames.Want]:
        """What is wanted of this peer, of every content of which that is not what it was told last.

        For one whose offer came too late: its next would be as stale, of another file.
        """
        return [
            self.want(link, handle, transfer, now=now)
            for handle, told in link.opened.items()
            if (transfer := transfers.get(handle)) is not None
            and transfer.is_asking
            and self.wanted_from(link, handle, transfer, now) != told
        ]

    def wanted_from(self, link: PeerLink, handle: int, transfer: Transfer, now: float) -> int:
        """The chunks of a content that this peer may send."""
        is_alone = self.is_alone(link, handle, transfer, now=now)
        return transfer.plan.wanted_from(link.sender, now=now, is_alone=is_alone)

    def is_alone(self, link: PeerLink, handle: int, transfer: Transfer, *, now: float) -> bool:
        """Whether nobody else, who sent no bad chunk of it, could send what is wanted: then who
        sent some is asked all the same.
        """
        plan = transfer.plan
        if not plan.is_damaged:
            return False
        return plan.is_slow(now) or not any(
            other.sender != link.sender and plan.can_send(other.sender, now=now)
            for other in self.with_content(handle)
        )

    def second_wants(
        self, handle: int, transfer: Transfer, *, now: float, is_end: bool, is_again: bool
    ) -> list[Asking]:
        """At the end, to peers that send nothing now: what comes too slowly from others.

        Only what they were not told last, unless `is_again`: words cross.
        """
        asking = list[Asking]()
        for link in self.with_content(handle) if not transfer.plan.wanted else ():
            if link.taking is None:
                late = transfer.plan.worth_asking_twice(
                    link.sender, link.chunk_rate, now=now, is_end=is_end
                )
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

    def useless(self, *, now: float, is_hurry: bool) -> list[PeerLink]:
        """Those that we connected to and that bring nothing, the longest idle first. `is_hurry`:
        others wait that were never tried.
        """
        is_still = now - self.moved_at > HURRY_S
        patience_s = HURRY_S if is_hurry and is_still else USELESS_S
        useless = [
            link
            for link in self.values()
            if not link.is_caller
            and now - link.useful_at > patience_s * (IN_LINE if link.place else 1.0)
        ]
        return sorted(useless, key=lambda link: (bool(link.place), link.useful_at))

    def stalled(self, *, now: float) -> frozenset[Address]:
        """Peers of which no connection goes on with what it is to bring."""
        moving = {link.address for link in self.values() if not _is_stalled(link, now)}
        return frozenset(link.address for link in self.values()) - moving

    def left_behind(self, *, now: float) -> list[PeerLink]:
        """Connections to an address that its program seems to have no longer: one of them stands
        still in the middle of what it was to bring, and the program is connected elsewhere, too.

        A stranger who says that he is that program ends nothing that moves, or waits in line.
        """
        hosts = dict[str, set[str]]()
        for link in self.values():
            hosts.setdefault(link.peer, set()).add(link.address.host)
        moved = [link for link in self.values() if len(hosts[link.peer]) > 1]
        gone = {(one.peer, one.address) for one in moved if _is_stalled(one, now, LEFT_S)}
        return [link for link in moved if (link.peer, link.address) in gone]

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
        """Whether nobody is left for one of these but peers whose chunks are all wrong."""
        return any(
            transfer.plan.is_lied_about
            and all(transfer.plan.is_hopeless(link.sender) for link in self.values())
            for transfer in transfers
        )

    def are_suspect(self, transfers: Iterable[Transfer]) -> bool:
        """Whether nobody is left for one of these but peers that sent bad chunks of it."""
        return any(
            transfer.plan.is_damaged
            and not transfer.plan.is_done
            and all(transfer.plan.is_dropped(link.sender) for link in self.values())
            for transfer in transfers
        )

    def newest_at(self) -> float:
        """When the newest of them joined."""
        return max((link.joined_at for link in self.values()), default=float("-inf"))

    def with_content(self, handle: int) -> list[PeerLink]:
        """Those whose peer has described it."""
        return [link for link in self.values() if handle in link.opened]


def _is_stalled(link: PeerLink, now: float, since_s: float = STALLED_S) -> bool:
    if link.taking is not None:
        return now - link.useful_at > since_s
    return bool(link.singles) and now - max(link.useful_at, link.spoke_at) > since_s


def _noted(link: PeerLink, handle: int, transfer: Transfer, chunks: int) -> frames.Want:
    link.opened[handle] = chunks
    return frames.Want(handle, bitmap_bytes(chunks, transfer.content.count))
