"""Contents of one chunk: each is asked of one peer at a time, and each peer is asked for many.

An idle peer takes over what another is slow to send. Part of the swarm's pure state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class _Single:
    transfer: ContentTransfer
    refused: set[int] = field(default_factory=set)  # connections without it, for now
    # How often each connection was among them. Those with fewer refusals are asked first:
    # `refused` may be cleared before all have been asked, if answers take long.
    refusals: Counter[int] = field(default_factory=Counter)
    moves: int = 0  # how often it was too late
    was_in_vain: bool = False  # no peer had it the last time that all were asked


@dataclass(frozen=True, slots=True)
class _Asked:
    single: _Single
    peer: Peer
    since: float


class SingleChunks:
    """By handle. Peer.singles holds the handles that a peer was asked for."""

    def __init__(self) -> None:
        self._singles: dict[int, _Single] = {}
        self._waiting: dict[int, _Single] = {}  # for a peer
        self._asked: dict[int, _Asked] = {}
        self._slow: set[int] = set()  # connections that were too late with something: asked last

    def add(self, transfer: ContentTransfer) -> None:
        single = _Single(transfer)
        self._singles[transfer.handle] = self._waiting[transfer.handle] = single

    def drop(self, handle: int) -> Peer | None:
        """It is no longer wanted, or has come. Returns the peer that was asked for it."""
        self._singles.pop(handle, None)
        self._waiting.pop(handle, None)
        asked = self._asked.pop(handle, None)
        if asked is None:
            return None
        asked.peer.singles.discard(handle)
        self._slow.discard(asked.peer.number)
        return asked.peer

    def refused(self, handle: int, peer: Peer) -> None:
        """This peer does not have it: ask others."""
        single = self._singles[handle]
        single.refused.add(peer.number)
        single.refusals[peer.number] += 1
        self.ask_again(handle)

    def ask_again(self, handle: int) -> None:
        """It does not come from the peer that was asked: ask any peer."""
        asked = self._asked.pop(handle, None)
        if asked is not None:
            asked.peer.singles.discard(handle)
            self._waiting[handle] = asked.single

    def left(self, peer: Peer) -> None:
        """A connection ended: ask others for what it was asked for."""
        for handle in list(peer.singles):
            self.ask_again(handle)
        for single in self._singles.values():
            single.refused.discard(peer.number)
        self._slow.discard(peer.number)

    def late(self, peers: Collection[Peer], *, now: float) -> list[tuple[Peer, int]]:
        """Take late contents from their peers. Returns these peers and handles, to be cancelled."""
        late = [handle for handle, asked in self._asked.items() if _is_late(asked, now)]
        if self._asked and len(late) < len(self._asked):
            idle = [one for one in peers if not one.singles and one.taking is None]
            late += [one for one in self._stolen(idle, now=now) if one not in late]
        cancelled = [(self._asked[handle].peer, handle) for handle in late]
        for peer, handle in cancelled:
            self._singles[handle].moves += 1
            self._slow.add(peer.number)
            self.refused(handle, peer)
        return cancelled

    def try_all_again(self, peers: Collection[Peer]) -> None:
        """Some time has passed: peers that lacked something may have it now."""
        for single in self._waiting.values():
            without = single.refused | single.transfer.mistaken
            if peers and all(peer.number in without for peer in peers):
                single.was_in_vain = True
        for single in self._singles.values():
            single.refused.clear()

    def is_lacking(self, handle: int) -> bool:
        """Whether no peer had it the last time that all were asked."""
        return handle in self._singles and self._singles[handle].was_in_vain

    def to_ask(self, peers: Collection[Peer], *, now: float) -> list[tuple[Peer, ContentTransfer]]:
        """Peers, and what to ask each for now; it counts as asked."""
        chosen = list[tuple[Peer, ContentTransfer]]()
        free = [peer for peer in peers if len(peer.singles) < AHEAD]
        for handle, single in list(self._waiting.items()) if free else ():
            peer = _least_asked(single, free, peers, self._slow, now)
            if peer is None:
                continue
            del self._waiting[handle]
            if not peer.singles:
                peer.single_at = now
            peer.singles.add(handle)
            self._asked[handle] = _Asked(single, peer, now)
            chosen.append((peer, single.transfer))
            if len(peer.singles) >= AHEAD:
                free.remove(peer)
                if not free:
                    break
        return chosen

    def _stolen(self, idle: Collection[Peer], *, now: float) -> Iterator[int]:
        """What idle peers take over from each of the others: everything if that one is slow, else
        the last half.
        """
        by_peer = dict[int, list[int]]()
        for handle, asked in self._asked.items():
            by_peer.setdefault(asked.peer.number, []).append(handle)
        for handles in by_peer.values() if idle else ():
            first = self._asked[handles[0]]
            helpers = [one for one in idle if one.sender != first.peer.sender]
            able = [one for one in handles if _can_help(helpers, self._asked[one].single, now)]
            if any(_is_behind(helpers, self._asked[handle], now) for handle in able):
                yield from able
            elif now - first.since >= IDLE_S:
                yield from able[len(able) - len(able) // 2 :]


def _least_asked(
    single: _Single, free: list[Peer], peers: Collection[Peer], slow: set[int], now: float
) -> Peer | None:
    """The peer to ask for it, of those that may be asked for more."""
    plan, refused = single.transfer.plan, single.refused | single.transfer.mistaken
    able = [peer for peer in free if peer.number not in refused]
    bad = plan.bad_peers
    if bad:
        if any(plan.can_send(one, now=now) for one in peers if one.number not in refused):
            able = [peer for peer in able if plan.can_send(peer, now=now)]
        else:
            able = [peer for peer in able if bad.may_try(peer.sender, now=now)]
    return min(
        able,
        key=lambda peer: (
            single.refusals.get(peer.number, 0),
            peer.number in slow,
            len(peer.singles),
        ),
        default=None,
    )


def _can_help(helpers: Collection[Peer], single: _Single, now: float) -> bool:
    plan = single.transfer.plan
    return any(
        one.number not in single.refused and (not plan.bad_peers or plan.can_send(one, now=now))
        for one in helpers
    )


def _is_behind(helpers: Collection[Peer], asked: _Asked, now: float) -> bool:
    """Whether its peer has sent nothing for longer than one of these helpers would need: see
    IDLE_S.
    """
    length = asked.single.transfer.content.size
    needed = [
        max(
            IDLE_S if one.meter.total else UNPROVEN_S,
            SLOW_FACTOR * length / one.chunk_rate if one.chunk_rate else 0.0,
        )
        for one in helpers
    ]
    stood_s = now - asked.peer.single_at
    return bool(needed) and stood_s >= min(needed) * 2.0 ** min(asked.single.moves, 16)


def _is_late(asked: _Asked, now: float) -> bool:
    age_s = now - asked.since
    if age_s <= LATE_S:
        return False
    return age_s > LATE_AT_MOST_S or asked.peer.meter.rate(now=now) < LEAST_RATE
