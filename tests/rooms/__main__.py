"""Run rooms on a virtual clock: everything in them follows from a seed.

    python3 -m tests.rooms                       2,000 rooms, seeds 0 to 1999
    python3 -m tests.rooms --seeds 500 900       other seeds
    python3 -m tests.rooms --seed 115            one room again, with the last of what was said
    python3 -m tests.rooms --size 32 25 64       how long 32 hosts take for 64 MiB at 25 Mbit/s
    python3 -m tests.rooms --bound [HOSTS ...]   how far from the least time that any rule can take
    python3 -m tests.rooms --kinds               rooms that are not ideal

The time of a room of --size is compared with that of the bare bytes, as `python3 -m tests.lab`
does. With --lab the processor time of all programs is that of one machine with two cores, as there;
else each host has a core of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.rooms.chance import room_of, seconds_of
from tests.rooms.kinds import KINDS
from tests.rooms.room import BrokenRuleError
from tests.rooms.sizes import LAB_CORES, distance_of, size_of

SEEDS = 2_000
BOUND_HOSTS = (8, 16, 32, 100)
BOUND_CHUNKS = 256
TOGETHER = 25  # seeds for one process at a time


def main() -> int:
    arguments = parse_arguments()
    if arguments.size is not None:
        hosts, mbit, mib = arguments.size
        return show_size(int(hosts), mbit, mib, is_lab=arguments.lab)
    if arguments.kinds:
        return show_kinds()
    if arguments.bound is not None:
        return show_distances(arguments.bound or BOUND_HOSTS)
    if arguments.seed is not None:
        return show_room(arguments.seed)
    first, last = arguments.seeds
    return show_many(range(first, last))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.rooms", description="Rooms on a virtual clock."
    )
    parser.add_argument("--seed", type=int, help="run this room and tell its story")
    parser.add_argument(
        "--seeds", type=int, nargs=2, default=(0, SEEDS), metavar=("FIRST", "BEFORE")
    )
    parser.add_argument("--size", type=float, nargs=3, metavar=("HOSTS", "MBIT", "MIB"))
    parser.add_argument("--bound", type=int, nargs="*", metavar="HOSTS")
    parser.add_argument("--kinds", action="store_true", help="rooms that are not ideal")
    parser.add_argument("--lab", action="store_true", help="all hosts on one machine")
    return parser.parse_args()


def show_many(seeds: range) -> int:
    began, run, broken, virtual_s = time.monotonic(), 0, 0, 0.0
    parts = [seeds[first : first + TOGETHER] for first in range(0, len(seeds), TOGETHER)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for results in processes.map(run_rooms, parts):
            for seconds, report in results:
                run, virtual_s = run + 1, virtual_s + seconds
                if report:
                    broken += 1
                    say(report)
    say(
        f"{run} rooms of {virtual_s / 3_600:.1f} virtual hours in "
        f"{time.monotonic() - began:.0f} s, {broken} broken"
    )
    return 1 if broken or not run else 0


def run_rooms(seeds: range) -> list[tuple[float, str]]:
    """Of each room its seconds, and what broke."""
    return list(_run_rooms(seeds))


def _run_rooms(seeds: range) -> Iterator[tuple[float, str]]:
    for seed in seeds:
        room = room_of(seed)
        try:
            room.run()
        except BrokenRuleError as error:
            again = f"python3 -m tests.rooms --seed {seed}"
            yield seconds_of(room), f"{room.title}\n{error}\nAgain: {again}\n"
        else:
            yield seconds_of(room), ""


def show_room(seed: int) -> int:
    room = room_of(seed)
    say(room.title)
    try:
        outcome = room.run()
    except BrokenRuleError as error:
        say(str(error))
        return 1
    say(str(room.story))
    done = ", ".join(f"{seconds:.1f}" for seconds in outcome.seconds)
    say(f"done after {done} s; {outcome.twice:.1%} of the bytes came in vain")
    if outcome.unfinished:
        say(f"could not end: {', '.join(outcome.unfinished)}")
    return 0


def show_size(hosts: int, mbit: float, mib: float, *, is_lab: bool) -> int:
    began = time.monotonic()
    size = size_of(hosts, mbit, mib, cores=LAB_CORES if is_lab else None)
    outcome = size.run()
    seconds = outcome.seconds
    first, middle, last = seconds[0], seconds[len(seconds) // 2], seconds[-1]
    busy = outcome.cpu_s / last / (LAB_CORES if is_lab else hosts + 1)
    say(
        f"{hosts} hosts at {mbit:g} Mbit/s, {mib:g} MiB: first {first:.1f} s, median "
        f"{middle:.1f} s, last {last:.1f} s, ratio {last / size.ideal_s:.3f}, copies "
        f"{outcome.copies:.2f}, cores {busy:.0%} busy; computed in {time.monotonic() - began:.0f} s"
    )
    return 0


def show_distances(rooms: Iterable[int]) -> int:
    """As shares of the time that the bare bytes take: the room's time, and what it consists of."""
    say("hosts  bound  rule   times  start  seeder  rest   declined  copies")
    for hosts in rooms:
        one = distance_of(hosts, BOUND_CHUNKS)
        say(
            f"{hosts:5}  {one.bound:.3f}  {one.ratio:.3f}  {one.ratio / one.bound:.3f}  "
            f"{one.start:.3f}  {one.seeder:.3f}   {one.rest:.3f}  {one.declined:8.2f}  "
            f"{one.copies:.2f}"
        )
    return 0


def show_kinds() -> int:
    for kind in KINDS:
        outcome = kind.run()
        seconds = outcome.seconds
        say(
            f"{kind.title:40} median {seconds[len(seconds) // 2]:6.2f} s, last {seconds[-1]:6.2f} s"
            f", copies {outcome.copies:.2f}"
        )
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
