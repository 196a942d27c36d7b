"""Contents of one chunk: each is asked of one peer at a time, and each peer is asked for many.

An idle peer takes over what another is slow to send. Part of the swarm's pure state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer

AHEAD = 64  # asked of a peer at once: one round trip for all of them
LATE_S = 10.0  # until a content is late, if its peer sends less than LEAST_RATE
LATE_AT_MOST_S = 120.0  # the same for any peer: AHEAD of them at 140 KB/s
LEAST_RATE = 4_096  # bytes per second
# An idle peer takes over from one that has sent nothing for this long, and for SLOW_FACTOR times
# what it would need itself. The time doubles with each move: otherwise two slow peers would take a
# content from each other for ever.
IDLE_S = 1.0
UNPROVEN_S = 1.5  # the same for an idle peer that has never sent anything
SLOW_FACTOR = 2.0
_NONE = Counter[int]()


@dataclass(slots=True)
class _Asked:
    peer: Peer
    transfer: ContentTransfer
    since: float


class SingleChunks:
    """By handle. Peer.singles holds the handles that a peer was asked for."""

    def __init__(self) -> None:
        self._waiting: dict[int, ContentTransfer] = {}
        self._asked: dict[int, _Asked] = {}
        self._refused: dict[int, set[int]] = {}  # the connections without it, for now
        # How often each connection was among them. Those with fewer refusals are asked first:
        # `_refused` may be cleared before all have been asked, if answers take long.
        self._refusals: dict[int, Counter[int]] = {}
        self._moves: dict[int, int] = {}  # how often it was too late
        self._in_vain: set[int] = set()  # contents that no peer had
        self._slow: set[int] = set()  # connections that were too late with something: asked last

    def add(self, handle: int, transfer: ContentTransfer) -> None:
        self._waiting[handle] = transfer

    def drop(self, handle: int) -> Peer | None:
        """It is no longer wanted, or has come. Returns the peer that was asked for it."""
        self._waiting.pop(handle, None)
        self._refused.pop(handle, None)
        self._refusals.pop(handle, None)
        self._moves.pop(handle, None)
        self._in_vain.discard(handle)
        asked = self._asked.pop(handle, None)
        if asked is None:
            return None
        asked.peer.singles.discard(handle)
        self._slow.discard(asked.peer.number)
        return asked.peer

    def refused(self, handle: int, peer: Peer) -> None:
        """This peer does not have it: ask others."""
        self._refused.setdefault(handle, set()).add(peer.number)
        self._refusals.setdefault(handle, Counter())[peer.number] += 1
        self.ask_again(handle)

    def ask_again(self, handle: int) -> None:
        """It does not come from the peer that was asked: ask any peer."""
        asked = self._asked.pop(handle, None)
        if asked is not None:
            asked.peer.singles.discard(handle)
            self._waiting[handle] = asked.transfer

    def left(self, peer: Peer) -> None:
        """A connection ended: ask others for what it was asked for."""
        for handle in list(peer.singles):
            self.ask_again(handle)
        for refused in self._refused.values():
            refused.discard(peer.number)
        self._slow.discard(peer.number)

    def late(self, peers: Collection[Peer], *, now: float) -> list[tuple[Peer, int]]:
        """Take late contents from their peers. Returns these peers and handles, to be cancelled."""
        late = [handle for handle, asked in self._asked.items() if _is_late(asked, now)]
        if self._asked and len(late) < len(self._asked):
            idle = [one for one in peers if not one.singles and one.taking is None]
            late += [one for one in self._stolen(idle, now=now) if one not in late]
        told = [(self._asked[handle].peer, handle) for handle in late]
        for peer, handle in told:
            self._moves[handle] = self._moves.get(handle, 0) + 1
            self._slow.add(peer.number)
            self.refused(handle, peer)
        return told

    def try_all_again(self, peers: Collection[Peer]) -> None:
        """Some time has passed: peers that lacked something may have it now."""
        for handle, transfer in self._waiting.items():
            without = self._refused.get(handle, set()) | transfer.mistaken
            if peers and all(peer.number in without for peer in peers):
                self._in_vain.add(handle)
        self._refused.clear()

    def is_lacking(self, handle: int) -> bool:
        """Whether no peer had it the last time that all were asked."""
        return handle in self._in_vain

    def to_ask(
        self, peers: Collection[Peer], *, now: float
    ) -> list[tuple[Peer, int, ContentTransfer]]:
        """Peers, and what to ask each for now; it counts as asked."""
        chosen = list[tuple[Peer, int, ContentTransfer]]()
        free = [peer for peer in peers if len(peer.singles) < AHEAD]
        for handle, transfer in list(self._waiting.items()) if free else ():
            peer = self._least_asked(free, peers, handle, transfer, now)
            if peer is None:
                continue
            del self._waiting[handle]
            if not peer.singles:
                peer.single_at = now
            peer.singles.add(handle)
            self._asked[handle] = _Asked(peer, transfer, now)
            chosen.append((peer, handle, transfer))
            if len(peer.singles) >= AHEAD:
                free.remove(peer)
                if not free:
                    break
        return chosen

    def _least_asked(
        self,
        free: list[Peer],
        peers: Collection[Peer],
        handle: int,
        transfer: ContentTransfer,
        now: float,
    ) -> Peer | None:
        refused, plan = self._refused.get(handle, set()) | transfer.mistaken, transfer.plan
        able = [peer for peer in free if peer.number not in refused]
        if plan.is_damaged:
            could = (one.sender for one in peers if one.number not in refused)
            if any(plan.can_send(sender, now=now) for sender in could):
                able = [peer for peer in able if plan.can_send(peer.sender, now=now)]
            else:
                able = [peer for peer in able if plan.may_try(peer.sender, now=now)]
        refusals = self._refusals.get(handle, _NONE)
        return min(
            able,
            key=lambda peer: (
                refusals[peer.number],
                peer.number in self._slow,
                len(peer.singles),
            ),
            default=None,
        )

    def _stolen(self, idle: Collection[Peer], *, now: float) -> Iterator[int]:
        """What idle peers take over from each of the others: everything if that one is slow, else
        the last half.
        """
        by_peer = dict[int, list[int]]()
        for handle, asked in self._asked.items():
            by_peer.setdefault(asked.peer.number, []).append(handle)
        for handles in by_peer.values() if idle else ():
            slow = self._asked[handles[0]].peer
            helpers = [one for one in idle if one.sender != slow.sender]
            able = [handle for handle in handles if self._can_help(helpers, handle, now)]
            if any(self._is_behind(helpers, handle, now) for handle in able):
                yield from able
            elif now - self._asked[handles[0]].since >= IDLE_S:
                yield from able[len(able) - len(able) // 2 :]

    def _can_help(self, helpers: Collection[Peer], handle: int, now: float) -> bool:
        plan, refused = self._asked[handle].transfer.plan, self._refused.get(handle, ())
        return any(
            one.number not in refused
            and (not plan.is_damaged or plan.can_send(one.sender, now=now))
            for one in helpers
        )

    def _is_behind(self, helpers: Collection[Peer], handle: int, now: float) -> bool:
        """Whether its peer has sent nothing for longer than one of these helpers would need: see
        IDLE_S.
        """
        asked, moves = self._asked[handle], self._moves.get(handle, 0)
        length = asked.transfer.content.size
        needed = [
            max(
                IDLE_S if one.meter.total else UNPROVEN_S,
                SLOW_FACTOR * length / one.chunk_rate if one.chunk_rate else 0.0,
            )
            for one in helpers
        ]
        stood_s = now - asked.peer.single_at
        return bool(needed) and stood_s >= min(needed) * 2.0 ** min(moves, 16)


def _is_late(asked: _Asked, now: float) -> bool:
    age_s = now - asked.since
    if age_s <= LATE_S:
        return False
    return age_s > LATE_AT_MOST_S or asked.peer.meter.rate(now=now) < LEAST_RATE
