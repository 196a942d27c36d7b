"""How fast one large file travels over LMK/2, and how much memory a large file takes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.bench.bare_swarm import bare_swarm_rate
from tests.bench.loopback import LoopbackRoom, seconds_to_take
from tests.bench.result import Result
from tests.lab.programs import Program
from tests.lab.room import write_random

GIB = 1 << 30
ROUNDS = 5  # each after the bare loop: what slows the machine down affects both
TARGET_RATE = "0.9"
PEERS = 32
SPARSE_SIZE = 10 * GIB
STOP_AFTER = 2 * GIB
MEMORY_LIMIT_S = 20.0
LOOK_S = 0.1
TARGET_MEMORY = "120 MB"


def swarm(folder: Path) -> Iterator[Result]:
    """1 GiB from one seeder to one leecher."""
    shared = folder / "shared"
    shared.mkdir()
    write_random(shared / "file", GIB)
    rates, references = list[float](), list[float]()
    with LoopbackRoom() as room:
        room.seeder(shared)
        room.leecher(folder / "first", files=1).kill()  # so the seeder has read it by now
        for number in range(ROUNDS):
            target = folder / "bare"
            references.append(bare_swarm_rate(shared / "file", target) / 1e6)
            target.unlink()
            taken = folder / f"taken {number}"
            leecher = room.leecher(taken, files=1)
            rates.append(GIB / 1e6 / seconds_to_take(leecher, files=1))
            leecher.kill()
            shutil.rmtree(taken)
    reference = median(references)
    yield Result("bare loop, 4 connections, 512 KiB chunks", reference, "MB/s")
    ratio = median(rate / bare for rate, bare in zip(rates, references, strict=True))
    note = f"median of {ROUNDS}, ratios {ratio:.3f}"
    yield Result(
        "1 GiB, one seeder, one leecher", median(rates), "MB/s", reference, TARGET_RATE, note
    )


def memory(folder: Path) -> Iterator[Result]:
    """Peak memory with a file of 10 GiB and 32 peers, on the receiving and on the sending side."""
    shared, state = folder / "shared", folder / "state"
    shared.mkdir()
    with (shared / "file").open("wb") as file:
        file.truncate(SPARSE_SIZE)
    with LoopbackRoom() as room:
        room.seeder(shared, state)
        room.leecher(folder / "first", files=1).close_input()  # so the digests are saved by now
    yield from _many_seeders(folder, shared, state)
    yield from _many_leechers(folder, shared, state)


def _many_seeders(folder: Path, shared: Path, state: Path) -> Iterator[Result]:
    with LoopbackRoom() as room:
        for number in range(PEERS):
            room.seeder(shared, _copy(state, folder / f"state {number}"))
        leecher = room.leecher(folder / "taken", files=1)
        leecher.send("download", files=1, at=0.0)
        facts = _until([leecher], "have")[0]
    shutil.rmtree(folder / "taken")
    yield _memory_of(f"leecher of 10 GiB, {PEERS} seeders", facts["peak"], facts["have"])


def _many_leechers(folder: Path, shared: Path, state: Path) -> Iterator[Result]:
    with LoopbackRoom() as room, ExitStack() as stack:
        seeder = room.seeder(shared, state)
        folders = [folder / f"taken {number}" for number in range(PEERS)]
        for taken in folders:
            stack.callback(shutil.rmtree, taken, ignore_errors=True)
        leechers = room.leechers(folders, files=1)
        for leecher in leechers:
            leecher.send("download", files=1, at=0.0)
        facts = _until([seeder], "uploaded")[0]
        largest = max(one.ask("report", "reported")["peak"] for one in leechers)
    yield _memory_of(f"seeder of 10 GiB, {PEERS} leechers", facts["peak"], facts["uploaded"])
    yield _memory_of("the largest of these leechers", largest, facts["uploaded"])


def _until(programs: list[Program], what: str) -> list[dict[str, int]]:
    """What they report once this many bytes have gone, or after the longest time."""
    deadline = time.monotonic() + MEMORY_LIMIT_S
    while True:
        reports = [program.ask("report", "reported") for program in programs]
        if sum(facts[what] for facts in reports) >= STOP_AFTER or time.monotonic() > deadline:
            return reports
        time.sleep(LOOK_S)


def _memory_of(what: str, peak: int, moved: int) -> Result:
    note = f"after {moved / GIB:.1f} GiB"
    return Result(what, peak / 1e6, "MB", target=TARGET_MEMORY, note=note)


def _copy(state: Path, copy: Path) -> Path:
    """A copy of the saved digests for another program: two must not write one file."""
    if state.exists():
        shutil.copytree(state, copy)
    return copy
