"""Contents of one chunk: each is asked of one peer at a time, and each peer is asked for many.

An idle peer takes over what another is slow to send. Part of the swarm's pure state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
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


@dataclass(slots=True, eq=False)
class _Single:
    transfer: ContentTransfer
    peer: Peer | None = None  # that was asked
    since: float = 0.0  # when it was asked
    refused: set[int] = field(default_factory=set)  # connections without it, for now
    # How often each connection was among them. Those with fewer refusals are asked first:
    # `refused` may be cleared before all have been asked, if answers take long.
    refusals: Counter[int] = field(default_factory=Counter)
    moves: int = 0  # how often it was too late
    was_in_vain: bool = False  # no peer had it the last time that all were asked

    def is_late(self, now: float) -> bool:
        age_s = now - self.since
        if self.peer is None or age_s <= LATE_S:
            return False
        return age_s > LATE_AT_MOST_S or self.peer.meter.rate(now=now) < LEAST_RATE


class SingleChunks:
    """Contents by handle. Peer.singles holds the handles that a peer was asked for."""

    def __init__(self) -> None:
        # Those that wait for a peer are in the order of waiting, the others in that of asking.
        self._singles: dict[int, _Single] = {}
        self._slow: set[int] = set()  # connections that were too late with something: asked last

    def add(self, transfer: ContentTransfer) -> None:
        self._singles[transfer.handle] = _Single(transfer)

    def drop(self, handle: int) -> Peer | None:
        """It is no longer wanted, or has come. Returns the peer that was asked for it."""
        single = self._singles.pop(handle, None)
        if single is None or single.peer is None:
            return None
        single.peer.singles.discard(handle)
        self._slow.discard(single.peer.number)
        return single.peer

    def refused(self, handle: int, peer: Peer) -> None:
        """This peer does not have it: ask others."""
        single = self._singles[handle]
        single.refused.add(peer.number)
        single.refusals[peer.number] += 1
        self.ask_again(handle)

    def ask_again(self, handle: int) -> None:
        """It does not come from the peer that was asked: ask any peer."""
        single = self._singles.get(handle)
        if single is not None and single.peer is not None:
            single.peer.singles.discard(handle)
            single.peer = None
            self._move_to_end(handle)

    def left(self, peer: Peer) -> None:
        """A connection ended: ask others for what it was asked for."""
        for handle in list(peer.singles):
            self.ask_again(handle)
        for single in self._singles.values():
            single.refused.discard(peer.number)
        self._slow.discard(peer.number)

    def late(self, peers: Collection[Peer], *, now: float) -> list[tuple[Peer, int]]:
        """Take late contents from their peers. Returns these peers and handles, to be cancelled."""
        asked = [single for single in self._singles.values() if single.peer is not None]
        late = [single for single in asked if single.is_late(now)]
        if len(late) < len(asked):
            idle = [peer for peer in peers if not peer.singles and peer.taking is None]
            late += [single for single in _stolen(asked, idle, now=now) if single not in late]
        cancelled = [(single.peer, single) for single in late if single.peer is not None]
        for peer, single in cancelled:
            single.moves += 1
            self._slow.add(peer.number)
            self.refused(single.transfer.handle, peer)
        return [(peer, single.transfer.handle) for peer, single in cancelled]

    def try_all_again(self, peers: Collection[Peer]) -> None:
        """Some time has passed: peers that lacked something may have it now."""
        for single in self._waiting():
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
        for single in self._waiting() if free else ():
            peer = _least_asked(single, free, peers, self._slow, now)
            if peer is None:
                continue
            handle = single.transfer.handle
            if not peer.singles:
                peer.single_at = now
            peer.singles.add(handle)
            single.peer, single.since = peer, now
            self._move_to_end(handle)
            chosen.append((peer, single.transfer))
            if len(peer.singles) >= AHEAD:
                free.remove(peer)
                if not free:
                    break
        return chosen

    def _waiting(self) -> list[_Single]:
        """Those that no peer is asked for now."""
        return [single for single in self._singles.values() if single.peer is None]

    def _move_to_end(self, handle: int) -> None:
        self._singles[handle] = self._singles.pop(handle)


def _stolen(asked: Iterable[_Single], idle: Collection[Peer], *, now: float) -> Iterator[_Single]:
    """What idle peers take over from each of the others: everything if that one is slow, else the
    last half.
    """
    by_peer = dict[int, tuple[Peer, list[_Single]]]()
    for single in asked if idle else ():
        if single.peer is not None:
            by_peer.setdefault(single.peer.number, (single.peer, []))[1].append(single)
    for slow, singles in by_peer.values():
        helpers = [peer for peer in idle if peer.sender != slow.sender]
        able = [single for single in singles if _can_help(helpers, single, now)]
        if any(_is_behind(helpers, slow, single, now) for single in able):
            yield from able
        elif now - singles[0].since >= IDLE_S:
            yield from able[len(able) - len(able) // 2 :]


def _least_asked(
    single: _Single, free: list[Peer], peers: Collection[Peer], slow: set[int], now: float
) -> Peer | None:
    """The peer to ask for it, of those that may be asked for more."""
    plan, refused = single.transfer.plan, single.refused | single.transfer.mistaken
    able = [peer for peer in free if peer.number not in refused]
    bad = plan.bad_peers
    if bad.any_wrong:
        if any(plan.can_send(peer, now=now) for peer in peers if peer.number not in refused):
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
        peer.number not in single.refused
        and (not plan.bad_peers.any_wrong or plan.can_send(peer, now=now))
        for peer in helpers
    )


def _is_behind(helpers: Collection[Peer], slow: Peer, single: _Single, now: float) -> bool:
    """Whether its peer has sent nothing for longer than one of these helpers would need: see
    IDLE_S.
    """
    length = single.transfer.content.size
    needed = [
        max(
            IDLE_S if peer.meter.total else UNPROVEN_S,
            SLOW_FACTOR * length / peer.chunk_rate if peer.chunk_rate else 0.0,
        )
        for peer in helpers
    ]
    return bool(needed) and now - slow.single_at >= min(needed) * 2.0 ** min(single.moves, 16)
