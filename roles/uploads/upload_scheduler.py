"""Who is sent what next: choice of chunk, slots and line, for all leechers of a program.

Pure state. A slot is held from an offer to the last byte of its chunk; whoever wants nothing that
is here waits without one. Who waits for a slot stands in line, in order of arrival, but a host that
has few slots goes before one that has more, and no host gets more than one slot more than any other
host that is served or waits.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.uploads.times_sent import MAX_LEVELS, TimesSent, any_of

TURN_CHUNKS = 1  # sent in a row when others wait: what few have must soon be with many
MAX_LOOKED = 128  # contents, for one offer: a leecher of ours has 64 under way
# A slot counts as unused when no piece of a chunk went out for STALL_S although the network could
# carry more than SLOW_SHARE times as much to each slot.
STALL_S = 2.0
PIECE = 64 * 1024  # bytes
SLOW_SHARE = 4
WINDOW_S = 1.0
SLOW_LINE = 1.25e6  # bytes per second: assumed until it was measured
HALF_S = 60.0  # a measurement counts half after so long, because networks change
MAX_CONTENTS = 4_096  # of which it is remembered how often each chunk was sent


@dataclass(slots=True)
class _Wish:
    """What one leecher wants of one content."""

    root: bytes
    chunks: int
    offered: int = 0  # offered to it or on their way


@dataclass(slots=True)
class _Member:
    host: str
    wishes: dict[int, _Wish] = field(default_factory=dict)
    by_root: dict[bytes, dict[int, _Wish]] = field(default_factory=dict)  # the same
    has_slot: bool = False
    is_waiting: bool = False  # in line
    in_turn: int = 0  # chunks offered since it has its slot
    moved_at: float = 0.0  # when it got its slot, or took something


@dataclass(frozen=True, slots=True)
class Choice:
    """The chunk to offer next."""

    handle: int
    root: bytes
    index: int


class UploadScheduler:
    """Members are numbers. The shell holds its lock around each call; no call waits."""

    def __init__(self, slots: int, have: Callable[[bytes], int], rng: random.Random) -> None:
        """`have` gives the bitmap of a content that can be sent now."""
        self._slots = slots
        self._line_rate = LineRate()
        self._have = have
        self._rng = rng
        self._members: dict[int, _Member] = {}
        self._held = Counter[str]()  # slots, by host; none: not in it
        self._line: list[int] = []
        self._missed: dict[int, None] = {}  # who was not woken by news: no slot was free
        self._times: dict[bytes, TimesSent] = {}
        self._latest = 0.0  # the newest `now` that a caller gave

    @property
    def slots_taken(self) -> int:
        """How many slots are held."""
        return self._held.total()

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for a slot."""
        return bool(self._line)

    @property
    def members(self) -> int:
        """How many leechers are connected."""
        return len(self._members)

    def limit(self, slots: int) -> list[int]:
        """So many slots from now on; who has more keeps them for this turn.

        Returns who has one now and must be woken.
        """
        self._slots = slots
        return self._grant()

    def enter(self, number: int, host: str) -> None:
        """A leecher is connected."""
        self._members[number] = _Member(host)

    def leave(self, number: int) -> list[int]:
        """It is gone. Returns who has a slot now and must be woken."""
        member = self._members[number]
        for wish in member.wishes.values():
            self._take_back(wish)
        self._release(member)
        self._leave_line(number)
        self._missed.pop(number, None)
        del self._members[number]
        return self._grant()

    def want(self, number: int, handle: int, root: bytes, chunks: int) -> None:
        """What it wants of a content from now on; nothing closes the handle."""
        member = self._members[number]
        wish = member.wishes.get(handle)
        if wish is None:
            wish = member.wishes[handle] = _Wish(root, chunks)
            member.by_root.setdefault(root, {})[handle] = wish
        wish.chunks = chunks
        if not chunks and not wish.offered:
            _drop_wish(member, handle)

    def forget(self, number: int, handle: int) -> None:
        """Nothing of this content is sent to it any more."""
        wish = _drop_wish(self._members[number], handle)
        if wish is not None:
            self._take_back(wish)

    def next_choice(self, number: int, *, now: float) -> tuple[Choice | None, list[int]]:
        """The chunk to offer it now, with a slot; and who has a slot instead and must be woken.

        None: it waits in line, or nothing that it wants is here; it is woken then.
        """
        member = self._members[number]
        self._latest = now
        self._missed.pop(number, None)
        found = self._wanted_here(member)
        if found is None:
            self._leave_line(number)
            return None, self.give_back(number) if member.has_slot else self._grant()
        if not member.has_slot and not self._take_slot(number, member, now):
            return None, []
        handle, wish, candidates = found
        index = any_of(candidates, self._rng)
        self._times_of(wish.root).sent(index)
        wish.offered |= 1 << index
        member.in_turn += 1
        member.moved_at = now
        return Choice(handle, wish.root, index), self._grant() if self._line else []

    def has_slot(self, number: int) -> bool:
        """Whether it holds one."""
        return self._members[number].has_slot

    def moved(self, number: int, count: int, *, now: float) -> None:
        """So many bytes went out to it."""
        self._members[number].moved_at = self._latest = now
        self._line_rate.add(count, now=now)

    def ask_slot(self, number: int, *, now: float) -> bool:
        """Whether it has a slot for the chunk that it took when its own had gone to others.

        Else it waits in line; it is woken when it has one.
        """
        member = self._members[number]
        if not (member.has_slot or self._take_slot(number, member, now)):
            return False
        member.in_turn = max(member.in_turn, 1)  # that chunk
        return True

    def is_turn_over(self, number: int) -> bool:
        """Whether it had its chunks and somebody waits who would get its slot. Then nothing is
        offered to it ahead.
        """
        member = self._members[number]
        if member.in_turn < TURN_CHUNKS:
            return False
        waiting = (self._members[other].host for other in self._line)
        held = self._held[member.host]
        return any(host == member.host or self._held[host] < held for host in waiting)

    def is_in_line(self, number: int) -> bool:
        """Whether it waits for a slot."""
        return self._members[number].is_waiting

    def sent(self, number: int, handle: int, index: int) -> None:
        """The last byte of a chunk is out."""
        wish = self._members[number].wishes.get(handle)
        if wish is not None:
            wish.offered &= ~(1 << index)
            wish.chunks &= ~(1 << index)

    def not_sent(self, number: int, handle: int, index: int) -> None:
        """It declined, or the sending was broken off."""
        wish = self._members[number].wishes.get(handle)
        if wish is not None and wish.offered >> index & 1:
            wish.offered &= ~(1 << index)
            wish.chunks &= ~(1 << index)
            self._times_of(wish.root).not_sent(index)

    def give_back(self, number: int) -> list[int]:
        """It needs no slot for now. Returns who has one instead and must be woken."""
        self._release(self._members[number])
        return self._grant()

    def news(self, root: bytes, chunks: int) -> list[int]:
        """These chunks can be sent now: who to wake, as many as there are free slots.

        The others are woken when slots come free. Who has a slot, stands in line or has an offer
        to answer looks by itself.
        """
        free = self._slots - self.slots_taken
        woken = list[int]()
        for number, member in self._members.items():
            wishes = member.by_root.get(root)
            if not wishes or _looks_by_itself(member):
                continue
            if not any(wish.chunks & chunks for wish in wishes.values()):
                continue
            if len(woken) < free:
                woken.append(number)
            else:
                self._missed[number] = None
        if woken and len(woken) < len(self._members):  # the next news wakes others first
            first = woken[0]
            self._members[first] = self._members.pop(first)
        return woken

    def place(self, number: int) -> int:
        """Its place in line; 0 when it does not wait."""
        return self._line.index(number) + 1 if number in self._line else 0

    def _wanted_here(self, member: _Member) -> tuple[int, _Wish, int] | None:
        """What of its wishes is here and was sent least often, of some content with such.

        So no chunk of a folder goes out twice while another one of it has not gone out at all, and
        two seeders of it rarely send the same one at a time.
        """
        wishes = list(member.wishes.items())
        first = int(self._rng.random() * len(wishes))
        found, fewest = None, MAX_LEVELS + 1
        for looked, (handle, wish) in enumerate(wishes[first:] + wishes[:first]):
            if found is not None and looked >= MAX_LOOKED:
                break
            wanted = wish.chunks & ~wish.offered
            here = wanted & self._have(wish.root) if wanted else 0
            candidates, times = self._times_of(wish.root).least(here) if here else (0, 0)
            if candidates and times < fewest:
                found, fewest = (handle, wish, candidates), times
                if not times:
                    break
        return found

    def _take_slot(self, number: int, member: _Member, now: float) -> bool:
        """A free slot, else a place in line; nobody is in line who may have one that is free."""
        self._latest = now
        if self.slots_taken >= self._slots:
            self._release_unused(now)
        if self.slots_taken < self._slots and self._may_hold(member.host):
            self._hold(member)
            return True
        if not member.is_waiting:
            member.is_waiting = True
            self._line.append(number)
        return False

    def _grant(self) -> list[int]:
        """Give free slots to those in line, hosts with few slots first. Returns who must look."""
        granted = list[int]()
        free = self._slots - self.slots_taken
        while free > 0 and self._line:
            number = min(self._line, key=lambda waiting: self._held[self._members[waiting].host])
            if not self._may_hold(self._members[number].host):
                break  # nor may the others, whose hosts hold as many or more
            self._leave_line(number)
            self._hold(self._members[number])
            granted.append(number)
            free -= 1
        while free > 0 and self._missed:  # these look, and take a slot if they need it
            number = next(iter(self._missed))
            del self._missed[number]
            granted.append(number)
            free -= 1
        return granted

    def _may_hold(self, host: str) -> bool:
        """Whether this host may have one slot more than it has."""
        held = self._held[host]
        if not held:
            return True
        waiting = {self._members[number].host for number in self._line}
        return all(self._held[other] >= held for other in waiting.union(self._held) - {host})

    def _hold(self, member: _Member) -> None:
        """It has a slot from now on; it had none."""
        member.has_slot, member.in_turn, member.moved_at = True, 0, self._latest
        self._held[member.host] += 1

    def _release_unused(self, now: float) -> None:
        """Somebody waits: free the slots of those that take hardly anything. If everybody is slow,
        it is the network, and all keep theirs.
        """
        for member in self._members.values():
            stood_s = now - member.moved_at
            if not member.has_slot or stood_s < STALL_S:
                continue
            if PIECE / stood_s * SLOW_SHARE * self._slots < self._line_rate.best:
                self._release(member)

    def _release(self, member: _Member) -> None:
        """It has no slot from now on."""
        if member.has_slot:
            self._held[member.host] -= 1
            if not self._held[member.host]:
                del self._held[member.host]
        member.has_slot, member.in_turn = False, 0

    def _leave_line(self, number: int) -> None:
        member = self._members[number]
        if member.is_waiting:
            member.is_waiting = False
            self._line.remove(number)

    def _take_back(self, wish: _Wish) -> None:
        times = self._times_of(wish.root)
        offered, wish.offered = wish.offered, 0
        while offered:
            lowest = offered & -offered
            times.not_sent(lowest.bit_length() - 1)
            offered ^= lowest

    def _times_of(self, root: bytes) -> TimesSent:
        times = self._times.get(root)
        if times is None:
            while len(self._times) >= MAX_CONTENTS:
                del self._times[next(iter(self._times))]
            times = self._times[root] = TimesSent()
        return times


