"""All tests in several processes at once: most tests wait for sockets and clocks, not for a core.

Each process runs some of the files like `python3 -m tests`; its last line has its counts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROCESSES_PER_CORE = 3
SMALLEST_BATCH = 1 / 60  # of all: each starts a Python, and often a screen
_COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


def run_all(files: Sequence[Path], *, is_verbose: bool) -> tuple[int, int, int]:
    """Run these test files and print what each process printed. Returns passed, failed, skipped."""
    processes = PROCESSES_PER_CORE * (os.cpu_count() or 1)
    totals = [0, 0, 0]
    with ThreadPoolExecutor(processes) as pool:
        batches = batched(files, processes)
        for output, is_good in pool.map(lambda batch: run_batch(batch, is_verbose), batches):
            counts = _COUNT.findall(output)
            found = [int(count) for count in counts[-1]] if counts else [0, 1, 0]
            if not is_good and not found[1]:
                found[1] = 1  # something else than a test ended it
            totals = [total + count for total, count in zip(totals, found, strict=True)]
            sys.stdout.write(_COUNT.sub("", output).strip() + "\n")
            sys.stdout.flush()
    passed, failed, skipped = totals
    return passed, failed, skipped


def batched(files: Iterable[Path], processes: int) -> list[list[str]]:
    """The names of the files, longest first, in batches that become shorter: each has half of what
    one of the processes would get of all that is left. So none has much left when the others end.
    """
    sizes = {file.stem: file.stat().st_size for file in files}
    left = sum(sizes.values())
    smallest = left * SMALLEST_BATCH
    batches: list[list[str]] = []
    room = 0.0  # in the last batch
    for name in sorted(sizes, key=lambda one: -sizes[one]):
        if room < sizes[name]:
            batches.append([])
            room = max(left / processes / 2, smallest)
        batches[-1].append(name)
        room -= sizes[name]
        left -= sizes[name]
    return batches


def run_batch(names: Sequence[str], is_verbose: bool) -> tuple[str, bool]:
    """What a process printed that ran these files, and whether everything passed."""
    given = sys._xoptions.items()
    options = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in given]
    command = [sys.executable, *options, "-m", "tests", *(["-v"] if is_verbose else [])]
    patterns = [f"{name}." for name in names]
    ended = subprocess.run(
        [*command, *patterns], capture_output=True, text=True, errors="backslashreplace"
    )
    return ended.stdout + ended.stderr, ended.returncode == 0
