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
MOST_OF_LONG = 2  # peers at once, if the digests need several requests


@dataclass(slots=True)
class _PeerAnswer:
    """The digests that one peer has sent so far."""

    since: float
    come: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _DigestRequest:
    transfer: ContentTransfer
    more_at: float  # when to ask more peers
    answers: dict[int, _PeerAnswer] = field(default_factory=dict)  # by connection


class DigestRequests:
    """Requests by the handle of their content."""

    def __init__(self) -> None:
        self._requests: dict[int, _DigestRequest] = {}
        self._owed: dict[int, Counter[int]] = {}  # answers that may still come, by connection
        self._slow: dict[int, float] = {}  # connections to ask last, and not before this time

    def drop(self, handle: int) -> None:
        self._owed.pop(handle, None)
        self._requests.pop(handle, None)

    def lost(self, handle: int, peer: Peer) -> bool:
        """This peer will not answer. True if others should be asked instead."""
        request = self._requests.get(handle)
        if request is None or request.answers.pop(peer.number, None) is None:
            return False
        return not request.answers

    def left(self, peer: Peer) -> None:
        """A connection ended. The caller calls lost() for each content."""
        self._slow.pop(peer.number, None)
        for owed in self._owed.values():
            owed.pop(peer.number, None)

    def late(self, *, now: float) -> list[ContentTransfer]:
        late = list[ContentTransfer]()
        for request in self._requests.values():
            extra_s = request.transfer.content.count * DIGEST_SIZE / SLOWEST
            for number, answer in list(request.answers.items()):
                if now - answer.since > ANSWER_S + extra_s:
                    del request.answers[number]
                    self._slow[number] = now
            if not request.answers or now >= request.more_at:
                late.append(request.transfer)
        return late

    def to_ask(
        self, transfer: ContentTransfer, peers: Collection[Peer], *, now: float
    ) -> list[tuple[Peer, frames.GetDigests]]:
        """First requests to peers that have described the content; none while enough requests are
        open. Peers that have sent chunks come first, slow ones last.
        """
        if transfer.digests() is not None or transfer.is_single:
            return []
        request = self._requests.get(transfer.handle)
        if request is not None and request.answers and now < request.more_at:
            return []
        asked = request.answers if request is not None else {}
        many = max(1, len(asked))
        if transfer.content.count > frames.MAX_DIGESTS:
            many = min(many, MOST_OF_LONG - len(asked))
        bad = transfer.plan.bad_peers
        able = [
            peer
            for peer in peers
            if transfer.handle in peer.opened
            and peer.number not in asked
            and now >= self._slow.get(peer.number, now)
            and bad.may_try(peer.sender, now=now)
        ]
        able.sort(
            key=lambda peer: (
                bad.is_suspect(peer.sender),
                peer.number in self._slow,
                not peer.meter.total,
            )
        )
        chosen = able[:many]
        if not chosen and not asked:
            return []
        request = self._requests.setdefault(transfer.handle, _DigestRequest(transfer, now))
        request.more_at = now + MORE_S
        for peer in chosen:
            request.answers[peer.number] = _PeerAnswer(now)
        return [(peer, self._next_request(request, peer)) for peer in chosen]

    def came(
        self, peer: Peer, digests: frames.Digests, *, now: float
    ) -> tuple[bool, frames.GetDigests | None]:
        """Take an answer. Returns whether it was of use, and the next request to this peer, if
        any. A short answer counts as none.

        Raises PeerProtocolError if nobody asked, or the digests are wrong.
        """
        owed = self._owed.get(digests.handle, Counter())
        if owed[peer.number] <= 0:
            raise PeerProtocolError("it sent digests that nobody asked for")
        owed[peer.number] -= 1
        request = self._requests.get(digests.handle)
        answer = request.answers.get(peer.number) if request is not None else None
        if request is None or answer is None:
            return False, None  # too late: others were faster
        transfer = request.transfer
        first, count = _next_span(transfer, answer.come)
        if digests.first != first or len(digests.digests) > count * DIGEST_SIZE:
            if owed[peer.number]:
                return False, None  # the answer to an earlier request
            raise PeerProtocolError("it sent digests that nobody asked for")
        if len(digests.digests) < count * DIGEST_SIZE:
            del request.answers[peer.number]
            self._slow[peer.number] = now + SHORT_S
            request.more_at = now
            return False, None
        answer.come += digests.digests
        if len(answer.come) < transfer.content.count * DIGEST_SIZE:
            return True, self._next_request(request, peer)
        if not transfer.learn(bytes(answer.come)):  # the connection ends, and others are asked
            transfer.plan.bad_peers.sent_wrong_digests(peer.sender, now=now)
            raise PeerProtocolError("it sent digests that do not match the root")
        del self._requests[digests.handle]
        self._slow.pop(peer.number, None)
        return True, None

    def _next_request(self, request: _DigestRequest, peer: Peer) -> frames.GetDigests:
        transfer, come = request.transfer, request.answers[peer.number].come
        self._owed.setdefault(transfer.handle, Counter())[peer.number] += 1
        return frames.GetDigests(transfer.handle, *_next_span(transfer, come))


def _next_span(transfer: ContentTransfer, come: bytearray) -> tuple[int, int]:
    """The index of the next digest to ask for, and how many."""
    first = len(come) // DIGEST_SIZE
    return first, min(frames.MAX_DIGESTS, transfer.content.count - first)
