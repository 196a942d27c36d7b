"""How soon a room works again after its network changed: the program itself, in namespaces.

Each scene has a tracker, a seeder and a leecher, some of them on one computer. It changes something
and measures the seconds until the transfer resumes or the seeder is listed. The goals: 10 s and 20
s.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import LabError, Link, Network, Place, batch, memory_folder, set_kernel
from tests.programs import PROGRAM, ROOT, RunningCommand

TRANSFER_S, LISTED_S = 10.0, 20.0  # the goals
LIMIT_S = 90.0
RATE = "1M"  # bytes per second, the seeder's limit: the transfer outlasts every scene
SIZE = 150_000_000
MORE = 1_500_000  # bytes beyond what was here: new chunks, not only the rest of a running one
LOOK_S = 0.1


class Stage:
    """Some computers on one switch, and the programs that run there."""

    def __init__(self, stack: ExitStack, computers: int) -> None:
        self._stack = stack
        network = stack.enter_context(Network())
        self.folder = Path(stack.enter_context(memory_folder()))
        self.places = network.build([Link()] * computers)
        self._switch = self.places[0].namespace.rpartition("-")[0] + "-switch"
        self._programs = 0
        for place in self.places:  # otherwise the second address goes with the first
            set_kernel(place.namespace, "net.ipv4.conf.all.promote_secondaries", "1")

    def start(self, place: Place, *words: str | Path) -> RunningCommand:
        """Start a command there, with a profile of its own. It looks for trackers as it does for a
        user.
        """
        self._programs += 1
        running = RunningCommand(
            *words,
            folder=self.folder,
            profile=f"profile-{self._programs}",
            program=place.command(*PROGRAM),
            environ={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return self._stack.enter_context(running)

    def tracker(self, place: Place, *words: str) -> RunningCommand:
        tracker = self.start(place, "tracker", *words)
        tracker.wait_for("listening")
        return tracker

    def seeder(self, place: Place, *words: str, size: int = 2) -> RunningCommand:
        shared = self.folder / "shared"
        shared.mkdir(exist_ok=True)
        (shared / "file").write_bytes(random.Random(1).randbytes(size))
        return self.start(place, "seed", shared, "--up", RATE, *words)

    def leecher(self, place: Place, *words: str) -> RunningCommand:
        taken = self.folder / "taken"
        return self.start(place, "get", "--all", "--json", "--to", taken, *words)

    def change_address(self, place: Place, new: str = "", old: str = "") -> None:
        lines = [f"addr add {new}/24 brd + dev eth0"] if new else []
        lines += [f"addr del {old}/24 dev eth0"] if old else []
        batch(["ip", "-n", place.namespace], lines)

    def pull_cable(self, place: Place, seconds: float) -> None:
        """Unplug it, and plug it in again."""
        port = f"p{place.host.rpartition('.')[2]}"
        for state, pause_s in (("down", seconds), ("up", 0.0)):
            batch(["ip", "-n", self._switch], [f"link set {port} {state}"])
            time.sleep(pause_s)

    def part_switch(self, place: Place, seconds: float) -> None:
        """Cut the connection between two switches: nobody's own cable is out."""
        port = f"p{place.host.rpartition('.')[2]}"
        for state, pause_s in (("nomaster", seconds), ("master br0", 0.0)):
            batch(["ip", "-n", self._switch], [f"link set {port} {state}"])
            time.sleep(pause_s)

    def transfer(self, seeder: Place, leecher: Place, *words: str) -> RunningCommand:
        """A running download, with a tracker on the first computer."""
        self.tracker(self.places[0])
        self.seeder(seeder, *words, size=SIZE).wait_for("^1 file,")
        taking = self.leecher(leecher, *words)
        _until(lambda: _have(taking) > MORE, "nothing came")
        return taking

    def until_it_goes_on(self, taking: RunningCommand) -> float:
        """Seconds from now until new chunks arrive."""
        began, had = time.monotonic(), _have(taking)
        _until(lambda: _have(taking) > had + MORE or not taking.is_alive, "it stands still")
        if not taking.is_alive:
            raise LabError(f"The download ended: {taking.lines[-2:]}")
        return time.monotonic() - began

    def until_listed(self, reader: Place, tracker: str) -> float:
        """Seconds from now until somebody else sees the seeder's file on this tracker."""
        began = time.monotonic()
        command = reader.command(*PROGRAM, "list", "--tracker", tracker)
        command += ["--profile", str(self.folder / "reader")]
        off = {**os.environ, "LMK_DISCOVER": "off"}

        def is_listed() -> bool:
            done = subprocess.run(command, cwd=ROOT, env=off, capture_output=True, text=True)
            return "1 file" in done.stdout

        _until(is_listed, "it is not listed")
        return time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Scene:
    """One change, and how long it may take."""

    words: str
    goal_s: float
    computers: int
    play: Callable[[Stage], float]


