"""Fetching the digests of contents: each from one peer at a time, checked against the root.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from collections.abc import Iterable

from roles import lmk2_frames as frames
from roles.chunk_taker import PeerLink
from roles.content import DIGEST_SIZE
from roles.errors import PeerProtocolError
from roles.transfer import Transfer


class DigestQuestions:
    """By handle."""

    def __init__(self) -> None:
        self._asked: dict[int, tuple[PeerLink, bytearray]] = {}  # and what has come

    def drop(self, handle: int, link: PeerLink | None = None) -> bool:
        """Nothing more comes, or not from this peer; True when it was being asked."""
        asked = self._asked.get(handle)
        if asked is None or (link is not None and asked[0] is not link):
            return False
        del self._asked[handle]
        return True

    def to_ask(
        self, handle: int, transfer: Transfer, links: Iterable[PeerLink]
    ) -> list[tuple[PeerLink, frames.GetDigests]]:
        """The first question, to somebody who has described the content; none when it is under
        way, or not needed.
        """
        if transfer.digests() is not None or transfer.is_single or handle in self._asked:
            return []
        for link in links:
            if handle in link.opened and not transfer.plan.is_dropped(link.peer):
                come = bytearray()
                self._asked[handle] = link, come
                return [(link, _next_question(handle, transfer, come))]
        return []

    def came(
        self, link: PeerLink, digests: frames.Digests, transfer: Transfer
    ) -> frames.GetDigests | None:
        """Take what came; returns the next question, None when the transfer knows all by now.

        Raises PeerProtocolError for what was not asked for, or is wrong.
        """
        asked = self._asked.get(digests.handle)
        if asked is None or asked[0] is not link or digests.first * DIGEST_SIZE != len(asked[1]):
            raise PeerProtocolError("digests that were not asked for")
        come = asked[1]
        come += digests.digests
        if digests.digests and len(come) < transfer.content.count * DIGEST_SIZE:
            return _next_question(digests.handle, transfer, come)
        del self._asked[digests.handle]
        if not transfer.are_right(bytes(come)):
            transfer.plan.drop(link.peer)
            raise PeerProtocolError("digests that are not those of the root")
        transfer.learn(bytes(come))
        return None


def _next_question(handle: int, transfer: Transfer, come: bytearray) -> frames.GetDigests:
    first = len(come) // DIGEST_SIZE
    count = min(frames.MAX_DIGESTS, transfer.content.count - first)
    return frames.GetDigests(handle, first, count)
