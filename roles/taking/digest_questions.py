"""Fetching the digests of contents: each from one peer at a time, checked against the root.

State of the swarm, used with its lock held: no call waits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from roles.taking.chunk_taker import PeerLink
from roles.taking.transfer import Transfer
from roles.values.content import DIGEST_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire import lmk2_frames as frames

ANSWER_S = 10.0  # an answer of 32 KiB stands behind 256 KiB of a chunk at most


@dataclass(slots=True)
class _Question:
    link: PeerLink
    since: float
    come: bytearray = field(default_factory=bytearray)


class DigestQuestions:
    """By handle."""

    def __init__(self) -> None:
        self._asked: dict[int, _Question] = {}
        self._silent: dict[int, set[int]] = {}  # connections that did not answer

    def drop(self, handle: int, link: PeerLink | None = None) -> bool:
        """Nothing more comes, or not from this peer; True when it was being asked."""
        if link is None:
            self._silent.pop(handle, None)
        asked = self._asked.get(handle)
        if asked is None or (link is not None and asked.link is not link):
            return False
        del self._asked[handle]
        return True

    def unanswered(self, *, now: float) -> list[int]:
        """The contents whose digests have not come for too long: ask others for them."""
        late = [one for one, asked in self._asked.items() if now - asked.since > ANSWER_S]
        for handle in late:
            asked = self._asked.pop(handle)
            self._silent.setdefault(handle, set()).add(asked.link.number)
        return late

    def to_ask(
        self, handle: int, transfer: Transfer, links: Collection[PeerLink], *, now: float
    ) -> list[tuple[PeerLink, frames.GetDigests]]:
        """The first question, to somebody who has described the content; none when it is under
        way, or not needed. Who did not answer before is asked last.
        """
        if transfer.digests() is not None or transfer.is_single or handle in self._asked:
            return []
        silent = self._silent.get(handle, ())
        for link in sorted(links, key=lambda link: link.number in silent):
            if handle in link.opened and not transfer.plan.is_dropped(link.sender):
                question = self._asked[handle] = _Question(link, now)
                return [(link, _next_question(handle, transfer, question.come))]
        return []

    def came(
        self, link: PeerLink, digests: frames.Digests, transfer: Transfer, *, now: float
    ) -> frames.GetDigests | None:
        """Take what came; returns the next question, None when there is none.

        Raises PeerProtocolError for what was not asked for, or is wrong.
        """
        asked = self._asked.get(digests.handle)
        if asked is None or asked.link is not link:
            if link.number in self._silent.get(digests.handle, ()):
                return None
            raise PeerProtocolError("digests that were not asked for")
        if digests.first * DIGEST_SIZE != len(asked.come):
            raise PeerProtocolError("digests that were not asked for")
        come, asked.since = asked.come, now
        come += digests.digests
        if digests.digests and len(come) < transfer.content.count * DIGEST_SIZE:
            return _next_question(digests.handle, transfer, come)
        if not transfer.are_right(bytes(come)):  # once it has left, others are asked
            transfer.plan.drop(link.sender)
            raise PeerProtocolError("digests that are not those of the root")
        del self._asked[digests.handle]
        transfer.learn(bytes(come))
        return None


def _next_question(handle: int, transfer: Transfer, come: bytearray) -> frames.GetDigests:
    first = len(come) // DIGEST_SIZE
    count = min(frames.MAX_DIGESTS, transfer.content.count - first)
    return frames.GetDigests(handle, first, count)
