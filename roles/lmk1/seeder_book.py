"""What a leecher remembers of each seeder: busy, unreachable, lying, or without a file.

Every chunk has one source, so it is clear who sent a damaged one. Suspects are avoided like those
of the swarm (bad_peers), but counted over all files.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from roles.net.rate_limit import RateLimit
from roles.swarm.bad_peers import ChunkRecord
from roles.values.addresses import Address

MAX_BAD_IN_A_ROW = 64  # 320 KiB; after that we never ask it again
AWAY_AGAIN_S = 2.0  # the first pause; doubles up to
AWAY_MAX_S = 30.0
FAILED_AGAIN_S = 1.0  # the first pause; doubles up to
FAILED_MAX_S = 5.0  # short, to notice soon when a network returns
OWN_TURN_S = 0.05  # an original is free again a moment after we close
OWN_RECENT_S = 1.0
LACKS_AGAIN_S = 2.0  # it may get the file later, or have misread the name; doubles up to
LACKS_MAX_S = 60.0
DIALS = 16.0  # connections per second; twice as many in a burst
_JITTER = 0.25


@dataclass(slots=True)
class _SeederRecord:
    connections: int = 0  # ours, of all downloads
    closed: float = float("-inf")  # when the last one ended
    not_before: float = float("-inf")
    away_in_a_row: int = 0
    failed_in_a_row: int = 0
    chunks: ChunkRecord = field(default_factory=ChunkRecord)
    is_single: bool = False  # it said `away` while serving us, so use one connection at a time
    # By file name: how often the seeder lacked it, and when to ask again.
    lacks: dict[str, tuple[int, float]] = field(default_factory=dict)


class SeederBook:
    """Shared by all downloads of one leecher, which hold a lock around each call."""

    def __init__(self, rng: random.Random) -> None:
        self._records: defaultdict[Address, _SeederRecord] = defaultdict(_SeederRecord)
        self._rng = rng
        self._dials = RateLimit(per_host=DIALS, whole=DIALS)

    def candidates(
        self, listed: Iterable[Address], name: str, *, besides: Collection[Address], now: float
    ) -> list[Address]:
        """The seeders to try now for the file `name`: least used first, then those that were left
        longest ago, unreachable ones last.

        Includes suspects only if no other seeder can be tried or is at work. `besides`: the seeders
        at work.
        """
        usable = [
            seeder
            for seeder in listed
            if seeder not in besides and self._wait(seeder, name, now) == 0
        ]
        trusted = [seeder for seeder in usable if not self.is_suspect(seeder)]
        if trusted or not all(map(self.is_suspect, besides)):
            usable = trusted
        return sorted(usable, key=self._order)

    def may_dial(self, seeder: Address, *, now: float) -> bool:
        """Whether to connect now. Limited, because strangers choose the addresses."""
        return self._dials.allows(str(seeder), now=now)

    def network_changed(self) -> None:
        """This computer's addresses changed: try unreachable seeders again at once."""
        for record in self._records.values():
            if record.failed_in_a_row:
                record.not_before, record.failed_in_a_row = float("-inf"), 0

    def wait_s(self, listed: Iterable[Address], name: str, *, now: float) -> float | None:
        """Seconds until one of them can be tried; None if none ever can."""
        waits = [self._wait(seeder, name, now) for seeder in listed]
        possible = [wait for wait in waits if wait is not None]
        return min(possible, default=None)

    def opened(self, seeder: Address) -> None:
        """We are connecting to it."""
        self._records[seeder].connections += 1

    def closed(self, seeder: Address, *, now: float) -> None:
        """One of our connections to it ended."""
        record = self._records[seeder]
        record.connections -= 1
        record.closed = now
        was_served = not (record.away_in_a_row or record.failed_in_a_row)
        if record.is_single and was_served:
            record.not_before = min(record.not_before, now + OWN_TURN_S)

    def said_away(self, seeder: Address, *, now: float) -> None:
        """All its slots are taken: try again later, or at once if we took them ourselves."""
        record = self._records[seeder]
        is_own_doing = record.connections > 1 or now - record.closed < OWN_RECENT_S
        record.is_single = record.is_single or record.connections > 1
        record.away_in_a_row += 1
        first = OWN_TURN_S if is_own_doing else AWAY_AGAIN_S
        record.not_before = now + self._pause(first, AWAY_MAX_S, record.away_in_a_row)

    def delivered(self, seeder: Address, count: int = 1) -> None:
        """It sent `count` good chunks."""
        record = self._records[seeder]
        record.chunks.sent_good(count)
        record.lacks.clear()
        record.away_in_a_row = record.failed_in_a_row = 0

    def failed(self, seeder: Address, *, now: float) -> None:
        """It was unreachable, fell silent or broke the protocol."""
        record = self._records[seeder]
        record.failed_in_a_row += 1
        record.away_in_a_row = 0  # so is_away() no longer counts it as busy
        record.not_before = now + self._pause(FAILED_AGAIN_S, FAILED_MAX_S, record.failed_in_a_row)

    def lacks(self, seeder: Address, name: str, *, now: float) -> None:
        """It does not have this file now."""
        lacks = self._records[seeder].lacks
        times, _ = lacks.get(name, (0, 0.0))
        lacks[name] = times + 1, now + self._pause(LACKS_AGAIN_S, LACKS_MAX_S, times + 1)

    def sent_bad_chunk(self, seeder: Address) -> None:
        self._records[seeder].chunks.sent_bad()

    def is_suspect(self, seeder: Address) -> bool:
        """Whether it sent so many bad chunks that we prefer any other seeder."""
        return self._records[seeder].chunks.is_suspect

    def is_dropped(self, seeder: Address) -> bool:
        """Whether it sent so many bad chunks that we never ask it again."""
        return self._records[seeder].chunks.in_a_row >= MAX_BAD_IN_A_ROW

    def is_away(self, seeder: Address) -> bool:
        """Whether it last answered `away`."""
        return self._records[seeder].away_in_a_row > 0

    def _order(self, seeder: Address) -> tuple[bool, int, float, Address]:
        record = self._records[seeder]
        return record.failed_in_a_row > 0, record.connections, record.closed, seeder

    def _wait(self, seeder: Address, name: str, now: float) -> float | None:
        record = self._records[seeder]
        if self.is_dropped(seeder):
            return None
        if record.is_single and record.connections:
            return OWN_TURN_S
        _, lacks_until = record.lacks.get(name, (0, now))
        return max(0.0, record.not_before - now, lacks_until - now)

    def _pause(self, first: float, most: float, times: int) -> float:
        pause: float = min(most, first * 2.0 ** min(times - 1, 16))
        return pause * (1 + self._rng.uniform(-_JITTER, _JITTER))