class LineRate:
    """What the network can carry: the best of what went out in two seconds in a row, because the
    first one may only have filled buffers. Old measurements fade.
    """

    def __init__(self) -> None:
        self.best = SLOW_LINE  # bytes per second
        self._since: float | None = None
        self._count = 0
        self._before: float | None = None  # bytes per second in the window before
        self._is_known = False

    def add(self, count: int, *, now: float) -> None:
        """So many bytes went out since the last call."""
        self._count += count
        if self._since is None:
            self._since = now
        elapsed = now - self._since
        if elapsed < WINDOW_S:
            return
        rate = self._count / elapsed
        if self._before is not None:
            known = self.best * 0.5 ** (elapsed / HALF_S) if self._is_known else 0.0
            self.best, self._is_known = max(known, min(rate, self._before)), True
        self._since, self._count, self._before = now, 0, rate


def _drop_wish(member: _Member, handle: int) -> _Wish | None:
    wish = member.wishes.pop(handle, None)
    if wish is not None:
        same = member.by_root[wish.root]
        del same[handle]
        if not same:
            del member.by_root[wish.root]
    return wish


def _looks_by_itself(member: _Member) -> bool:
    return (
        member.has_slot or member.is_waiting or any(wish.offered for wish in member.wishes.values())
    )
