"""Which chunks of one file are had, and who works on which of the others.

Pure state: no socket, no file, no thread.

A chunk is in exactly one of these states: had, in one seeder's part, or unassigned. A seeder takes
one part at a time, works through it from its start, and may lose the end of it to a faster seeder
meanwhile: LMK/1 cannot recall a request, but the leecher may close in the middle of a range.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from roles.lmk1.chunks import CHUNK_SIZE, ChunkRange, chunk_count

# An original seeder reads its whole range into memory before the first chunk.
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_PART = MAX_PART_BYTES // CHUNK_SIZE  # in chunks
MIN_STOLEN = 64  # chunks: as many as may be on their way already
STALLED_S = 3.0  # without a chunk for this long a seeder loses its part to anyone who asks
SLOW_S = 2.0  # a part that takes longer than this is worth another seeder, however short it is
_UNKNOWN_RATE = 0.0

Seeder = TypeVar("Seeder", bound=Hashable)


@dataclass(slots=True)
class _Part:
    next: int  # first chunk not had yet
    stop: int
    since: float  # when the part was taken
    moved: float  # when its last chunk came

    @property
    def rest(self) -> int:
        return self.stop - self.next


@dataclass(slots=True)
class _Pace:
    """Chunks a second that a seeder has shown, over all its parts."""

    chunks: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.chunks / self.seconds if self.seconds > 0 else _UNKNOWN_RATE


class DownloadPlan(Generic[Seeder]):
    """Owned by one download, which holds its lock around each call."""

    def __init__(self, size: int) -> None:
        """`size` of the file in bytes."""
        self._count = chunk_count(size)
        self._unassigned = [ChunkRange(0, self._count)] if self._count else []
        self._parts: dict[Seeder, _Part] = {}
        self._paces: dict[Seeder, _Pace] = {}
        # Who stood still until others got the part, and has brought nothing since: it comes behind
        # all others, or many of them would pass a part on to each other for ever.
        self._beaten = set[Seeder]()

    @property
    def missing(self) -> int:
        """Chunks that are not had yet."""
        return sum(item.count for item in self._unassigned) + sum(
            part.rest for part in self._parts.values()
        )

    @property
    def is_done(self) -> bool:
        """Whether every chunk is had."""
        return not self._unassigned and all(part.rest == 0 for part in self._parts.values())

    def has_work_for(self, seeder: Seeder, *, now: float) -> bool:
        """Whether take() would give this seeder something now."""
        return self._may_have_unassigned(seeder, now) or self._victim(seeder, now) is not None

    def is_slow(self, *, now: float) -> bool:
        """Whether somebody's part takes so long that one more seeder is of use."""
        return any(
            part.rest and self._seconds_left(seeder, now) > SLOW_S
            for seeder, part in self._parts.items()
        )

    def take(self, seeder: Seeder, *, sharers: int, now: float) -> ChunkRange | None:
        """The next part for a seeder that has none; None when the others do better without it.

        `sharers` is how many seeders, this one included, are expected to work on the file.
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
        """Note that the seeder's chunks below `upto` are verified and written.

        Returns where its part ends by now.
        """
        part = self._parts[seeder]
        if upto > part.next:
            self._pace_of(seeder).chunks += min(upto, part.stop) - part.next
            part.next, part.moved = min(upto, part.stop), now
            self._beaten.discard(seeder)
        return part.stop

    def part_end(self, seeder: Seeder) -> int:
        """Where the seeder's part ends by now; 0 when it has none."""
        part = self._parts.get(seeder)
        return 0 if part is None else part.stop

    def reject(self, seeder: Seeder, index: int, *, now: float) -> None:
        """Note that this chunk, the seeder's next one, failed its check and is wanted again."""
        part = self._parts[seeder]
        if index < part.stop:
            part.next, part.moved = index + 1, now
            self._unassigned.append(ChunkRange(index, index + 1))

    def release(self, seeder: Seeder, *, now: float) -> None:
        """The seeder is through with its part, or gone: what is left of it is unassigned."""
        part = self._parts.pop(seeder, None)
        if part is None:
            return
        self._pace_of(seeder).seconds += max(now - part.since, 1e-3)
        if part.rest:
            self._unassigned.append(ChunkRange(part.next, part.stop))

    def is_stalled(self, seeder: Seeder, *, now: float) -> bool:
        """Whether this seeder has a part and nothing of it came for STALLED_S."""
        part = self._parts.get(seeder)
        return part is not None and now - part.moved >= STALLED_S

    def _may_have_unassigned(self, seeder: Seeder, now: float) -> bool:
        if seeder not in self._beaten:
            return bool(self._unassigned)
        moving = (other for other, part in self._parts.items() if part.rest and other != seeder)
        return bool(self._unassigned) and all(self.is_stalled(one, now=now) for one in moving)

    def _take_unassigned(self, sharers: int) -> ChunkRange:
        """The first piece, no longer than a fair share of all that is unassigned."""
        whole = sum(item.count for item in self._unassigned)
        share = max(1, min(MAX_PART, -(-whole // max(1, sharers))))
        first = self._unassigned.pop(0)
        taken = ChunkRange(first.start, min(first.stop, first.start + share))
        if taken.stop < first.stop:
            self._unassigned.insert(0, ChunkRange(taken.stop, first.stop))
        return taken

    def _steal(self, thief: Seeder, now: float) -> ChunkRange | None:
        victim = self._victim(thief, now)
        if victim is None:
            return None
        part = self._parts[victim]
        if self.is_stalled(victim, now=now):
            self._beaten.add(victim)
        taken = ChunkRange(part.stop - self._stolen_count(thief, victim, now), part.stop)
        part.stop = taken.start
        return taken

    def _victim(self, thief: Seeder, now: float) -> Seeder | None:
        """Whose part takes longest, if the thief would be of help there."""
        others = [seeder for seeder, part in self._parts.items() if part.rest and seeder != thief]
        if not others:
            return None
        slowest = max(others, key=lambda seeder: self._time_left(seeder, now))
        return slowest if self._stolen_count(thief, slowest, now) else None

    def _stolen_count(self, thief: Seeder, victim: Seeder, now: float) -> int:
        """How many chunks to move so that both end at the same time.

        All of them from one that stands still.
        """
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

    def _time_left(self, seeder: Seeder, now: float) -> float:
        """Seconds, endless for one that stands still; by the rest alone while nothing is known."""
        part = self._parts[seeder]
        if self.is_stalled(seeder, now=now):
            return float("inf")
        rate = self._rate(seeder, now)
        return part.rest / rate if rate else float(part.rest)

    def _seconds_left(self, seeder: Seeder, now: float) -> float:
        """By its rate; endless for one that stands still, 0.0 while nothing is known."""
        if self.is_stalled(seeder, now=now):
            return float("inf")
        rate = self._rate(seeder, now)
        return self._parts[seeder].rest / rate if rate else 0.0

    def _rate(self, seeder: Seeder, now: float) -> float:
        """Chunks a second over all its parts, the present one included."""
        pace, part = self._pace_of(seeder), self._parts[seeder]
        seconds = pace.seconds + (now - part.since)
        return pace.chunks / seconds if seconds >= 0.05 else _UNKNOWN_RATE

    def _pace_of(self, seeder: Seeder) -> _Pace:
        return self._paces.setdefault(seeder, _Pace())
