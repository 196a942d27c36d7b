"""A room for each seed: who is in it, and what goes wrong."""

from __future__ import annotations

import random

from tests.rooms.clock import START
from tests.rooms.faults import ALL, Fault
from tests.rooms.room import MIB, Room

RATES = (1e6, 3e6, 12.5e6)  # bytes per second
MOST_FAULTS = 3
CHUNK = MIB // 4


def room_of(seed: int, *faults: Fault) -> Room:
    """Everything in it follows from the seed. With `faults` these happen, else some by chance."""
    rng = random.Random(seed)
    room = Room(seed, delay_s=rng.choice((0.0002, 0.0002, 0.002, 0.02)))
    for number in range(rng.choice((1, 1, 1, 2, 4))):
        chunks = rng.choice((0.3, 1, 2.5, 8, 20, 48))
        room.share(f"file {number} of {seed}", int(chunks * CHUNK))
    for _ in range(rng.choice((1, 1, 2, 3))):
        room.add_seeder(rng.choice(RATES), slots=rng.choice((3, 4, 12)))
    for _ in range(rng.choice((1, 2, 3, 5, 8))):
        room.add_leecher(rng.choice(RATES))
    chosen = faults or tuple(rng.sample(ALL, rng.randrange(MOST_FAULTS + 1)))
    names = ", ".join(fault.__name__.replace("_", " ") for fault in chosen) or "nothing goes wrong"
    hosts = f"{len(room.seeders)} seeders, {len(room.leechers)} leechers"
    room.title = f"seed {seed}: {hosts}, {len(room.shared)} files; {names}"
    for fault in chosen:
        fault(room)
    return room


def seconds_of(room: Room) -> float:
    """Since it began, on its own clock."""
    return room.clock.now - START
