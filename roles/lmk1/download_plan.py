"""Which chunks of one file are here, and which seeder sends which of the others.

Every chunk is here, or in one seeder's part, or unassigned. A seeder has one part at a time and
sends it from its start. When nothing is unassigned, the next seeder takes over the second half of
the longest part: LMK/1 cannot recall a request, but the leecher may close the connection in the
middle of a range.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from roles.lmk1.peer_wire import CHUNK_SIZE, chunk_count

# An original seeder reads its whole range into memory before the first chunk.
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_PART = MAX_PART_BYTES // CHUNK_SIZE  # chunks
MIN_STOLEN = 64  # chunks; as many may already be on their way
STALLED_S = 3.0  # without a chunk for so long, a seeder loses its part to any other
SLOW_S = 2.0  # after so long even a part of fewer than MIN_STOLEN chunks is halved


@dataclass(slots=True)
class _Part:
    next: int  # first chunk that is missing
    stop: int
    since: float  # when the part was taken
    moved: float  # when its last chunk came

    @property
    def rest(self) -> int:
        return self.stop - self.next


class DownloadPlan:
    """Owned by one download, which holds a lock around each call."""

    def __init__(self, size: int) -> None:
        """`size`: bytes of the file."""
        self._count = chunk_count(size)
        self._unassigned = [range(self._count)] if self._count else []
        self._parts: dict[Hashable, _Part] = {}
        # Seeders that stalled, lost their part and have sent nothing since. They come after all
        # others, or several of them would take a part from each other forever.
        self._beaten = set[Hashable]()

    @property
    def missing(self) -> int:
        """Number of missing chunks."""
        return sum(map(len, self._unassigned)) + sum(part.rest for part in self._parts.values())

    @property
    def is_done(self) -> bool:
        return not self._unassigned and all(part.rest == 0 for part in self._parts.values())

    def has_work_for(self, seeder: Hashable, *, now: float) -> bool:
        """Whether take() would give this seeder something now."""
        return self._may_have_unassigned(seeder, now) or self._victim(seeder, now) is not None

    def is_slow(self, *, now: float) -> bool:
        """Whether a seeder has had its part for so long that one more would help, however few
        chunks are left.
        """
        return any(part.rest and now - part.since >= SLOW_S for part in self._parts.values())

    def take(self, seeder: Hashable, *, sharers: int, now: float) -> range | None:
        """The next part for a seeder that has none; None if there is nothing for it.

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

    def record(self, seeder: Hashable, upto: int, *, now: float) -> int:
        """The seeder's chunks below `upto` are verified and written; returns its part's end."""
        part = self._parts[seeder]
        if upto > part.next:
            part.next, part.moved = min(upto, part.stop), now
            self._beaten.discard(seeder)
        return part.stop

    def part_end(self, seeder: Hashable) -> int:
        """Where the seeder's part ends now; 0 if it has none."""
        part = self._parts.get(seeder)
        return 0 if part is None else part.stop

    def reject(self, seeder: Hashable, index: int, *, now: float) -> None:
        """Chunk `index`, the seeder's next one, failed its check and must be fetched again."""
        part = self._parts[seeder]
        if index < part.stop:
            part.next, part.moved = index + 1, now
            self._unassigned.append(range(index, index + 1))

    def release(self, seeder: Hashable) -> None:
        """The seeder is done or gone; what is left of its part becomes unassigned."""
        part = self._parts.pop(seeder, None)
        if part is not None and part.rest:
            self._unassigned.append(range(part.next, part.stop))

    def is_stalled(self, seeder: Hashable, *, now: float) -> bool:
        """Whether this seeder has a part, but has sent nothing of it for STALLED_S."""
        part = self._parts.get(seeder)
        return part is not None and now - part.moved >= STALLED_S

    def _may_have_unassigned(self, seeder: Hashable, now: float) -> bool:
        if seeder not in self._beaten:
            return bool(self._unassigned)
        moving = (other for other, part in self._parts.items() if part.rest and other != seeder)
        return bool(self._unassigned) and all(self.is_stalled(other, now=now) for other in moving)

    def _take_unassigned(self, sharers: int) -> range:
        """The start of what is unassigned, at most a fair share of all of it."""
        whole = sum(map(len, self._unassigned))
        share = max(1, min(MAX_PART, -(-whole // max(1, sharers))))
        first = self._unassigned.pop(0)
        taken = range(first.start, min(first.stop, first.start + share))
        if taken.stop < first.stop:
            self._unassigned.insert(0, range(taken.stop, first.stop))
        return taken

    def _steal(self, thief: Hashable, now: float) -> range | None:
        victim = self._victim(thief, now)
        if victim is None:
            return None
        part = self._parts[victim]
        if self.is_stalled(victim, now=now):
            self._beaten.add(victim)
        taken = range(part.stop - self._stolen_count(thief, victim, now), part.stop)
        part.stop = taken.start
        return taken

    def _victim(self, thief: Hashable, now: float) -> Hashable | None:
        """The seeder whose part the thief would take most of."""
        counts = {
            seeder: self._stolen_count(thief, seeder, now)
            for seeder in self._parts
            if seeder != thief
        }
        most = max(counts, key=counts.__getitem__, default=None)
        return most if most is not None and counts[most] else None

    def _stolen_count(self, thief: Hashable, victim: Hashable, now: float) -> int:
        """How many chunks of its part to move: half of them, or all if the victim stalls."""
        part = self._parts[victim]
        if self.is_stalled(victim, now=now):
            is_last = thief in self._beaten and now - part.moved < 2 * STALLED_S
            return 0 if is_last else part.rest
        if thief in self._beaten or (part.rest < MIN_STOLEN and now - part.since < SLOW_S):
            return 0
        return part.rest // 2
