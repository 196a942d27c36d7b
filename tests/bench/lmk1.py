"""How fast files travel over LMK/1, and how much memory the leecher takes.

The reference is a bare loop of two processes that does the same to each byte: send, receive,
SHA-256 over 5,120 bytes, write.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.reference import reference_rate
from tests.originals.processes import OriginalLeecher, OriginalSeeder, OriginalTracker

REPOSITORY = Path(__file__).resolve().parents[2]
MEMORY_FOLDER = Path("/dev/shm")
ORIGINAL_BYTES = 500_000  # original to original: 0.12 MB/s
BLOCK = 1 << 20
LIMIT_S = 600.0
TARGET_ORIGINAL_TO_US = 20.0  # MB/s
TARGET_US_TO_ORIGINAL = 20.0  # MB/s
TARGET_MEMORY = 80.0  # MB

Address = tuple[str, int]


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    what: str
    megabytes: float
    rate: float  # MB/s
    target: str = ""
    memory: float | None = None  # MB


def lmk1(folder: Path) -> Iterator[Result]:
    """Every pair of an original and our program, on loopback."""
    bench = Bench(folder, MEGABYTES, LARGE_MEGABYTES)
    reference = bench.reference()
    yield reference.as_line(None)
    for measure in bench.measures():
        yield measure().as_line(reference.rate)


class Bench:
    """Makes the rooms and takes the times."""

    def __init__(self, folder: Path, megabytes: float, large_megabytes: float) -> None:
        self._folder = folder
        self._size = int(megabytes * 1e6)
        self._large_size = int(large_megabytes * 1e6)
        self._rooms = 0

    def reference(self) -> Result:
        shared, taken = self._new_folders()
        source = write_file(shared / "file", self._size)
        rate = reference_rate(source, taken / "file") / 1e6
        for path in (source, taken / "file"):
            path.unlink()
        return Result("bare reference loop", self._size / 1e6, rate)

    def measures(self) -> list[Callable[[], Result]]:
        return [
            self.original_to_original,
            self.original_to_ours,
            self.ours_to_original,
            lambda: self.ours_to_ours(1, self._size),
            lambda: self.ours_to_ours(3, self._size),
            lambda: self.ours_to_ours(3, self._large_size),
        ]

    def original_to_original(self) -> Result:
        with self._room(ORIGINAL_BYTES, "original") as room:
            rate = room.original_rate()
        return Result("original seeder to original leecher", ORIGINAL_BYTES / 1e6, rate)

    def ours_to_original(self) -> Result:
        with self._room(self._size, "ours") as room:
            rate = room.original_rate()
        target = f"{TARGET_US_TO_ORIGINAL:.0f} MB/s"
        return Result("our seeder to original leecher", self._size / 1e6, rate, target)

    def original_to_ours(self) -> Result:
        with self._room(self._size, "original") as room:
            rate, memory = room.our_rate()
        target = f"{TARGET_ORIGINAL_TO_US:.0f} MB/s"
        what = "original seeder to our leecher"
        return Result(what, self._size / 1e6, rate, target, memory)

    def ours_to_ours(self, seeders: int, size: int) -> Result:
        with self._room(size, *["ours"] * seeders) as room:
            rate, memory = room.our_rate()
        what = f"{seeders} of our seeders to our leecher"
        target = f"{TARGET_MEMORY:.0f} MB of memory" if size == self._large_size else ""
        return Result(what, size / 1e6, rate, target, memory)

    @contextmanager
    def _room(self, size: int, *seeders: str) -> Iterator[Room]:
        shared, taken = self._new_folders()
        write_file(shared / "file", size)
        with ExitStack() as stack:
            yield Room(stack, shared, taken, size, seeders)
        for path in (*shared.iterdir(), *taken.iterdir()):
            path.unlink()

    def _new_folders(self) -> tuple[Path, Path]:
        self._rooms += 1
        shared = self._folder / f"shared {self._rooms}"
        taken = self._folder / f"taken {self._rooms}"
        for folder in (shared, taken):
            folder.mkdir()
        return shared, taken


class Room:
    """A tracker and seeders, each a process of its own, that end with the stack."""

    def __init__(
        self, stack: ExitStack, shared: Path, taken: Path, size: int, seeders: tuple[str, ...]
    ) -> None:
        self._stack, self._taken, self._size = stack, taken, size
        if "original" in seeders:
            self._tracker: Address = stack.enter_context(OriginalTracker()).address
        else:
            self._tracker = _started(stack, "tracker")
        for kind in seeders:
            if kind == "original":
                stack.enter_context(OriginalSeeder(self._tracker, shared))
            else:
                _started(stack, "seeder", *self._tracker, shared)

    def original_rate(self) -> float:
        """MB/s of an original leecher, from the lists that it got to its last line."""
        leecher = self._stack.enter_context(OriginalLeecher(self._tracker, self._taken, "file"))
        leecher.wait_for("leecher listed", LIMIT_S)
        began = time.monotonic()
        leecher.wait_for("leecher file file done", LIMIT_S)
        return self._rate(time.monotonic() - began)

    def our_rate(self) -> tuple[float, float]:
        """MB/s of our leecher, from the order to the checked file, and its peak memory in MB."""
        command = _command("leecher", *self._tracker, self._taken, "file")
        words = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=LIMIT_S
        ).stdout.split()
        return self._rate(float(words[0])), float(words[1])

    def _rate(self, seconds: float) -> float:
        if (self._taken / "file").stat().st_size != self._size:
            raise AssertionError("the file did not arrive whole")
        return self._size / 1e6 / seconds


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tests.bench.role", *map(str, words)]


def _started(stack: ExitStack, *words: object) -> Address:
    """Start one of our roles; returns where it listens, once it says that it is ready."""
    process = subprocess.Popen(
        _command(*words), cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    assert process.stdout is not None
    host, port = process.stdout.readline().split()
    return host, int(port)


def write_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(os.urandom(min(BLOCK, size - start)))
    return path
