"""Fetches the digests of contents and checks them against the root.

It asks one peer, and more if that takes too long; the first right answer counts. Part of the
swarm's pure state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.values.content import DIGEST_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire import frames

# After this time as many peers again are asked. On most networks an answer takes milliseconds; a
# second answer costs 32 KiB.
MORE_S = 1.0
ANSWER_S = 10.0  # a peer that takes longer is asked last from then on
SHORT_S = 3.0  # after a short answer, before the same peer is asked again
SLOWEST = 256 * 1024  # bytes per second: the extra time for a long list
MOST_OF_LONG = 2  # peers at once, if the digests need several questions


@dataclass(slots=True)
class _Answer:
    """The digests that one peer has sent so far."""

    since: float
    come: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Question:
    more_at: float  # when to ask more peers
    answers: dict[int, _Answer] = field(default_factory=dict)  # by connection


class DigestRequests:
    """By handle."""

    def __init__(self) -> None:
        self._questions: dict[int, _Question] = {}
        self._owed: dict[int, Counter[int]] = {}  # answers that may still come, by connection
        self._slow: dict[int, float] = {}  # connections to ask last, and not before this time

    def drop(self, handle: int, peer: Peer | None = None) -> bool:
        """Ask nobody any more, or not this peer. True if others should be asked instead."""
        question = self._questions.get(handle)
        if peer is None:
            self._owed.pop(handle, None)
            return self._questions.pop(handle, None) is not None
        if question is None or question.answers.pop(peer.number, None) is None:
            return False
        return not question.answers

    def left(self, peer: Peer) -> None:
        """A connection ended. The caller calls drop() for each content."""
        self._slow.pop(peer.number, None)
        for owed in self._owed.values():
            owed.pop(peer.number, None)

    def late(self, transfers: dict[int, ContentTransfer], *, now: float) -> list[int]:
        """The handles for which more peers should be asked now."""
        late = list[int]()
        for handle, question in self._questions.items():
            extra_s = transfers[handle].content.count * DIGEST_SIZE / SLOWEST
            for number, answer in list(question.answers.items()):
                if now - answer.since > ANSWER_S + extra_s:
                    del question.answers[number]
                    self._slow[number] = now
            if not question.answers or now >= question.more_at:
                late.append(handle)
        return late

    def to_ask(
        self, handle: int, transfer: ContentTransfer, peers: Collection[Peer], *, now: float
    ) -> list[tuple[Peer, frames.GetDigests]]:
        """First questions to peers that have described the content; none while enough questions are
        open. Peers that have sent chunks come first, slow ones last.
        """
        if transfer.digests() is not None or transfer.is_single:
            return []
        question = self._questions.get(handle)
        if question is not None and question.answers and now < question.more_at:
            return []
        asked = question.answers if question is not None else {}
        many = max(1, len(asked))
        if transfer.content.count > frames.MAX_DIGESTS:
            many = min(many, MOST_OF_LONG - len(asked))
        able = [peer for peer in peers if handle in peer.opened and peer.number not in asked]
        chosen = sorted(
            (peer for peer in able if self._may_ask(peer, transfer, now)),
            key=lambda peer: (
                transfer.plan.is_dropped(peer.sender),
                peer.number in self._slow,
                not peer.meter.total,
            ),
        )[:many]
        if not chosen and not asked:
            return []
        question = self._questions.setdefault(handle, _Question(now))
        question.more_at = now + MORE_S
        for peer in chosen:
            question.answers[peer.number] = _Answer(now)
        return [(peer, self._next_question(handle, transfer, peer)) for peer in chosen]

    def came(
        self, peer: Peer, digests: frames.Digests, transfer: ContentTransfer, *, now: float
    ) -> frames.GetDigests | None:
        """Take an answer; returns the next question to this peer, if any.

        Raises PeerProtocolError if nobody asked, or the digests are wrong. A short answer counts as
        none.
        """
        handle = digests.handle
        owed = self._owed.get(handle, Counter())
        if owed[peer.number] <= 0:
            raise PeerProtocolError("it sent digests that nobody asked for")
        owed[peer.number] -= 1
        question = self._questions.get(handle)
        answer = question.answers.get(peer.number) if question is not None else None
        if question is None or answer is None:
            return None  # too late: others were faster
        first, count = _next_span(transfer, answer.come)
        if digests.first != first or len(digests.digests) > count * DIGEST_SIZE:
            if owed[peer.number]:
                return None  # the answer to an earlier question
            raise PeerProtocolError("it sent digests that nobody asked for")
        if len(digests.digests) < count * DIGEST_SIZE:
            del question.answers[peer.number]
            self._slow[peer.number] = now + SHORT_S
            question.more_at = now
            return None
        answer.come += digests.digests
        if len(answer.come) < transfer.content.count * DIGEST_SIZE:
            return self._next_question(handle, transfer, peer)
        if not transfer.are_right(bytes(answer.come)):  # the connection ends, and others are asked
            transfer.plan.drop(peer.sender, now=now)
            raise PeerProtocolError("it sent digests that do not match the root")
        del self._questions[handle]
        self._slow.pop(peer.number, None)
        transfer.learn(bytes(answer.come))
        return None

    def _may_ask(self, peer: Peer, transfer: ContentTransfer, now: float) -> bool:
        return now >= self._slow.get(peer.number, now) and transfer.plan.may_try(
            peer.sender, now=now
        )

    def _next_question(
        self, handle: int, transfer: ContentTransfer, peer: Peer
    ) -> frames.GetDigests:
        self._owed.setdefault(handle, Counter())[peer.number] += 1
        answer = self._questions[handle].answers[peer.number]
        return frames.GetDigests(handle, *_next_span(transfer, answer.come))


def _next_span(transfer: ContentTransfer, come: bytearray) -> tuple[int, int]:
    """The index of the next digest to ask for, and how many."""
    first = len(come) // DIGEST_SIZE
    return first, min(frames.MAX_DIGESTS, transfer.content.count - first)
