"""Print how fast files travel on loopback, each row beside a reference from the same run.

    python3 -m tests.bench [ROW...]

Each program is a process of its own, as in a room. The files are in memory if the system has a
place for that. MB are 10^6 bytes. It asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.lists import hostile_lists
from tests.bench.lmk1 import lmk1
from tests.bench.many_files import hashing, listing, small
from tests.bench.private_room import private
from tests.bench.result import Result, say
from tests.bench.seeder_web import seeder_web
from tests.bench.swarm import memory, swarm
from tests.bench.tls import tls
from tests.bench.tracker_web import tracker_web
from tests.lab.network import LabError, leave_tidily, memory_folder, sweep

REPOSITORY = Path(__file__).resolve().parents[2]
TRACKER_LIMIT_S = 60.0
WINDOW_LIMIT_S = 300.0


def tracker(_: Path) -> Iterator[Result]:
    """Prints what tests.bench.tracker prints, which has its own reference."""
    command = [sys.executable, "-m", "tests.bench.tracker"]
    ran = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=TRACKER_LIMIT_S
    )
    if ran.returncode:
        raise LabError(ran.stderr.strip() or "tests.bench.tracker failed")
    say(ran.stdout.rstrip())
    return iter(())


def door(folder: Path) -> Iterator[Result]:
    """What browsers get, and what they cost."""
    yield from tracker_web(folder)
    yield from seeder_web(folder)


def window(_: Path) -> Iterator[Result]:
    """Prints what tests.bench.window prints: its screen ends with its process."""
    command = [sys.executable, "-m", "tests.bench.window"]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=WINDOW_LIMIT_S)
    return iter(())


ROWS: dict[str, Callable[[Path], Iterator[Result]]] = {
    "swarm": swarm,
    "small": small,
    "list": listing,
    "lists": hostile_lists,
    "hashing": hashing,
    "tracker": tracker,
    "door": door,
    "tls": tls,
    "private": private,
    "window": window,
    "memory": memory,
    "lmk1": lmk1,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench", description="Measure the programs on loopback."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all")
    chosen = parser.parse_args().rows or list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        parser.error(f"there is no row {unknown.pop()}; there are {', '.join(ROWS)}")
    leave_tidily()
    say(f"{os.cpu_count()} processors; MB are 10^6 bytes")
    failed = [row for row in chosen if not show(row)]
    return 1 if failed else 0


def show(row: str) -> bool:
    """Measure and print one row; False if it could not be measured."""
    began = time.monotonic()
    say(f"-- {row}")
    sweep()
    with memory_folder() as folder:
        try:
            for result in ROWS[row](Path(folder)):
                say(result.line())
        except (LabError, AssertionError, OSError, subprocess.SubprocessError) as error:
            say(f"   not measured: {error}")
            return False
    say(f"   took {time.monotonic() - began:.0f} s")
    return True


if __name__ == "__main__":
    sys.exit(main())
