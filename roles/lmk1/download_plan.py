"""Which chunks of one file are here, and which seeder sends which of the others.

Every chunk is here, or in one seeder's part, or unassigned. A seeder has one part at a time and
sends it from its start. It may lose the end of it to a faster seeder: LMK/1 cannot recall a
request, but the leecher may close the connection in the middle of a range.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from roles.lmk1.peer_wire import CHUNK_SIZE, chunk_count

# An original seeder reads its whole range into memory before the first chunk.
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_PART = MAX_PART_BYTES // CHUNK_SIZE  # chunks
MIN_STOLEN = 64  # chunks; as many may already be on their way
STALLED_S = 3.0  # without a chunk for so long, a seeder loses its part to any other
SLOW_S = 2.0  # a part that takes longer is worth another seeder, however short it is
_UNKNOWN_RATE = 0.0

Seeder = TypeVar("Seeder", bound=Hashable)


@dataclass(slots=True)
class _Part:
    next: int  # first chunk that is missing
    stop: int
    since: float  # when the part was taken
    moved: float  # when its last chunk came

    @property
    def rest(self) -> int:
        return self.stop - self.next


@dataclass(slots=True)
class _Pace:
    """What a seeder has sent over all its parts."""

    chunks: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Chunks per second."""
        return self.chunks / self.seconds if self.seconds > 0 else _UNKNOWN_RATE


