"""What many files cost: reading, listing, downloading."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from roles.values.addresses import EVERY_INTERFACE
from tests.bench.loopback import LoopbackRoom, seconds_to_take
from tests.bench.result import Result
from tests.lab import aria2
from tests.lab.network import LabError, Link, Network, Place, require_root
from tests.lab.programs import Program, ready_address
from tests.lab.room import make_files, write_random

SMALL_FILES, SMALL_FILE = 10_000, 10 * 1_024
TARGET_SMALL = "2.5 s"
LISTED_FILES = 100_000
LIST_LIMIT_S = 50.0
TARGET_LIST, TARGET_REFRESH = "3 s", "1"
LARGE_FILES, LARGE_FILE = 4, 256 << 20
HASHED_SMALL_FILES = 5_000
TARGET_HASHING = "0.8"
HASHING_LIMIT_S = 60.0


def small(folder: Path) -> Iterator[Result]:
    """10,000 files of 10 KiB from one seeder to one leecher, beside a copy of the folder."""
    make_files(folder / "shared", SMALL_FILES, SMALL_FILES * SMALL_FILE)
    began = time.monotonic()
    subprocess.run(["cp", "-r", folder / "shared", folder / "copy"], check=True)
    copied_s = time.monotonic() - began
    shutil.rmtree(folder / "copy")
    yield Result("cp -r of 10,000 files of 10 KiB", copied_s, "s")
    if aria2.is_installed():
        by_aria2_s = aria2.seconds_of_one(folder / "shared", folder / "by aria2")
        shutil.rmtree(folder / "by aria2")
        yield Result("aria2, 16 at once from one http.server", by_aria2_s, "s")
    with LoopbackRoom() as room:
        room.seeder(folder / "shared")
        leecher = room.leecher(folder / "taken", SMALL_FILES)
        seconds = seconds_to_take(leecher, SMALL_FILES)
    came = sum(1 for path in (folder / "taken").rglob("*") if path.is_file())
    if came != SMALL_FILES:
        raise LabError(f"{came} files came")
    note = f"{SMALL_FILES / seconds:,.0f} files/s"
    yield Result("10,000 files of 10 KiB", seconds, "s", copied_s, TARGET_SMALL, note)


def listing(folder: Path) -> Iterator[Result]:
    """The list of 100,000 files: the first time, and again without a change."""
    require_root()  # counts bytes and datagrams on an emulated computer's sock
    make_files(folder / "shared", LISTED_FILES, LISTED_FILES)
    (folder / "taken").mkdir()
    with ExitStack() as stack:
        first, second, third, fourth = stack.enter_context(Network()).build([Link()] * 4)

        def started(kind: str, place: Place, *words: object) -> Program:
            return stack.enter_context(Program(kind, EVERY_INTERFACE, *words, place=place))

        where = (first.host, ready_address(started("tracker", first))[1])
        started("seeder", second, *where, folder / "shared")
        early = started("leecher", third, *where, folder / "taken")
        early.ask("list", "listed", LIST_LIMIT_S, files=LISTED_FILES, seconds=LIST_LIMIT_S)
        yield from _listings(started("leecher", fourth, *where, folder / "taken"))


def _listings(leecher: Program) -> Iterator[Result]:
    before = leecher.wait_for("ready")["at"]
    listed = leecher.ask("list", "listed", LIST_LIMIT_S, files=LISTED_FILES, seconds=LIST_LIMIT_S)
    report = leecher.ask("report", "reported")
    note = f"{report['bytes_in']:,} bytes received"
    yield Result("list of 100,000 files", listed["at"] - before, "s", None, TARGET_LIST, note)
    again = leecher.ask("refresh", "refreshed")
    note = f"{again['seconds'] * 1e3:.1f} ms, {again['bytes_in']} bytes received"
    yield Result(
        "the same without a change", again["datagrams_out"], "asked", None, TARGET_REFRESH, note
    )


def hashing(folder: Path) -> Iterator[Result]:
    """A seeder reads 1 GiB and many small files, beside sha256sum on all processors."""
    shared = folder / "shared"
    make_files(shared, HASHED_SMALL_FILES, HASHED_SMALL_FILES * SMALL_FILE)
    for number in range(LARGE_FILES):
        write_random(shared / f"large {number}", LARGE_FILE)
    size = LARGE_FILES * LARGE_FILE + HASHED_SMALL_FILES * SMALL_FILE
    bare = size / 1e6 / _sha256sum_seconds(shared)
    yield Result("sha256sum on all processors", bare, "MB/s")
    with LoopbackRoom() as room:
        seeder = room.seeder(shared)
        began = seeder.started_at
        hashed = seeder.wait_for("hashed", seconds=HASHING_LIMIT_S)
    rate = size / 1e6 / (hashed["at"] - began)
    note = "from the start of its process"
    yield Result("seeder reads its folder", rate, "MB/s", bare, TARGET_HASHING, note)


def _sha256sum_seconds(folder: Path) -> float:
    """The large files one by one, the small ones in batches, on all processors."""
    began = time.monotonic()
    for chosen, count in (("large *", "1"), ("file *", "64")):
        names = subprocess.run(
            ["find", folder, "-name", chosen, "-print0"], stdout=subprocess.PIPE, check=True
        ).stdout
        subprocess.run(
            ["xargs", "-0", "-P", str(os.cpu_count() or 1), "-n", count, "sha256sum"],
            input=names,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return time.monotonic() - began