def measured(pattern: str = "") -> Iterator[tuple[Scene, float | None, str]]:
    """Each scene whose description matches: its seconds (None if it failed), and why."""
    for scene in SCENES:
        if not re.search(pattern, scene.words):
            continue
        with ExitStack() as stack:
            try:
                yield scene, scene.play(Stage(stack, scene.computers)), ""
            except (AssertionError, LabError) as error:
                yield scene, None, str(error)[:300]


def _have(taking: RunningCommand) -> int:
    """Bytes that have arrived."""
    told = (json.loads(line) for line in reversed(taking.lines[-40:]) if '"progress"' in line)
    return next((int(one["have"]) for one in told), 0)


def _until(condition: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"After {LIMIT_S:.0f} s {why}.")
        time.sleep(LOOK_S)


# Scenes with a running transfer. The first computer is 10.77.0.1, and so on.


def _leecher_moves(stage: Stage) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1])
    stage.change_address(stage.places[1], "10.77.0.12", "10.77.0.2")
    return stage.until_it_goes_on(taking)


def _leecher_without_address(stage: Stage) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1])
    stage.change_address(stage.places[1], old="10.77.0.2")
    time.sleep(35.0)  # longer than a command waits for a seeder
    stage.change_address(stage.places[1], "10.77.0.12")
    return stage.until_it_goes_on(taking)


def _seeder_moves(stage: Stage) -> float:
    taking = stage.transfer(stage.places[2], stage.places[1])
    stage.change_address(stage.places[2], "10.77.0.13", "10.77.0.3")
    return stage.until_it_goes_on(taking)


def _teacher_moves(stage: Stage, *words: str) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1], *words)
    stage.change_address(stage.places[0], "10.77.0.11", "10.77.0.1")
    return stage.until_it_goes_on(taking)


def _teacher_moves_named(stage: Stage) -> float:
    return _teacher_moves(stage, "--tracker", "10.77.0.1")


def _everyone_moves(stage: Stage) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1])
    for place in stage.places:
        new = place.host.replace("10.77.", "10.99.")
        stage.change_address(place, new, place.host)
    return stage.until_it_goes_on(taking)


def _cable(number: int, seconds: float) -> Callable[[Stage], float]:
    def play(stage: Stage) -> float:
        taking = stage.transfer(stage.places[0], stage.places[1])
        stage.pull_cable(stage.places[number], seconds)
        return stage.until_it_goes_on(taking)

    return play


def _switches_part(stage: Stage) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1])
    stage.part_switch(stage.places[1], 25.0)
    return stage.until_it_goes_on(taking)


def _leecher_stops(stage: Stage) -> float:
    taking = stage.transfer(stage.places[0], stage.places[1])
    for name, pause_s in (("STOP", 60.0), ("CONT", 0.0)):
        subprocess.run(["kill", f"-{name}", str(taking.process_id)], check=True)
        time.sleep(pause_s)
    return stage.until_it_goes_on(taking)


def _tracker_goes_elsewhere(stage: Stage) -> float:
    tracker = stage.tracker(stage.places[0])
    stage.seeder(stage.places[1], size=SIZE).wait_for("^1 file,")
    taking = stage.leecher(stage.places[2])
    _until(lambda: _have(taking) > MORE, "nothing came")
    tracker.signal(9)
    stage.tracker(stage.places[3])
    return stage.until_it_goes_on(taking)


# Scenes with the tracker's list.


def _listing(stage: Stage, *words: str) -> tuple[RunningCommand, RunningCommand]:
    tracker = stage.tracker(stage.places[0])
    seeder = stage.seeder(stage.places[1], *words)
    seeder.wait_for("^1 file,")
    stage.until_listed(stage.places[2], "10.77.0.1")
    return tracker, seeder


def _tracker_moves_named(stage: Stage) -> float:
    _, seeder = _listing(stage, "--tracker", "10.77.0.1")
    stage.change_address(stage.places[0], "10.77.0.11", "10.77.0.1")
    began = time.monotonic()
    seeder.wait_for(r"Listed by the tracker 10\.77\.0\.11:", LIMIT_S)
    return time.monotonic() - began