class DownloadPlan(Generic[Seeder]):
    """Owned by one download, which holds a lock around each call."""

    def __init__(self, size: int) -> None:
        """`size`: bytes of the file."""
        self._count = chunk_count(size)
        self._unassigned = [range(self._count)] if self._count else []
        self._parts: dict[Seeder, _Part] = {}
        self._paces: dict[Seeder, _Pace] = {}
        # Seeders that stalled, lost their part and have sent nothing since. They come after all
        # others, or several of them would take a part from each other forever.
        self._beaten = set[Seeder]()

    @property
    def missing(self) -> int:
        """Number of missing chunks."""
        return sum(map(len, self._unassigned)) + sum(part.rest for part in self._parts.values())

    @property
    def is_done(self) -> bool:
        return not self._unassigned and all(part.rest == 0 for part in self._parts.values())

    def has_work_for(self, seeder: Seeder, *, now: float) -> bool:
        """Whether take() would give this seeder something now."""
        return self._may_have_unassigned(seeder, now) or self._victim(seeder, now) is not None

    def is_slow(self, *, now: float) -> bool:
        """Whether a part takes so long that one more seeder would help."""
        return any(
            part.rest and self._seconds_left(seeder, now, unknown=0.0) > SLOW_S
            for seeder, part in self._parts.items()
        )

    def take(self, seeder: Seeder, *, sharers: int, now: float) -> range | None:
        """The next part for a seeder that has none; None if the others are faster without it.

        `sharers`: how many seeders, including this one, will share the file.
        """
        if self._may_have_unassigned(seeder, now):
            taken = self._take_unassigned(sharers)
        else:
            stolen = self._steal(seeder, now)
            if stolen is None:
                return None
            taken = stolen
        self._parts[seeder] = _Part(taken.start, taken.stop, since=now, moved=now)
        return taken

    def record(self, seeder: Seeder, upto: int, *, now: float) -> int:
        """The seeder's chunks below `upto` are verified and written; returns its part's end."""
        part = self._parts[seeder]
        if upto > part.next:
            self._pace_of(seeder).chunks += min(upto, part.stop) - part.next
            part.next, part.moved = min(upto, part.stop), now
            self._beaten.discard(seeder)
        return part.stop

    def part_end(self, seeder: Seeder) -> int:
        """Where the seeder's part ends now; 0 if it has none."""
        part = self._parts.get(seeder)
        return 0 if part is None else part.stop

    def reject(self, seeder: Seeder, index: int, *, now: float) -> None:
        """Chunk `index`, the seeder's next one, failed its check and must be fetched again."""
        part = self._parts[seeder]
        if index < part.stop:
            part.next, part.moved = index + 1, now
            self._unassigned.append(range(index, index + 1))

    def release(self, seeder: Seeder, *, now: float) -> None:
        """The seeder is done or gone; what is left of its part becomes unassigned."""
        part = self._parts.pop(seeder, None)
        if part is None:
            return
        self._pace_of(seeder).seconds += max(now - part.since, 1e-3)
        if part.rest:
            self._unassigned.append(range(part.next, part.stop))

    def is_stalled(self, seeder: Seeder, *, now: float) -> bool:
        """Whether this seeder has a part, but has sent nothing of it for STALLED_S."""
        part = self._parts.get(seeder)
        return part is not None and now - part.moved >= STALLED_S

    def _may_have_unassigned(self, seeder: Seeder, now: float) -> bool:
        if seeder not in self._beaten:
            return bool(self._unassigned)
        moving = (other for other, part in self._parts.items() if part.rest and other != seeder)
        return bool(self._unassigned) and all(self.is_stalled(one, now=now) for one in moving)

    def _take_unassigned(self, sharers: int) -> range:
        """The start of what is unassigned, at most a fair share of all of it."""
        whole = sum(map(len, self._unassigned))
        share = max(1, min(MAX_PART, -(-whole // max(1, sharers))))
        first = self._unassigned.pop(0)
        taken = range(first.start, min(first.stop, first.start + share))
        if taken.stop < first.stop:
            self._unassigned.insert(0, range(taken.stop, first.stop))
        return taken

    def _steal(self, thief: Seeder, now: float) -> range | None:
        victim = self._victim(thief, now)
        if victim is None:
            return None
        part = self._parts[victim]
        if self.is_stalled(victim, now=now):
            self._beaten.add(victim)
        taken = range(part.stop - self._stolen_count(thief, victim, now), part.stop)
        part.stop = taken.start
        return taken

    def _victim(self, thief: Seeder, now: float) -> Seeder | None:
        """The seeder whose part takes longest, if the thief would help there."""
        others = [seeder for seeder, part in self._parts.items() if part.rest and seeder != thief]
        if not others:
            return None
        # Without known rates, the longest part counts as the slowest.
        slowest = max(
            others,
            key=lambda one: self._seconds_left(one, now, unknown=float(self._parts[one].rest)),
        )
        return slowest if self._stolen_count(thief, slowest, now) else None

    def _stolen_count(self, thief: Seeder, victim: Seeder, now: float) -> int:
        """How many chunks to move so that both end at the same time; all if the victim stalls."""
        rest = self._parts[victim].rest
        if self.is_stalled(victim, now=now):
            still_s = now - self._parts[victim].moved
            is_last = thief in self._beaten and still_s < 2 * STALLED_S
            return 0 if is_last else min(rest, MAX_PART)
        theirs = self._rate(victim, now)
        pace = self._pace_of(thief)
        is_known = pace.chunks > 0 or pace.seconds >= STALLED_S
        ours = pace.rate if is_known else theirs or 1.0
        if rest < MIN_STOLEN:
            if not theirs or rest / theirs <= 1.0:
                return 0
            if is_known:
                return rest if ours > 2 * theirs else 0
            return rest // 2 if rest / theirs > SLOW_S else 0
        share = int(rest * ours / (ours + theirs)) if theirs else rest // 2 if ours else 0
        return min(share, MAX_PART) if share >= MIN_STOLEN // 2 else 0

    def _seconds_left(self, seeder: Seeder, now: float, *, unknown: float) -> float:
        """For the rest of its part; infinite if it stalls, `unknown` if it has no rate yet."""
        if self.is_stalled(seeder, now=now):
            return float("inf")
        rate = self._rate(seeder, now)
        return self._parts[seeder].rest / rate if rate else unknown

    def _rate(self, seeder: Seeder, now: float) -> float:
        """Chunks per second over all its parts, including the present one."""
        pace, part = self._pace_of(seeder), self._parts[seeder]
        seconds = pace.seconds + (now - part.since)
        return pace.chunks / seconds if seconds >= 0.05 else _UNKNOWN_RATE

    def _pace_of(self, seeder: Seeder) -> _Pace:
        return self._paces.setdefault(seeder, _Pace())
