"""Rooms without faults, to be measured: what a processor does is counted in."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.rooms.room import MIB, Costs, Outcome, Room

LAB_CORES = 2
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


def size_of(hosts: int, mbit: float, mib: float, *, cores: int | None = None) -> Size:
    """With the costs of the lab's programs."""
    return Size(hosts, mbit, mib, cores=cores)
