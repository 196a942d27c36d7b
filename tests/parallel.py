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
from functools import partial
from itertools import chain
from pathlib import Path

PROCESSES_PER_CORE = 2
BATCHES_PER_PROCESS = 4  # so that no process has much left when the others are done
Completed = subprocess.CompletedProcess[str]

_COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


def run_all(files: Sequence[Path], *, is_verbose: bool) -> tuple[int, int, int]:
    """Run these test files and print what each process printed. Returns passed, failed, skipped."""
    options = ["-v"] if is_verbose else []
    processes = PROCESSES_PER_CORE * (os.cpu_count() or 1)
    totals = [0, 0, 0]
    with ThreadPoolExecutor(processes) as pool:
        batches = batched(files, processes * BATCHES_PER_PROCESS)
        for ended in chain.from_iterable(pool.map(partial(run_batch, options), batches)):
            output = ended.stdout + ended.stderr
            counts = _COUNT.findall(output)
            found = [int(count) for count in counts[-1]] if counts else [0, 1, 0]
            if ended.returncode and not found[1]:
                found[1] = 1  # something else than a test ended it
            totals = [total + count for total, count in zip(totals, found, strict=True)]
            sys.stdout.write(_COUNT.sub("", output).strip() + "\n")
            sys.stdout.flush()
    passed, failed, skipped = totals
    return passed, failed, skipped


def batched(files: Iterable[Path], count: int) -> list[list[str]]:
    """The names of the files in this many batches of about equal length, longest first."""
    batches: list[tuple[int, list[str]]] = [(0, []) for _ in range(count)]
    for file in sorted(files, key=lambda one: -one.stat().st_size):
        size, names = min(batches, key=lambda batch: batch[0])
        batches[batches.index((size, names))] = (size + file.stat().st_size, [*names, file.stem])
    return [names for _, names in batches if names]


def run_batch(options: Sequence[str], names: Sequence[str]) -> list[Completed]:
    """Run these files in a process.

    Tk 8.6 crashes rarely (once seen in its own `focus -force`), and every test that was still to
    run is lost with its process. So the files of a process that a signal killed run once more,
    each in a process of its own; a second crash of the same file counts as a failure.
    """
    ended = run_files(options, names)
    if ended.returncode >= 0:
        return [ended]
    sys.stdout.write(
        f"{ended.stdout}{ended.stderr}\nA process of tests died of signal {-ended.returncode}. "
        f"Its files run once more: {', '.join(names)}\n"
    )
    return [run_files(options, [name]) for name in names]


def run_files(options: Sequence[str], names: Sequence[str]) -> Completed:
    python = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in _X_OPTIONS]
    return subprocess.run(
        [sys.executable, *python, "-m", "tests", *options, *(f"{name}." for name in names)],
        capture_output=True,
        text=True,
        errors="backslashreplace",
    )


_X_OPTIONS = tuple(sys._xoptions.items())
