"""The contents that a program takes now, and how they stand together.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from roles.swarm.chunk_plan import ChunkPlan
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peers import Peers


class Transfers(dict[int, ContentTransfer]):
    """By handle."""

    @property
    def is_moving(self) -> bool:
        """Whether any chunk is on its way."""
        return any(plan.is_moving for plan in self._asking().values())

    def is_end(self, peers: Peers, *, now: float) -> bool:
        """Whether every chunk is here or on its way that somebody who is connected might send."""
        wanted = ((handle, plan) for handle, plan in self._asking().items() if plan.wanted)
        return not any(
            plan.wanted_from(peer.sender, now=now, is_alone=False)
            for handle, plan in wanted
            for peer in peers.with_content(handle)
        )

    def _asking(self) -> dict[int, ChunkPlan]:
        """Of those whose chunks are asked for."""
        asking = ((handle, one) for handle, one in self.items() if one.is_asking)
        return {handle: one.plan for handle, one in asking if not one.is_single}