def _another_computer(stage: Stage) -> float:
    tracker, _ = _listing(stage)
    tracker.signal(9)
    stage.tracker(stage.places[3])
    return stage.until_listed(stage.places[2], "10.77.0.4")


def _another_port(stage: Stage) -> float:
    tracker, _ = _listing(stage)
    tracker.signal(9)
    stage.tracker(stage.places[0], "--bind", "0.0.0.0:12513")
    return stage.until_listed(stage.places[2], "10.77.0.1:12513")


def _restart(stage: Stage) -> float:
    tracker, _ = _listing(stage, "--tracker", "10.77.0.1")
    tracker.signal(9)
    stage.tracker(stage.places[0])
    return stage.until_listed(stage.places[2], "10.77.0.1")


def _back_home(stage: Stage) -> float:
    """In the meantime, another tracker stands in for it."""
    tracker, seeder = _listing(stage)
    tracker.signal(9)
    stage.tracker(stage.places[3])
    seeder.wait_for("using .* from now on", LIMIT_S)
    stage.tracker(stage.places[0])
    return stage.until_listed(stage.places[2], "10.77.0.1")


def _tracker_later(stage: Stage) -> float:
    stage.seeder(stage.places[1])
    time.sleep(10.0)
    stage.tracker(stage.places[0])
    return stage.until_listed(stage.places[2], "10.77.0.1")


def _network_later(stage: Stage) -> float:
    stage.change_address(stage.places[1], old="10.77.0.2")
    stage.tracker(stage.places[0])
    stage.seeder(stage.places[1])
    time.sleep(10.0)
    stage.change_address(stage.places[1], "10.77.0.2")
    return stage.until_listed(stage.places[2], "10.77.0.1")


def _teachers_seeder(stage: Stage) -> float:
    """After the tracker would have forgotten it."""
    stage.tracker(stage.places[0])
    stage.seeder(stage.places[0]).wait_for("^1 file,")
    stage.change_address(stage.places[0], "10.77.0.11", "10.77.0.1")
    time.sleep(55.0)
    return stage.until_listed(stage.places[1], "10.77.0.11")


def _second_address(stage: Stage) -> float:
    _listing(stage, "--tracker", "10.77.0.1")
    stage.change_address(stage.places[0], "10.77.0.11")
    return stage.until_listed(stage.places[2], "10.77.0.11")


SCENES = (
    Scene("leecher: another address", TRANSFER_S, 2, _leecher_moves),
    Scene("leecher: no address for 35 s", TRANSFER_S, 2, _leecher_without_address),
    Scene("seeder: another address", TRANSFER_S, 3, _seeder_moves),
    Scene("tracker and seeder: another address", TRANSFER_S, 2, _teacher_moves),
    Scene("the same, the tracker was named", TRANSFER_S, 2, _teacher_moves_named),
    Scene("everyone: another network", TRANSFER_S, 2, _everyone_moves),
    Scene("leecher's cable out for 10 s", TRANSFER_S, 2, _cable(1, 10.0)),
    Scene("leecher's cable out for 40 s", TRANSFER_S, 2, _cable(1, 40.0)),
    Scene("seeder's cable out for 25 s", TRANSFER_S, 2, _cable(0, 25.0)),
    Scene("a cable between switches out for 25 s", TRANSFER_S, 2, _switches_part),
    Scene("leecher stopped for 60 s", TRANSFER_S, 2, _leecher_stops),
    Scene("transfer: tracker on another computer", TRANSFER_S, 4, _tracker_goes_elsewhere),
    Scene("tracker: another address, it was named", LISTED_S, 3, _tracker_moves_named),
    Scene("tracker: another computer", LISTED_S, 4, _another_computer),
    Scene("tracker: another port", LISTED_S, 3, _another_port),
    Scene("tracker: restarted", LISTED_S, 3, _restart),
    Scene("tracker: back after another stood in", LISTED_S, 4, _back_home),
    Scene("tracker: starts after the seeder", LISTED_S, 3, _tracker_later),
    Scene("seeder: no network at the start", LISTED_S, 3, _network_later),
    Scene("tracker's own seeder: another address", LISTED_S, 2, _teachers_seeder),
    Scene("tracker: asked at a second address", LISTED_S, 3, _second_address),
)
