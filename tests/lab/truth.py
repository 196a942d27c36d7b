"""Does a room tell the truth? Fifteen computers download a folder, and one of each kind gets into
trouble. Another computer asks for the status every second, and what it is told is compared with the
bytes on their disks, their processes and what their programs say of themselves.

What was told is late by the time since it was last true.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

from tests.lab.network import LabError, Link, Network, Place, memory_folder
from tests.lab.programs import Program, ready_address
from tests.lab.room import LIST_S, make_files
from tests.programs import PROGRAM, ROOT, environment

MBIT = 10.0
FILES, SIZE = 200, 60_000_000
SMALL_DISK, LARGER_DISK = "20m", "100m"
LATE_S = 3.0  # more is a fault
SILENT_S = 12.0  # after so long a killed program is told to be silent
DIALLED_S = 8.0  # the tracker tries for 5 s to connect to each
LOOK_S = 0.5
ASK_S = 1.0
LIMIT_S = 240.0
NOT_YET = 2 * 256 * 1024 + SIZE // 100  # bytes: chunks on their way to the disk, and its blocks
AFTERWARDS_S = 16.0  # until the last silence is seen
KINDS = ("full", "firewalled", "killed", "idle", "cancels", "restarts", "leaves")
REST = 8
WAITING = ("in line", "retrying", "waiting for space", "paused")
DONE = frozenset({"done"})
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lag:
    """How late something was, at most."""

    what: str
    who: str
    seconds: float
    limit_s: float

    @property
    def is_fault(self) -> bool:
        return self.seconds > self.limit_s


@dataclass(eq=False)
class Computer:
    """What is true of one computer."""

    kind: str
    place: Place
    target: Path
    program: Program
    is_gone: bool = False  # its program has ended after it said so
    killed_at: float | None = None
    registered_at: float = field(default_factory=time.monotonic)
    # Since when which states may be told.
    states: list[tuple[float, frozenset[str]]] = field(
        default_factory=lambda: [(time.monotonic(), frozenset({"idle"}))]
    )
    bytes_here: list[tuple[float, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.place.host}"

    def look(self) -> None:
        self.bytes_here.append((time.monotonic(), on_disk(self.target)))
        now = time.monotonic()
        if self.is_gone:
            self._be(now, "left")
        elif self.killed_at is None:
            for event in self.program.taken("state"):
                self._be(event["at"], member_state(event["state"]))
        elif now >= self.killed_at + SILENT_S:
            self._be(self.killed_at + SILENT_S, "silent")

    def kill(self) -> None:
        self.program.kill()
        self.killed_at = time.monotonic()
        self._be(self.killed_at, *self.states[-1][1], "silent")

    def restart(self, program: Program) -> None:
        """With another program, after the first was killed."""
        self.program = program
        self._be(time.monotonic(), "idle", "downloading", "waiting")

    def _be(self, at: float, *states: str) -> None:
        if self.states[-1][1] != frozenset(states):
            self.states.append((at, frozenset(states)))

    def is_in(self, state: str) -> bool:
        return self.states[-1][1] == {state}

    def late_state(self, is_true: Callable[[frozenset[str]], bool], at: float) -> float:
        """Seconds since the last state for which this is true."""
        if is_true(self.states[-1][1]):
            return 0.0
        ends = [end for (end, _), (_, states) in pairwise(reversed(self.states)) if is_true(states)]
        return max(0.0, at - ends[0]) if ends else LIMIT_S

    def late_bytes(self, told: int, at: float) -> float:
        """Seconds since so many were here. More than there is was never true."""
        at = min(at, self.killed_at or at)
        if told > self.bytes_here[-1][1] + NOT_YET:
            return LIMIT_S
        for (later, more), (since, here) in pairwise(reversed(self.bytes_here)):
            if here <= told + NOT_YET:
                part = (told + NOT_YET - here) / (more - here) if more > told + NOT_YET else 1.0
                return max(0.0, at - since - part * (later - since))
        return 0.0


def member_state(said: str) -> str:
    """The state that the room must show of a computer whose only download reports this one."""
    word, _, cause = said.partition(" ")
    if said.startswith(WAITING) or (word == "looking" and cause):
        return "waiting"
    word = {"": "idle", "skipped": "done"}.get(word, word)
    return word if word in ("idle", "done", "failed", "cancelled") else "downloading"


def on_disk(folder: Path) -> int:
    """Bytes that its files take: those that arrive have holes."""
    taken = 0
    for path in folder.rglob("*"):
        try:
            taken += path.stat().st_blocks * 512 if path.is_file() else 0
        except OSError:  # it has got its final name
            continue
    return taken


class Observer:
    """Asks for the status from a computer of its own, in a thread of its own."""

    def __init__(self, place: Place, tracker: str, folder: Path) -> None:
        words = ("status", "--json", "--tracker", tracker, "--profile", str(folder / "observer"))
        self._command = place.command(*PROGRAM, *words)
        self._stopping = threading.Event()
        self._answers: list[tuple[float, list[Told]]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Observer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def answers(self) -> Iterator[tuple[float, list[Told]]]:
        """Those that came since the last call."""
        while self._answers:
            yield self._answers.pop(0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            done = subprocess.run(
                self._command, cwd=ROOT, env=environment(), capture_output=True, text=True
            )
            if done.returncode == 0:
                told = [json.loads(line) for line in done.stdout.splitlines()]
                self._answers.append((time.monotonic(), told))
            self._stopping.wait(max(0.0, began + ASK_S - time.monotonic()))


class Truth:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = Path(stack.enter_context(memory_folder()))
        network = stack.enter_context(Network())
        links = [Link(MBIT, kind == "firewalled") for kind in (*KINDS, *["one of all"] * REST)]
        self._teacher, self._watcher, *self._places = network.build([Link(MBIT), Link(), *links])
        self._tracker = ("", 0)
        self._computers: list[Computer] = []
        self._late = defaultdict[tuple[str, str], float](float)

    def measure(self) -> list[Lag]:
        make_files(self._folder / "shared", FILES, SIZE)
        _, port = ready_address(self._start("tracker", self._teacher))
        self._tracker = (self._teacher.host, port)
        self._start("seeder", self._teacher, *self._tracker, self._folder / "shared")
        for number, place in enumerate(self._places):
            kind = KINDS[number] if number < len(KINDS) else "one of all"
            self._computers.append(self._computer(kind, place))
        for one in self._computers:
            self._listed(one.program)
            one.registered_at = time.monotonic()
        shown = f"{self._tracker[0]}:{port}"
        with Observer(self._watcher, shown, self._folder) as observer:
            began = time.monotonic()
            for one in self._computers:
                if one.kind != "idle":
                    one.program.send("download", files=FILES, at=began + 1.0)
            self._play(observer, began)
        return [
            Lag(what, who, seconds, LATE_S if what != "reachable" else DIALLED_S)
            for (what, who), seconds in self._late.items()
        ]

    def _start(self, kind: str, place: Place, *words: object) -> Program:
        return self._stack.enter_context(Program(kind, "0.0.0.0", *words, place=place))

    def _computer(self, kind: str, place: Place) -> Computer:
        target = self._folder / "taken" / place.namespace
        target.mkdir(parents=True)
        if kind == "full":
            words = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", str(target)]
            subprocess.run(words, check=True)
            self._stack.callback(subprocess.run, ["umount", "-l", str(target)], check=False)
        return Computer(kind, place, target, self._leecher(place, target))

    def _leecher(self, place: Place, target: Path) -> Program:
        profile = self._folder / f"profile-{place.namespace}"
        return self._start("leecher", place, *self._tracker, target, profile)

    def _listed(self, program: Program) -> None:
        program.wait_for("ready", seconds=LIST_S)
        told = program.ask("list", "listed", LIST_S + 30, files=FILES, seconds=LIST_S)
        assert told["event"] == "listed"

    def _play(self, observer: Observer, began: float) -> None:
        steps = self._steps()
        next(steps)
        until = None
        while until is None or time.monotonic() < until:
            if time.monotonic() > began + LIMIT_S:
                states = [(one.name, *one.states[-1][1]) for one in self._computers]
                raise LabError(f"The room is not done: {states}")
            for one in self._computers:
                one.look()
            for at, told in observer.answers():
                self._compare(at, told)
            if until is None and next(steps, None) is None:
                until = time.monotonic() + AFTERWARDS_S
            time.sleep(LOOK_S)

    def _steps(self) -> Iterator[bool]:
        """What happens to the computers, when they have a part of the folder."""
        of = {one.kind: one for one in self._computers}
        yield True
        while of["cancels"].bytes_here[-1][1] < 0.2 * SIZE:
            yield True
        of["cancels"].program.send("cancel")
        while of["killed"].bytes_here[-1][1] < 0.3 * SIZE:
            yield True
        of["killed"].kill()
        again = of["restarts"]
        while again.bytes_here[-1][1] < 0.4 * SIZE:
            yield True
        again.program.kill()
        again.restart(self._leecher(again.place, again.target))
        again.program.send("list", files=FILES, seconds=LIST_S)
        while not again.program.has("listed"):
            yield True
        again.program.send("download", files=FILES, at=0.0)
        yield from repeat(True, 20)
        while of["full"].bytes_here[-1][1] < 0.3 * SIZE and not of["full"].is_in("waiting"):
            yield True
        yield from repeat(True, 20)  # it has to be told for a while
        larger = f"remount,size={LARGER_DISK}"
        subprocess.run(["mount", "-o", larger, str(of["full"].target)], check=True)
        leaves = of["leaves"]
        while not leaves.is_in("done"):
            yield True
        yield from repeat(True, 8)
        leaves.program.close_input()
        leaves.program.wait_for_end()
        leaves.is_gone = True
        others = [one for one in self._computers if one.kind not in ("killed", "idle", "cancels")]
        while not all(one.is_in("done") or one.is_gone for one in others):
            yield True

    def _compare(self, at: float, told: list[Told]) -> None:
        *members, room = told
        of = defaultdict[str, list[Told]](list)
        for member in members:
            of[member["address"].partition(":")[0]].append(member)
        for one in self._computers:
            rows = of[one.place.host]
            self._note("rows", one.name, 0.0 if len(rows) == 1 else LIMIT_S)
            for row in rows:
                self._compare_row(one, row, at)
        is_right = room["done"] == sum(one.is_in("done") or one.is_gone for one in self._computers)
        self._note("done", "the room", 0.0 if is_right else self._late_done(room["done"], at))
        self._note("members", "the room", abs(room["members"] - len(self._computers)) * LIMIT_S)

    def _late_done(self, told: int, at: float) -> float:
        """Seconds since so many were done."""
        began = (since for one in self._computers for since, states in one.states if states == DONE)
        later = sorted(began)[told:]
        return at - later[0] if later else LIMIT_S

    def _compare_row(self, one: Computer, row: Told, at: float) -> None:
        is_silent = row["silent_s"] >= SILENT_S
        state = "left" if row["left"] else "silent" if is_silent else row["state"]
        self._note("state", one.name, one.late_state(lambda states: state in states, at))
        is_looking = "idle" in one.states[-1][1]  # what is here already
        if not (row["state"] == "cancelled" or one.is_in("cancelled") or is_looking):
            self._note("bytes", one.name, one.late_bytes(row["have"], at))
        if row["down"]:
            self._note("rate", one.name, one.late_state(lambda states: "downloading" in states, at))
        if one.kind == "full" and one.is_in("waiting") and row["state"] == "waiting":
            is_said = "disk is full. Free" in row["reason"]
            self._note("reason", one.name, 0.0 if is_said else LIMIT_S)
        if row["reachable"] is not (one.kind != "firewalled") and not (row["left"] or is_silent):
            self._note("reachable", one.name, at - one.registered_at)

    def _note(self, what: str, who: str, seconds: float) -> None:
        self._late[what, who] = max(self._late[what, who], seconds)


def measure() -> list[Lag]:
    """The largest lag of each kind on each computer. Raises LabError."""
    with ExitStack() as stack:
        return sorted(Truth(stack).measure(), key=lambda lag: (lag.what, -lag.seconds))
