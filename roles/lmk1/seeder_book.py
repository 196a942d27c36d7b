"""What a leecher remembers of each seeder: busy, gone, lying, or without a file.

A chunk has one source, so blame is exact. A damaged chunk may be a lie, or come from a line that
flips bits: a seeder that looks like a liar is not asked while others are there; if it is alone, it
is still asked, until so much in a row was wrong that no line explains it. Pure state: the caller
brings the clock.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from roles.net.rate_limit import RateLimit
from roles.values.addresses import Address

MAX_BAD_CHUNKS = 2  # the first may be an accident
GOOD_FOR_BAD = 8  # right chunks that make up for a bad one
MAX_BAD_IN_A_ROW = 64  # 320 KiB: then it is asked for nothing until the program ends
AWAY_AGAIN_S = 2.0  # doubling to
AWAY_MAX_S = 30.0
FAILED_AGAIN_S = 1.0  # doubling to
FAILED_MAX_S = 5.0  # so that a network that returns after a long time is noticed soon
MAX_SILENCES = 3  # in a row: an original that waits for somebody's second word says nothing either
OWN_TURN_S = 0.05  # an original frees itself a moment after we closed
OWN_RECENT_S = 1.0
LACKS_AGAIN_S = 2.0  # a seeder without a file may have it later, or misread the name; doubling to
LACKS_MAX_S = 60.0
DIALS = 16.0  # connections begun in a second, twice that in a burst
_JITTER = 0.25


@dataclass(slots=True)
class _Record:
    connections: int = 0  # our own, of all downloads
    closed: float = float("-inf")  # when the last of them ended
    not_before: float = float("-inf")
    away_in_a_row: int = 0
    failed_in_a_row: int = 0
    silent_in_a_row: int = 0
    bad: int = 0  # chunks
    good: int = 0
    bad_in_a_row: int = 0
    is_single: bool = False  # it said away while we were its guest: one connection at a time
    # File name to how often it was lacking, and the time when to ask again.
    lacks: dict[str, tuple[int, float]] = field(default_factory=dict)


class SeederBook:
    """Shared by all downloads of one leecher, which holds its lock around each call."""

    def __init__(self, rng: random.Random) -> None:
        self._records: defaultdict[Address, _Record] = defaultdict(_Record)
        self._rng = rng
        self._dials = RateLimit(per_host=DIALS, whole=DIALS)

    def candidates(
        self, listed: Iterable[Address], name: str, *, besides: Collection[Address], now: float
    ) -> list[Address]:
        """The seeders to try now for this file, the least used first, and last those that could not
        be reached; one that looks like a liar only when no other can be tried or is at work.
        `besides`: those at work.
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
        """Whether one more connection may be begun now: its address is a stranger's word."""
        return self._dials.allows(str(seeder), now=now)

    def network_changed(self) -> None:
        """This computer has other addresses: try those again that could not be reached."""
        for record in self._records.values():
            if record.failed_in_a_row:
                record.not_before, record.failed_in_a_row = float("-inf"), 0

    def wait_s(self, listed: Iterable[Address], name: str, *, now: float) -> float | None:
        """Seconds until one of them can be tried; None when none of them ever can."""
        waits = [self._wait(seeder, name, now) for seeder in listed]
        possible = [wait for wait in waits if wait is not None]
        return min(possible, default=None)

    def opened(self, seeder: Address) -> None:
        """We connect to it now."""
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
        """Every slot of it is taken: come again later, or at once if our own connection took it."""
        record = self._records[seeder]
        is_own_doing = record.connections > 1 or now - record.closed < OWN_RECENT_S
        record.is_single = record.is_single or record.connections > 1
        record.away_in_a_row += 1
        record.silent_in_a_row = 0
        first = OWN_TURN_S if is_own_doing else AWAY_AGAIN_S
        record.not_before = now + self._pause(first, AWAY_MAX_S, record.away_in_a_row)

    def said_nothing(self, seeder: Address, *, now: float) -> None:
        """It took the connection and never answered: as good as `away` at first, then as gone."""
        silences = self._records[seeder].silent_in_a_row + 1
        if silences > MAX_SILENCES:
            self.failed(seeder, now=now)
        else:
            self.said_away(seeder, now=now)
        self._records[seeder].silent_in_a_row = silences

    def delivered(self, seeder: Address, count: int = 1) -> None:
        """It sent chunks that passed their check."""
        record = self._records[seeder]
        record.good, record.bad_in_a_row = record.good + count, 0
        record.lacks.clear()
        record.away_in_a_row = record.failed_in_a_row = record.silent_in_a_row = 0

    def failed(self, seeder: Address, *, now: float) -> None:
        """It could not be reached, fell silent or broke the protocol."""
        record = self._records[seeder]
        record.failed_in_a_row += 1
        record.away_in_a_row = 0  # nobody can be in the queue of a seeder that is gone
        record.not_before = now + self._pause(FAILED_AGAIN_S, FAILED_MAX_S, record.failed_in_a_row)

    def lacks(self, seeder: Address, name: str, *, now: float) -> None:
        """It has no such file now."""
        lacks = self._records[seeder].lacks
        times, _ = lacks.get(name, (0, 0.0))
        lacks[name] = times + 1, now + self._pause(LACKS_AGAIN_S, LACKS_MAX_S, times + 1)

    def sent_bad_chunk(self, seeder: Address) -> None:
        """A chunk failed its check."""
        record = self._records[seeder]
        record.bad, record.bad_in_a_row = record.bad + 1, record.bad_in_a_row + 1

    def is_suspect(self, seeder: Address) -> bool:
        """Whether it sent too many bad chunks to be asked while others are there."""
        record = self._records[seeder]
        return record.bad >= MAX_BAD_CHUNKS and record.good < GOOD_FOR_BAD * record.bad

    def is_dropped(self, seeder: Address) -> bool:
        """Whether it sent too many bad chunks to be asked again, whoever else there is."""
        return self._records[seeder].bad_in_a_row >= MAX_BAD_IN_A_ROW

    def is_away(self, seeder: Address) -> bool:
        """Whether it answered away the last time."""
        return self._records[seeder].away_in_a_row > 0

    def _order(self, seeder: Address) -> tuple[bool, int, Address]:
        record = self._records[seeder]
        return record.failed_in_a_row > 0, record.connections, seeder

    def _wait(self, seeder: Address, name: str, now: float) -> float | None:
        record = self._records[seeder]
        if record.bad_in_a_row >= MAX_BAD_IN_A_ROW:
            return None
        if record.is_single and record.connections:
            return OWN_TURN_S
        _, lacks_until = record.lacks.get(name, (0, now))
        return max(0.0, record.not_before - now, lacks_until - now)

    def _pause(self, first: float, most: float, times: int) -> float:
        pause: float = min(most, first * 2.0 ** min(times - 1, 16))
        return pause * (1 + self._rng.uniform(-_JITTER, _JITTER))
