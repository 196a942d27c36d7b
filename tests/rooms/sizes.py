"""Rooms without faults, to be measured: what a processor does is counted in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.rooms.clock import START
from tests.rooms.network import HEADERS
from tests.rooms.room import MIB, Costs, Outcome, Room

LAB_CORES = 2
RATE = 12.5e6  # bytes per second
# Seconds of one of the lab's cores, its system's work for both ends of the network included.
# docs/PERFORMANCE.md has what rooms of 8, 16 and 32 need: some 3 ms for each chunk that passes from
# one host to another, and 3 ms for a greeting.
COSTS = Costs(
    frame_s=40e-6,
    sent_s=1.0e-3,
    received_s=0.7e-3,
    checked_s=0.5e-3,
    greeting_s=1.5e-3,
    tick_s=0.3e-3,
)


@dataclass(slots=True)
class Size:
    """A room of so many leechers and a seeder."""

    hosts: int
    mbit: float
    mib: float
    seed: int = 1
    costs: Costs = field(default_factory=lambda: COSTS)
    cores: int | None = None  # of one machine for all hosts; None when each has its own

    @property
    def ideal_s(self) -> float:
        """How long the bare bytes take at the link's rate."""
        return self.mib * MIB * 8 / (self.mbit * 1e6)

    def run(self) -> Outcome:
        room = Room(self.seed, costs=self.costs, cores=self.cores, is_checked=False)
        room.share("a file", int(self.mib * MIB))
        rate = self.mbit * 1e6 / 8
        room.add_seeder(rate)
        for _ in range(self.hosts):
            room.add_leecher(rate)
        return room.run()


@dataclass(frozen=True, slots=True)
class Distance:
    """Of a room on ideal links from the least time that any rule can take; times as shares of the
    time that the bare bytes take at the link's rate.
    """

    bound: float
    start: float  # until the first chunk leaves the seeder
    seeder: float  # from then on until each chunk has begun to leave it
    rest: float  # from then on until everybody has everything
    declined: float  # offers for each chunk that was taken
    copies: float  # that the seeder sent

    @property
    def ratio(self) -> float:
        return self.start + self.seeder + self.rest


def distance_of(hosts: int, chunks: int, *, seed: int = 1) -> Distance:
    """With links that carry nothing but chunks at once, and processors that cost nothing.

    With one seeder and equal uplinks no rule takes less than 1 + floor(log2 N) / M (Mundinger,
    Weber, Weiss: Optimal scheduling of peer-to-peer file dissemination, J. Sched. 2008).
    """
    room = Room(seed, delay_s=1e-6, is_checked=False)
    size = chunks * MIB // 4
    room.share("a file", size)
    seeder = room.add_seeder(RATE * HEADERS)
    for _ in range(hosts):
        room.add_leecher(RATE * HEADERS)
    outcome = room.run()
    ideal_s, sent_at = size / RATE, seeder.sent_at.values()
    start_s, seeder_s = min(sent_at) - START, max(sent_at) - min(sent_at)
    return Distance(
        1 + math.floor(math.log2(hosts)) / chunks,
        start_s / ideal_s,
        seeder_s / ideal_s,
        (outcome.seconds[-1] - start_s - seeder_s) / ideal_s,
        sum(one.declined for one in room.leechers) / (hosts * chunks),
        outcome.copies / HEADERS,
    )


def size_of(hosts: int, mbit: float, mib: float, *, cores: int | None = None) -> Size:
    """With the costs of the lab's programs."""
    return Size(hosts, mbit, mib, cores=cores)
