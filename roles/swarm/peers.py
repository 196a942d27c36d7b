"""The peers that a program downloads from. Part of the swarm's pure state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.values.addresses import Address
from roles.values.content import bitmap_bytes
from roles.values.events import Source
from roles.wire import frames

Asking: TypeAlias = tuple[Peer, frames.Want]

FAST = 100e6  # bytes per second: a thread that receives, hashes and writes reaches a few times that
# A peer that has sent nothing useful for this long makes room for one that waits.
USELESS_S = 15.0
HURRY_S = 3.0  # the same while nobody sends anything and a waiting peer was never tried
QUEUED_TIMES = 4.0  # a peer in whose queue we wait has so many times as long
# A peer that has sent no byte of what it promised for this long gets a second connection: after an
# interruption of the network a new connection works long before the old one.
REDIAL_S = 4.0
MOVED_S = 1.0  # the same for a peer that is connected from another address too: its old ones end


class Peers(dict[int, Peer]):
    """By number."""

    moved_at = 0.0  # when a byte of a chunk last came from any peer, or a content was asked for

    def wants(
        self, handle: int, transfer: ContentTransfer, *, now: float, is_news: bool = False
    ) -> list[Asking]:
        """A WANT for every peer that has the content, if chunks are asked for. `is_news`: only if
        it differs from the last one.
        """
        if not transfer.is_asking or transfer.is_single:
            return []
        return [
            (peer, self.want(peer, handle, transfer, now=now))
            for peer in self.with_content(handle)
            if not is_news or self.wanted_from(peer, handle, transfer, now) != peer.opened[handle]
        ]

    def want(
        self, peer: Peer, handle: int, transfer: ContentTransfer, *, now: float
    ) -> frames.Want:
        """The WANT for this peer. Its bitmap is never b"", which would close the handle."""
        return _noted(peer, handle, transfer, self.wanted_from(peer, handle, transfer, now))

    def fresh_wants(
        self, peer: Peer, transfers: Mapping[int, ContentTransfer], *, now: float
    ) -> list[frames.Want]:
        """Every WANT for this peer that differs from the last one.

        It goes to a peer whose offer was out of date; its next, of another file, would be so too.
        """
        return [
            self.want(peer, handle, transfer, now=now)
            for handle, told in peer.opened.items()
            if (transfer := transfers.get(handle)) is not None
            and transfer.is_asking
            and self.wanted_from(peer, handle, transfer, now) != told
        ]

    def wanted_from(self, peer: Peer, handle: int, transfer: ContentTransfer, now: float) -> int:
        """The bitmap of the wanted chunks that this peer may send."""
        is_alone = self.is_alone(peer, handle, transfer, now=now)
        return transfer.plan.wanted_from(peer.sender, now=now, is_alone=is_alone)

    def is_alone(self, peer: Peer, handle: int, transfer: ContentTransfer, *, now: float) -> bool:
        """Whether to ask this peer even if it sent damaged chunks: nobody else can send what is
        wanted, or no right chunk has come for a while.
        """
        plan = transfer.plan
        if not plan.is_damaged:
            return False
        return plan.is_slow(now) or not any(
            other.sender != peer.sender and plan.can_send(other.sender, now=now)
            for other in self.with_content(handle)
        )

    def second_wants(
        self, handle: int, transfer: ContentTransfer, *, now: float, is_end: bool, is_again: bool
    ) -> list[Asking]:
        """At the end, asks peers that are sending nothing for chunks that others send too slowly.

        Only if that differs from their last WANT, unless `is_again`: messages may have crossed.
        """
        asking = list[Asking]()
        for peer in self.with_content(handle) if not transfer.plan.wanted else ():
            if peer.taking is None:
                late = transfer.plan.worth_asking_twice(
                    peer.number, peer.sender, peer.chunk_rate, now=now, is_end=is_end
                )
                if late and (is_again or late != peer.opened[handle]):
                    asking.append((peer, _noted(peer, handle, transfer, late)))
        return asking

    def sources(self, *, now: float) -> tuple[Source, ...]:
        return tuple(
            Source(
                peer.address,
                peer.meter.total,
                peer.meter.rate(now=now),
                peer.taking is not None,
                peer.computer,
            )
            for peer in self.values()
        )

    def useless(self, *, now: float, is_hurry: bool) -> list[Peer]:
        """Peers to leave if others wait, the most useless first. `is_hurry`: a waiting peer was
        never tried. Callers are not among them.
        """
        is_still = now - self.moved_at > HURRY_S
        patience_s = HURRY_S if is_hurry and is_still else USELESS_S
        useless = [
            peer
            for peer in self.values()
            if not peer.is_caller
            and now - peer.useful_at > patience_s * (QUEUED_TIMES if peer.position else 1.0)
        ]
        return sorted(useless, key=lambda peer: (bool(peer.position), peer.useful_at))

    def to_leave(self, *, now: float, waiting: int, is_any_new: bool) -> list[Peer]:
        """Connections to end while so many peers wait. `is_any_new`: one was never tried."""
        useless = self.useless(now=now, is_hurry=is_any_new)[:waiting] if waiting else []
        return [*self.left_behind(now=now), *useless]

    def stalled(self, *, now: float) -> frozenset[Address]:
        """The peers whose connections all stand still: to be connected to once more."""
        moving = {peer.address for peer in self.values() if not _is_stalled(peer, now, REDIAL_S)}
        return frozenset(peer.address for peer in self.values()) - moving

    def left_behind(self, *, now: float) -> list[Peer]:
        """Connections to end because their program has moved: it is connected from another host
        too, and at this address something stands still and nothing moves.

        Anybody may claim another's id, so the claim alone ends nothing.
        """
        hosts = dict[str, set[str]]()
        for peer in self.values():
            hosts.setdefault(peer.id, set()).add(peer.address.host)
        moved = [peer for peer in self.values() if len(hosts[peer.id]) > 1]
        at_work = [peer for peer in moved if peer.taking is not None or peer.singles]
        gone, moving = set[tuple[str, Address]](), set[tuple[str, Address]]()
        for peer in at_work:
            (gone if _is_stalled(peer, now, MOVED_S) else moving).add((peer.id, peer.address))
        return [peer for peer in moved if (peer.id, peer.address) in gone - moving]

    def fast(self) -> frozenset[Address]:
        """Peers that keep a thread busy over one connection, or nearly."""
        return frozenset(peer.address for peer in self.values() if peer.chunk_rate > FAST)

    def standing(self) -> tuple[int, bool, int]:
        """The number of connections, whether a chunk is arriving, and our best position in a queue,
        0 for none.
        """
        position = min((peer.position for peer in self.values() if peer.position), default=0)
        return len(self), any(peer.taking is not None for peer in self.values()), position

    def are_lying(self, transfers: Iterable[ContentTransfer]) -> bool:
        """Whether, for one of these, all peers left are given up."""
        return any(
            transfer.plan.is_lied_about
            and all(transfer.plan.is_hopeless(peer.sender) for peer in self.values())
            for transfer in transfers
        )

    def are_suspect(self, transfers: Iterable[ContentTransfer]) -> bool:
        """Whether, for one of these, all peers left sent damaged chunks."""
        return any(
            transfer.plan.is_damaged
            and not transfer.plan.is_done
            and all(transfer.plan.is_dropped(peer.sender) for peer in self.values())
            for transfer in transfers
        )

    def newest_at(self) -> float:
        """When the newest connection was made."""
        return max((peer.joined_at for peer in self.values()), default=float("-inf"))

    def with_content(self, handle: int) -> list[Peer]:
        """The peers that have described it."""
        return [peer for peer in self.values() if handle in peer.opened]


def _is_stalled(peer: Peer, now: float, since_s: float) -> bool:
    """Whether nothing that it promised has come for `since_s`."""
    if peer.taking is not None:
        return now - peer.useful_at > since_s
    return bool(peer.singles) and now - max(peer.useful_at, peer.told_at) > since_s


def _noted(peer: Peer, handle: int, transfer: ContentTransfer, chunks: int) -> frames.Want:
    peer.opened[handle] = chunks
    return frames.Want(handle, bitmap_bytes(chunks, transfer.content.count))
