"""What users see of the peers that this program downloads from. Pure.

The caller holds the swarm's lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.values.events import Source
from roles.values.watched import WatchedPeer


def sources_of(peers: Iterable[Peer], *, now: float) -> tuple[Source, ...]:
    """What each peer contributes."""
    return tuple(
        Source(
            peer.address,
            peer.meter.total,
            peer.meter.rate(now=now),
            peer.taking is not None,
            peer.computer,
        )
        for peer in peers
    )


def watched_peers(
    peers: Iterable[Peer], transfer: ContentTransfer | None, *, now: float
) -> tuple[WatchedPeer, ...]:
    """What each peer has of a content, and how it is doing."""
    return tuple(_watched(peer, transfer, now) for peer in peers)


def _watched(peer: Peer, transfer: ContentTransfer | None, now: float) -> WatchedPeer:
    has, coming, damaged, again_s = None, 0, 0, 0.0
    if transfer is not None:
        has = peer.seen.get(transfer.handle)
        coming = sum(1 << index for index in transfer.plan.coming_over(peer.number))
        damaged, again_s = transfer.plan.bad_peers.damaged(peer.sender, now=now)
    return WatchedPeer(
        peer.address,
        peer.computer,
        has,
        peer.meter.rate(now=now),
        coming,
        peer.taking is not None,
        peer.position,
        damaged,
        again_s,
    )
