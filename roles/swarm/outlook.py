"""Whether some contents can be expected to come, and what they wait for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.swarm import Swarm
from roles.values.errors import ShortageError


@dataclass(frozen=True, slots=True)
class Outlook:
    known: int  # known peers
    connections: int
    is_receiving: bool  # a chunk is arriving
    position: int  # our best one in a peer's queue, 0 for none
    newest_at: float  # when the newest connection was made
    held: frozenset[int]  # handles of contents that a connected peer has, or may have
    lied_about: frozenset[int]  # handles of contents for which all peers left are given up
    all_suspect: bool  # for one of the contents, all peers left sent bad chunks
    lack: ShortageError | None = None  # why this computer can connect to nobody

    @classmethod
    def of(
        cls,
        swarm: Swarm,
        transfers: Collection[ContentTransfer],
        *,
        known: int,
        lack: ShortageError | None,
    ) -> Outlook:
        peers = swarm.peers.values()
        senders = {peer.sender for peer in peers}
        # Otherwise a known peer that is not connected now may be honest.
        are_all_here = bool(peers) or known <= 1
        return cls(
            known,
            len(peers),
            any(peer.taking is not None for peer in peers),
            min((peer.position for peer in peers if peer.position), default=0),
            max((peer.joined_at for peer in peers), default=float("-inf")),
            frozenset(transfer.handle for transfer in transfers if swarm.is_held(transfer)),
            frozenset(
                transfer.handle
                for transfer in transfers
                if are_all_here
                and transfer.plan.bad_peers.any_hopeless
                and all(map(transfer.plan.bad_peers.is_hopeless, senders))
            ),
            any(
                transfer.plan.bad_peers.any_wrong
                and not transfer.is_done
                and all(map(transfer.plan.bad_peers.is_suspect, senders))
                for transfer in transfers
            ),
            lack,
        )
