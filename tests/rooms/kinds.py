"""Rooms that are not ideal, to be measured before and after a change of a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from roles.values.settings import DEFAULT_SLOTS
from tests.rooms.network import HEADERS
from tests.rooms.room import MIB, Outcome, Room
from tests.rooms.sizes import COSTS

RATE = 12.5e6  # bytes per second of a link
SLOW = RATE / 10
SIZE = 64 * MIB
START_S = 0.3  # until the first chunk leaves
JITTER_S = 0.05  # between two rates of a link


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    build: Callable[[Room], object]
    hosts: int = 8
    files: int = 1
    delay_s: float = 0.0002
    loss: float = 0.0
    slots: int = DEFAULT_SLOTS
    seeder_rate: float = RATE

    def run(self, seed: int = 1) -> Outcome:
        room = Room(seed, costs=COSTS, is_checked=False, delay_s=self.delay_s, loss=self.loss)
        for number in range(self.files):
            room.share(f"file {number}", SIZE // self.files)
        room.add_seeder(self.seeder_rate, slots=self.slots)
        for _ in range(self.hosts):
            room.add_leecher(RATE)
        self.build(room)
        return room.run()


def _nothing(_room: Room) -> None: ...


def _some_are_slow(room: Room, count: int) -> None:
    for leecher in room.leechers[:count]:
        leecher.link.up.rate = leecher.link.down.rate = SLOW


def _some_are_firewalled(room: Room) -> None:
    for leecher in room.leechers[:3]:
        leecher.is_firewalled = True


def _seeder_is_firewalled(room: Room) -> None:
    room.seeders[0].is_firewalled = True


def _two_join_late(room: Room) -> None:
    for at in (2.0, 4.0):
        room.at_time(at, "one more joins", lambda: room.add_leecher(RATE).start())


def _seeder_is_killed(room: Room) -> None:
    """After 1.2 copies."""
    room.at_time(START_S + 1.2 * SIZE * HEADERS / RATE, "the seeder is killed", room.seeders[0].die)


def _radio(room: Room) -> None:
    """Half the rate, and it changes from moment to moment."""

    def change() -> None:
        for host in room.everybody():
            rate = RATE / 2 * room.rng.uniform(0.5, 1.5)
            host.link.up.rate = host.link.down.rate = rate
        room.clock.after(JITTER_S, change)

    change()


KINDS = (
    Kind("equal links", _nothing),
    Kind("one leecher of 8 at a tenth", partial(_some_are_slow, count=1)),
    Kind("four leechers of 8 at a tenth", partial(_some_are_slow, count=4)),
    Kind("all leechers at a tenth", partial(_some_are_slow, count=8)),
    Kind("a seeder at a tenth", _nothing, seeder_rate=SLOW),
    Kind("a seeder with four times the rate", _nothing, seeder_rate=4 * RATE),
    Kind("radio: half the rate, which changes", _radio),
    Kind("three leechers that accept no connection", _some_are_firewalled),
    Kind("a seeder that accepts no connection", _seeder_is_firewalled),
    Kind("1 % of packets lost", _nothing, loss=0.01),
    Kind("20 ms each way", _nothing, delay_s=0.02),
    Kind("1 % lost, 20 ms each way", _nothing, loss=0.01, delay_s=0.02),
    Kind("two join late", _two_join_late),
    Kind("the seeder is killed after 1.2 copies", _seeder_is_killed),
    Kind("32 files", _nothing, hosts=16, files=32),
    Kind("256 files of one chunk", _nothing, files=256),
    Kind("a seeder with four slots", _nothing, slots=4),
)
