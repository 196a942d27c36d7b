"""Decides which leecher gets a slot, and which chunk it is offered, for all leechers of a program.

A leecher holds a slot from an offer to the last byte of the chunk; one that wants nothing that is
here waits without a slot. The queue for slots is in order of arrival, but hosts with fewer slots go
first, and no host gets more than one slot more than any other host that is served or waits. Pure
state.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.uploads.times_sent import MAX_LEVELS, TimesSent, any_of
from roles.uploads.uplink_rate import UplinkRate

TURN_CHUNKS = 1  # in a row while others wait: rare chunks must soon be with many
MAX_LOOKED = 128  # contents examined for one offer: a leecher of ours has 64 under way
# A slot is unused when no PIECE went out for STALL_S, although the network could carry more than
# SLOW_SHARE times as much to each slot.
STALL_S = 2.0
PIECE = 64 * 1024  # bytes
SLOW_SHARE = 4
MAX_CONTENTS = 4_096  # with a TimesSent


@dataclass(slots=True)
class _ContentRequest:
    """What one leecher wants of one content."""

    root: bytes
    chunks: int  # bitmap, without those that were offered


@dataclass(frozen=True, slots=True)
class ChosenChunk:
    """The chunk to offer next."""

    handle: int
    root: bytes
    index: int


@dataclass(slots=True)
class _ServedLeecher:
    host: str
    requests: dict[int, _ContentRequest] = field(default_factory=dict)
    by_root: dict[bytes, dict[int, _ContentRequest]] = field(
        default_factory=dict
    )  # the same requests
    offered: list[ChosenChunk] = field(default_factory=list)  # or on their way
    has_slot: bool = False
    is_queued: bool = False  # for a slot
    in_turn: int = 0  # chunks offered since it got its slot
    moved_at: float = 0.0  # when it got its slot, or bytes last went out to it


class UploadScheduler:
    """Leechers are numbers. The caller holds its lock around each call."""

    def __init__(
        self,
        slots: int,
        have: Callable[[bytes], int],
        wake: Callable[[int], None],
        rng: random.Random,
    ) -> None:
        """`have` returns the bitmap of the chunks that can be sent now, by root. `wake` is called
        with each leecher that has a slot now, or something to look at, except the one that a call
        is about; it must return at once.
        """
        self._slots = slots
        self.slots_taken = 0
        self._uplink_rate = UplinkRate()
        self._have = have
        self._wake = wake
        self._rng = rng
        self._leechers: dict[int, _ServedLeecher] = {}
        self._held = Counter[str]()  # slots by host, without zeros
        self._queue: list[int] = []
        self._missed: dict[int, None] = {}  # not woken by news(), because no slot was free
        self._times: dict[bytes, TimesSent] = {}
        self._latest = 0.0  # the newest `now` that a caller passed

    @property
    def is_waited_for(self) -> bool:
        """Whether a leecher waits for a slot."""
        return bool(self._queue)

    @property
    def leechers(self) -> int:
        """The number of connected leechers."""
        return len(self._leechers)

    def limit(self, slots: int) -> None:
        """Set the number of slots; slots that are held stay so for this turn."""
        self._slots = slots
        self._grant()

    def joined(self, number: int, host: str) -> None:
        self._leechers[number] = _ServedLeecher(host)

    def left(self, number: int) -> None:
        leecher = self._leechers[number]
        self._take_back(leecher, leecher.offered)
        self._free_slot(leecher)
        self._dequeue(number)
        self._missed.pop(number, None)
        del self._leechers[number]
        self._grant()

    def want(self, number: int, handle: int, root: bytes, chunks: int) -> None:
        """The chunks of a content, a bitmap, that it wants from now on."""
        leecher = self._leechers[number]
        for choice in leecher.offered:
            if choice.handle == handle:
                chunks &= ~(1 << choice.index)
        request = leecher.requests.get(handle)
        if request is None:
            request = leecher.requests[handle] = _ContentRequest(root, chunks)
            leecher.by_root.setdefault(root, {})[handle] = request
        request.chunks = chunks

    def forget(self, number: int, handle: int) -> None:
        """End a request, and take back its offers."""
        leecher = self._leechers[number]
        self._take_back(leecher, [choice for choice in leecher.offered if choice.handle == handle])
        request = leecher.requests.pop(handle, None)
        if request is not None:
            same = leecher.by_root[request.root]
            del same[handle]
            if not same:
                del leecher.by_root[request.root]

    def next_choice(self, number: int, *, now: float) -> ChosenChunk | None:
        """The chunk to offer it now, for which it has a slot.

        None if it is queued, or nothing that it wants is here; it will be woken.
        """
        leecher = self._leechers[number]
        self._latest = now
        self._missed.pop(number, None)
        wanted = self._wanted_here(leecher)
        if wanted is None:
            self._dequeue(number)
            self.release(number)
            return None
        if not self._has_or_takes_slot(number, leecher, now):
            return None
        handle, request, candidates = wanted
        index = any_of(candidates, self._rng)
        choice = ChosenChunk(handle, request.root, index)
        self._times_of(request.root).sent(index)
        request.chunks &= ~(1 << index)
        leecher.offered.append(choice)
        leecher.in_turn += 1
        leecher.moved_at = now
        if self._queue:
            self._grant()
        return choice

    def has_slot(self, number: int) -> bool:
        return self._leechers[number].has_slot

    def use_slot(self, number: int) -> bool:
        """Whether it holds a slot; if so, its turn counts as begun."""
        leecher = self._leechers[number]
        if leecher.has_slot:
            leecher.in_turn = max(leecher.in_turn, 1)
        return leecher.has_slot

    def moved(self, number: int, count: int, *, now: float) -> None:
        """`count` bytes went out to it."""
        self._leechers[number].moved_at = self._latest = now
        self._uplink_rate.add(count, now=now)

    def ask_slot(self, number: int, *, now: float) -> bool:
        """Whether it has a slot now, after it lost its own to others.

        Otherwise it is queued; it will be woken.
        """
        self._has_or_takes_slot(number, self._leechers[number], now)
        return self.use_slot(number)

    def is_turn_over(self, number: int) -> bool:
        """Whether it had its chunks, and another leecher waits that would get its slot."""
        leecher = self._leechers[number]
        if leecher.in_turn < TURN_CHUNKS or not self._queue:
            return False
        waiting = (self._leechers[other].host for other in self._queue)
        held = self._held[leecher.host]
        return any(host == leecher.host or self._held[host] < held for host in waiting)

    def is_queued(self, number: int) -> bool:
        return self._leechers[number].is_queued

    def sent(self, number: int, choice: ChosenChunk) -> None:
        """The last byte of a chunk is out."""
        offered = self._leechers[number].offered
        if choice in offered:
            offered.remove(choice)

    def not_sent(self, number: int, choice: ChosenChunk) -> None:
        """The leecher declined the chunk, or sending it was broken off."""
        leecher = self._leechers[number]
        if choice in leecher.offered:
            self._take_back(leecher, [choice])

    def release(self, number: int) -> None:
        """It needs no slot for now."""
        self._free_slot(self._leechers[number])
        self._grant()

    def news(self, root: bytes, chunks: int) -> None:
        """These chunks, a bitmap, can be sent now. Wakes one leecher for each free slot, and others
        when slots become free. A leecher with a slot, a position or an offer looks by itself.
        """
        waiting = list[int]()
        for number, leecher in self._leechers.items():
            if leecher.has_slot or leecher.is_queued or leecher.offered:
                continue
            for request in leecher.by_root.get(root, {}).values():
                if request.chunks & chunks:
                    waiting.append(number)
                    break
        if not waiting:
            return
        free = max(0, self._slots - self.slots_taken)
        woken = waiting[:free]
        self._missed |= dict.fromkeys(waiting[free:])
        if woken and len(woken) < len(self._leechers):  # the next news wakes others first
            first = woken[0]
            self._leechers[first] = self._leechers.pop(first)
        for number in woken:
            self._wake(number)

    def position(self, number: int) -> int:
        """Its position in the queue, from 1; 0 when it does not wait."""
        return self._queue.index(number) + 1 if number in self._queue else 0

    def _wanted_here(self, leecher: _ServedLeecher) -> tuple[int, _ContentRequest, int] | None:
        """Of its requests, handle, request and the chunks that are here and were sent least often.

        So no chunk of a folder goes out twice before all have gone out once. The search starts at a
        random content, so that two seeders rarely send the same chunk at a time.
        """
        requests = list(leecher.requests.items())
        first = int(self._rng.random() * len(requests))
        best, fewest = None, MAX_LEVELS + 1
        for looked, (handle, request) in enumerate(requests[first:] + requests[:first]):
            if best is not None and looked >= MAX_LOOKED:
                break
            here = request.chunks & self._have(request.root) if request.chunks else 0
            candidates, times = self._times_of(request.root).least(here) if here else (0, 0)
            if candidates and times < fewest:
                best, fewest = (handle, request, candidates), times
                if not times:
                    break
        return best

    def _has_or_takes_slot(self, number: int, leecher: _ServedLeecher, now: float) -> bool:
        """Whether it has a slot, or gets a free one; otherwise it gets a position in the queue."""
        if leecher.has_slot:
            return True
        self._latest = now
        if self.slots_taken >= self._slots:
            self._release_unused(now)
        if not leecher.is_queued:
            leecher.is_queued = True
            self._queue.append(number)
        self._grant(besides=number)
        return leecher.has_slot

    def _grant(self, besides: int | None = None) -> None:
        """Give free slots to queued leechers, those of hosts with few slots first, and wake all but
        `besides`.
        """
        granted = list[int]()
        free = self._slots - self.slots_taken
        while free > 0 and self._queue:
            number = min(self._queue, key=lambda waiting: self._held[self._leechers[waiting].host])
            if not self._may_hold(self._leechers[number].host):
                break  # nor may the others: their hosts hold as many or more
            self._dequeue(number)
            self._hold(self._leechers[number])
            granted.append(number)
            free -= 1
        while free > 0 and self._missed:  # these look, and take a slot if they need it
            number = next(iter(self._missed))
            del self._missed[number]
            granted.append(number)
            free -= 1
        for number in granted:
            if number != besides:
                self._wake(number)

    def _may_hold(self, host: str) -> bool:
        """Whether this host may have one more slot."""
        held = self._held[host]
        if not held:
            return True
        waiting = {self._leechers[number].host for number in self._queue}
        return all(self._held[other] >= held for other in waiting.union(self._held) - {host})

    def _hold(self, leecher: _ServedLeecher) -> None:
        leecher.has_slot, leecher.in_turn, leecher.moved_at = True, 0, self._latest
        self._held[leecher.host] += 1
        self.slots_taken += 1

    def _release_unused(self, now: float) -> None:
        """Another leecher waits: free the slots of those that take hardly anything. If all are
        slow, it is the network's fault, and all keep their slots.
        """
        for leecher in self._leechers.values():
            stood_s = now - leecher.moved_at
            if not leecher.has_slot or stood_s < STALL_S:
                continue
            if PIECE / stood_s * SLOW_SHARE * self._slots < self._uplink_rate.best:
                self._free_slot(leecher)

    def _free_slot(self, leecher: _ServedLeecher) -> None:
        if leecher.has_slot:
            self.slots_taken -= 1
            self._held[leecher.host] -= 1
            if not self._held[leecher.host]:
                del self._held[leecher.host]
        leecher.has_slot, leecher.in_turn = False, 0

    def _dequeue(self, number: int) -> None:
        leecher = self._leechers[number]
        if leecher.is_queued:
            leecher.is_queued = False
            self._queue.remove(number)

    def _take_back(self, leecher: _ServedLeecher, offered: list[ChosenChunk]) -> None:
        """These were not sent after all."""
        for choice in offered:
            self._times_of(choice.root).not_sent(choice.index)
        leecher.offered = [choice for choice in leecher.offered if choice not in offered]

    def _times_of(self, root: bytes) -> TimesSent:
        times = self._times.get(root)
        if times is None:
            while len(self._times) >= MAX_CONTENTS:
                del self._times[next(iter(self._times))]
            times = self._times[root] = TimesSent()
        return times
