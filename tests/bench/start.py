"""How fast the packed program starts and hashes: `python3 -m tests.bench.start FILE`.

Prints the median of 15 starts with warm files; with `--beside OTHER`, beside another packed
program: the small one of tests.bench.trial, or an earlier release. SHA-256 is compared with that of
the Python that runs this, both measured by --selftest. All programs that are compared take turns,
so that whatever else the machine does slows all of them down. Both times begin with the process.
The window's ends with the last change of the screen before it rests, which is the painted window;
the tracker's ends with the line that says where it listens. It asserts nothing.
"""

from __future__ import annotations

import argparse
import mmap
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.result import Result, say
from tests.display import FRAME_FOLDER_VARIABLE, Xvfb
from tests.programs import PROGRAM, RunningCommand, environment

STARTS = 15
TARGET = "350 or less"
HASHING_TARGET = "0.95 of the reference or more"
HASHING = re.compile(r"SHA-256 ([\d.]+) ([MG])B/s by OpenSSL")
MB = {"M": 1.0, "G": 1000.0}
SELFTESTS = 3  # of each; the fastest counts, because others use the machine too
SCREEN = (1000, 700)
LOOK_S = 0.004
REST_S = 0.15  # what is known of the network comes a third of a second after the first picture
LIMIT_S = 30.0
SELFTEST_LIMIT_S = 120.0


def main() -> int:
    """Measure the file that the command line names."""
    parser = argparse.ArgumentParser(description="How fast a packed program starts and hashes.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--starts", type=int, default=STARTS, help=f"of each kind ({STARTS})")
    parser.add_argument("--beside", type=Path, help="another one, started in turns")
    chosen = parser.parse_args()
    program, starts = [str(chosen.file.resolve())], chosen.starts
    other = [str(chosen.beside.resolve())] if chosen.beside else None
    with tempfile.TemporaryDirectory(prefix="lmk-start-") as folder, Xvfb(SCREEN) as screen:
        frame_file = Path(os.environ[FRAME_FOLDER_VARIABLE]) / "Xvfb_screen0"
        with (
            frame_file.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as frame,
        ):

            def paint(file: Sequence[str]) -> float:
                return time_to_paint(file, folder, screen.name, frame)

            measure("window painted", starts, paint, program, other)
        measure("tracker ready", starts, lambda file: time_to_listen(file, folder), program, other)
        speeds = in_turns([program, PROGRAM], SELFTESTS, lambda file: hash_speed(file, folder))
    packed, plain = map(max, speeds)
    say(Result("SHA-256", packed, "MB/s", plain, HASHING_TARGET).line())
    return 0


def in_turns(
    programs: Sequence[Sequence[str]], rounds: int, measured: Callable[[Sequence[str]], float]
) -> list[list[float]]:
    """What is measured of each program: once in each round, and every second round in the opposite
    order, so that no program always comes first.
    """
    figures: list[list[float]] = [[] for _ in programs]
    order = list(range(len(programs)))
    for _ in range(rounds):
        for number in order:
            figures[number].append(measured(programs[number]))
        order.reverse()
    return figures


def measure(
    what: str,
    starts: int,
    start: Callable[[Sequence[str]], float],
    program: list[str],
    other: list[str] | None,
) -> None:
    """Start each program once for warm files, then in turns as often as asked; print the median."""
    processor = 0.0

    def milliseconds(file: Sequence[str]) -> float:
        nonlocal processor
        before = processor_s()
        taken = start(file) * 1000
        if file is program:
            processor += processor_s() - before
        return taken

    programs = [program, *([other] if other else [])]
    for file in programs:
        start(file)
    ours, *others = in_turns(programs, starts, milliseconds)
    compared = statistics.median(others[0]) if others else None
    if compared:
        say(Result(f"{what}, the other program", compared, "ms").line())
    each = processor / starts
    note = f"({min(ours):.0f}-{max(ours):.0f}, {starts} starts, {each:.2f} s of a processor each)"
    say(Result(what, statistics.median(ours), "ms", compared, TARGET, note).line())


def processor_s() -> float:
    """Processor time of all programs that have ended: steadier than the clock on a busy machine."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime


def time_to_paint(program: Sequence[str], folder: str, display: str, frame: mmap.mmap) -> float:
    """Seconds until the window is painted."""
    last = frame[:]
    painted_at = 0.0
    began = now = time.monotonic()
    shown = environment(DISPLAY=display)
    with RunningCommand(folder=Path(folder), program=program, environ=shown) as window:
        while not painted_at or now - painted_at < REST_S:
            time.sleep(LOOK_S)
            now = time.monotonic()
            if (current := frame[:]) != last:
                last, painted_at = current, now
            if now - began > LIMIT_S or not window.is_alive:
                raise SystemExit(f"No window was painted: {window.lines}")
    return painted_at - began


def time_to_listen(program: Sequence[str], folder: str) -> float:
    """Seconds until the tracker says where it listens."""
    began = time.monotonic()
    with RunningCommand(
        *("tracker", "--bind", "127.0.0.1:0"), folder=Path(folder), program=program
    ) as tracker:
        tracker.wait_for("listening on ")
        return time.monotonic() - began


def hash_speed(program: Sequence[str], folder: str) -> float:
    """MB/s of SHA-256, as --selftest reports it."""
    command = [*program, "--selftest", "--profile", f"{folder}/profile"]
    ran = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=SELFTEST_LIMIT_S
    )
    if not (found := HASHING.search(ran.stdout)):
        raise SystemExit(f"--selftest does not say how fast it hashes: {ran.stdout}{ran.stderr}")
    return float(found[1]) * MB[found[2]]


if __name__ == "__main__":
    sys.exit(main())
