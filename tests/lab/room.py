"""One measured room: all programs have started and have the list, then all leechers begin at once.

The time ends with the last verified file. What arrived is compared with what was shared.
"""

from __future__ import annotations

import filecmp
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import nan
from pathlib import Path

from tests.lab.counters import busy_since, machine_times
from tests.lab.network import LabError, Link, Network, Place, memory_folder
from tests.lab.programs import Facts, Program, ready_address

SLOW_SHARE = 0.01  # of the others' rate
LIST_S = 120.0
START_AFTER_S = 0.3  # until everybody has read the order
LOOK_S = 0.05
PATIENCE = 10.0  # times the shortest possible time
LEAST_PATIENCE_S = 60.0
MOST_PATIENCE_S = 400.0
BLOCK = 1 << 20
FILES_IN_FOLDER = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """Which room to build, and what happens in it."""

    hosts: int
    mbit: float
    size: int  # bytes of all files together
    files: int = 1
    seeders: int = 1
    seeder_mbit: float | None = None  # None: like the others
    slow: int = 0  # how many seeders have only SLOW_SHARE of that
    firewalled: int = 0  # leechers that accept no connections
    is_seeder_firewalled: bool = False
    kill_seeder_at: float | None = None  # once it has sent this many times the size
    kill_leecher_at: float | None = None  # once the last one has this share of the size
    loss: float = 0.0  # percent
    delay_ms: float = 0.0

    @property
    def ideal_s(self) -> float:
        """How long one file takes at the rate of one link."""
        return self.size * 8 / (self.mbit * 1e6)

    @property
    def limit_s(self) -> float:
        """When to give up on the room."""
        return min(MOST_PATIENCE_S, max(LEAST_PATIENCE_S, PATIENCE * self.ideal_s))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a room did."""

    plan: Plan
    seconds: tuple[float, ...]  # until each leecher had everything, sorted
    copies: float  # bytes sent over the first seeder's link / size; nan: it was killed
    cpu_s: float  # processor time of all programs
    busy: float  # share of the machine's processors that worked
    leecher_memory: int  # peak in bytes, of the largest one
    seeder_memory: int
    problems: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """The last leecher's time over the time at the rate of the link."""
        return self.seconds[-1] / self.plan.ideal_s if self.seconds else float("inf")


def measure(plan: Plan) -> Outcome:
    """Build the room, let it work, remove it. Raises LabError."""
    with ExitStack() as stack:
        network = stack.enter_context(Network(loss=plan.loss, delay_ms=plan.delay_ms))
        folder = Path(stack.enter_context(memory_folder()))
        tracker, *others = network.build(links_of(plan))
        room = Room(plan, folder, stack)
        room.start(tracker, others[: plan.seeders], others[plan.seeders :])
        return room.run()


def links_of(plan: Plan) -> list[Link]:
    """The tracker's, then the seeders', then the leechers'."""
    rate = plan.seeder_mbit or plan.mbit
    seeders = [
        Link(rate * SLOW_SHARE if number < plan.slow else rate, plan.is_seeder_firewalled)
        for number in reversed(range(plan.seeders))  # the first one is never slow
    ]
    leechers = [Link(plan.mbit, number < plan.firewalled) for number in range(plan.hosts)]
    return [Link(plan.mbit), *seeders, *leechers]


