"""How fast files travel over LMK/1, for every pair of an original and our program.

The reference is a bare loop of two processes that does the same to each byte: send, receive,
SHA-256 over 5,120 bytes, write.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.loopback import LoopbackRoom, seconds_to_take
from tests.bench.reference import reference_rate
from tests.bench.result import Result
from tests.lab.room import write_random
from tests.originals.processes import OriginalLeecher, OriginalSeeder, OriginalTracker

ORIGINAL_SIZE = 500_000  # original to original: 0.12 MB/s
SIZE = 100_000_000
LARGE_SIZE = 1 << 30
LIMIT_S = 60.0
TARGET_WITH_ORIGINAL = "20 MB/s"
TARGET_MEMORY = "80 MB of memory"


def lmk1(folder: Path) -> Iterator[Result]:
    """The tracker is an original, so that our programs speak LMK/1 to each other too."""
    bench = Bench(folder)
    yield bench.reference()
    yield bench.to_original(ORIGINAL_SIZE, "original", "")
    yield bench.to_ours(SIZE, "original", 1, TARGET_WITH_ORIGINAL)
    yield bench.to_original(SIZE, "our", TARGET_WITH_ORIGINAL)
    yield bench.to_ours(SIZE, "our", 1)
    yield bench.to_ours(SIZE, "our", 3)
    yield bench.to_ours(LARGE_SIZE, "our", 3, TARGET_MEMORY)


class Bench:
    """Builds the rooms and measures the times."""

    def __init__(self, folder: Path) -> None:
        self._shared, self._taken = folder / "shared", folder / "taken"
        self._bare = 1.0  # MB/s

    def reference(self) -> Result:
        """The bare loop, with which the others are compared."""
        self._renew(SIZE)
        target = self._taken / "file"
        self._bare = reference_rate(self._shared / "file", target) / 1e6
        return Result("bare loop, chunks of 5,120 bytes", self._bare, "MB/s")

    def to_original(self, size: int, kind: str, target: str) -> Result:
        """To an original leecher, timed from when it has the lists to its last line."""
        self._renew(size)
        with ExitStack() as stack:
            tracker = self._start(stack, kind, 1)[0]
            leecher = stack.enter_context(OriginalLeecher(tracker, self._taken, "file"))
            leecher.wait_for("leecher listed", LIMIT_S)
            began = time.monotonic()
            leecher.wait_for("leecher file file done", LIMIT_S)
            seconds = time.monotonic() - began
        return self._result(f"{kind} seeder to original leecher", size, seconds, target)

    def to_ours(self, size: int, kind: str, seeders: int, target: str = "") -> Result:
        """To our leecher, timed from the order to the checked file, with its peak memory."""
        self._renew(size)
        with ExitStack() as stack:
            leecher = self._start(stack, kind, seeders)[1].leecher(self._taken, files=1)
            seconds = seconds_to_take(leecher, 1)
            memory = leecher.ask("report", "reported")["peak"]
        note = f"{memory / 1e6:.0f} MB of memory"
        what = f"{seeders} {kind} seeder{'s' if seeders > 1 else ''} to our leecher"
        return self._result(f"{what}, {size / 1e6:.0f} MB", size, seconds, target, note)

    def _start(
        self, stack: ExitStack, kind: str, seeders: int
    ) -> tuple[tuple[str, int], LoopbackRoom]:
        tracker = stack.enter_context(OriginalTracker()).address
        room = stack.enter_context(LoopbackRoom(tracker))
        for _ in range(seeders):
            if kind == "original":
                stack.enter_context(OriginalSeeder(tracker, self._shared))
            else:
                room.seeder(self._shared).wait_for("scanned")
        return tracker, room

    def _renew(self, size: int) -> None:
        for folder in (self._shared, self._taken):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        write_random(self._shared / "file", size)

    def _result(self, what: str, size: int, seconds: float, target: str, note: str = "") -> Result:
        if (self._taken / "file").stat().st_size != size:
            raise AssertionError("the file did not arrive whole")
        return Result(what, size / 1e6 / seconds, "MB/s", self._bare, target, note)