class Room:
    """The programs of one room."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self._plan, self._stack = plan, stack
        self._shared = folder / "shared"
        self._taken = folder / "taken"
        self._programs: list[Program] = []
        self._seeders: list[Program] = []
        self._leechers: list[Program] = []
        self._killed: set[Program] = set()

    def start(self, tracker: Place, seeders: list[Place], leechers: list[Place]) -> None:
        """Start all programs and wait until all leechers have the list."""
        make_files(self._shared, self._plan.files, self._plan.size)
        self._stack.callback(self._close_inputs)
        where = ready_address(self._started("tracker", tracker))
        where = (tracker.host, where[1])
        self._seeders = [self._started("seeder", place, *where, self._shared) for place in seeders]
        for seeder in self._seeders:
            seeder.wait_for("ready")
        for place in leechers:
            target = self._taken / place.namespace
            target.mkdir(parents=True)
            self._leechers.append(self._started("leecher", place, *where, target))
        for leecher in self._leechers:
            leecher.wait_for("ready")
            leecher.send("list", files=self._plan.files, seconds=LIST_S)
        for leecher in self._leechers:
            listed = leecher.wait_for("listed", "not listed", seconds=LIST_S + 30)
            if listed["event"] != "listed":
                raise LabError(f"The {leecher.name} saw {listed['files']} files only.")

    def run(self) -> Outcome:
        """Tell all leechers at once, and wait for the last one."""
        before = self._reports()
        times = machine_times()
        began = time.monotonic() + START_AFTER_S
        for leecher in self._leechers:
            leecher.send("download", files=self._plan.files, at=began)
        problems = list(self._wait(began + self._plan.limit_s))
        busy = busy_since(times)
        after = self._reports()
        unfinished = self._waiting_for()
        ended, seconds = self._ended(began)
        problems += [*ended, *self._damage(unfinished)]
        first = self._seeders[0]
        sent = after[first]["bytes_out"] - before[first]["bytes_out"] if first in after else nan
        return Outcome(
            self._plan,
            tuple(sorted(seconds)),
            sent / self._plan.size,
            sum(facts["cpu"] - before[program]["cpu"] for program, facts in after.items()),
            busy,
            max((after[one]["peak"] for one in self._leechers if one in after), default=0),
            max((after[one]["peak"] for one in self._seeders if one in after), default=0),
            tuple(problems),
        )

    def _started(self, kind: str, place: Place, *words: object) -> Program:
        program = Program(kind, "0.0.0.0", *words, place=place)
        program.name = f"{kind} on {place.host}"
        self._programs.append(self._stack.enter_context(program))
        return program

    def _close_inputs(self) -> None:
        for program in self._programs:
            program.close_input()

    def _reports(self) -> dict[Program, Facts]:
        alive = [program for program in self._programs if program not in self._killed]
        for program in alive:
            program.send("report")
        return {program: program.wait_for("reported") for program in alive}

    def _waiting_for(self) -> list[Program]:
        return [
            leecher
            for leecher in self._leechers
            if leecher not in self._killed and not leecher.has("ended")
        ]

    def _wait(self, deadline: float) -> Iterator[str]:
        """Wait until all have ended; returns what was done to them, and which did not end."""
        plan = self._plan
        start = self._seeders[0].ask("report", "reported")["bytes_out"]
        while (left := self._waiting_for()) and time.monotonic() < deadline:
            if plan.kill_seeder_at is not None and self._seeders[0] not in self._killed:
                sent = self._seeders[0].ask("report", "reported")["bytes_out"] - start
                if sent >= plan.kill_seeder_at * plan.size:
                    self._kill(self._seeders[0])
                    yield f"killed the seeder after {sent / plan.size:.2f} copies"
            victim = self._leechers[-1]
            if plan.kill_leecher_at is not None and victim in left:
                have = victim.ask("report", "reported")["have"]
                if have >= plan.kill_leecher_at * plan.size:
                    self._kill(victim)
                    yield f"killed a leecher that had {have / plan.size:.0%}"
            time.sleep(LOOK_S)
        for leecher in left:
            facts = leecher.ask("report", "reported")
            yield f"{leecher.name} NOT DONE: {facts['have'] / plan.size:.0%}, {facts['state']}"

    def _kill(self, program: Program) -> None:
        program.kill()
        self._killed.add(program)

    def _ended(self, began: float) -> tuple[list[str], list[float]]:
        problems, seconds = list[str](), list[float]()
        for leecher in self._leechers:
            if leecher not in self._killed and leecher.has("ended"):
                facts = leecher.wait_for("ended")
                seconds.append(facts["at"] - began)
                problems += [f"{leecher.name}: {facts['failed']}"] if facts["failed"] else []
        return problems, seconds

    def _damage(self, unfinished: list[Program]) -> Iterator[str]:
        """A line for each finished leecher whose files differ from the shared ones."""
        names = [str(path.relative_to(self._shared)) for path in all_files(self._shared)]
        for leecher, target in zip(self._leechers, sorted_folders(self._taken), strict=True):
            if leecher in self._killed or leecher in unfinished:
                continue
            _, other, missing = filecmp.cmpfiles(self._shared, target, names, shallow=False)
            if other or missing:
                yield f"{leecher.name} WRONG: {len(other)} differ, {len(missing)} missing"


def make_files(folder: Path, count: int, size: int) -> None:
    """Write this many files of random bytes, in total of this size; many of them in sub-folders."""
    folder.mkdir(parents=True)
    if count == 1:
        return write_random(folder / "file", size)
    for number in range(count):
        place = folder / f"part {number // FILES_IN_FOLDER:03}"
        place.mkdir(exist_ok=True)
        write_random(place / f"file {number:05}", size // count)
    return None


def write_random(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(os.urandom(min(BLOCK, size - start)))


def all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sorted_folders(folder: Path) -> list[Path]:
    """The leechers' folders, sorted by number."""
    return sorted(folder.iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
