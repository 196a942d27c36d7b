"""The program itself in processes of its own, as a user starts it in a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import LIMIT_S, wait_until

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, str(ROOT / "lmktorrent_app.py"))
TIMEOUT_S = 120.0


def environment(**changes: str) -> dict[str, str]:
    """Ours without a display and without a tracker, plus these.

    No test looks for trackers: it would ask the whole network.
    """
    kept = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "LMK_TRACKER"}}
    return {**kept, "PYTHONUNBUFFERED": "1", "LMK_DISCOVER": "off", **changes}


def is_alive(process: int) -> bool:
    """Whether it runs; a zombie does not. Linux."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def run(
    *arguments: str | Path,
    folder: Path,
    program: Sequence[str] = PROGRAM,
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in this folder, with a profile of its own there."""
    return subprocess.run(
        [*program, *map(str, arguments), "--profile", str(folder / "profile")],
        cwd=folder,
        env=environment() if environ is None else environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


class RunningCommand:
    """A command that goes on until it is told to stop. A context manager."""

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        profile: str = "profile",
        program: Sequence[str] = PROGRAM,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [*program, *map(str, arguments), "--profile", str(folder / profile)],
            cwd=folder,
            env=environment() if environ is None else environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> RunningCommand:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()  # a packed program's first process hands this on to its second
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wait_for(self, pattern: str, timeout_s: float = LIMIT_S) -> re.Match[str]:
        """The first line, also one of before, that matches."""

        def found() -> re.Match[str] | None:
            matches = (re.search(pattern, line) for line in list(self.lines))
            return next((match for match in matches if match), None)

        def is_there() -> bool:
            return found() is not None or (self._process.poll() is not None)

        wait_until(is_there, timeout_s, f"no line like {pattern!r} came; these did: {self.lines}")
        self._reader.join(0 if self._process.poll() is None else 5)
        match = found()
        if match is None:
            raise AssertionError(f"it ended without a line like {pattern!r}: {self.lines}")
        return match

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Of the process that was started; a packed program's second one is its child."""
        return self._process.pid

    def signal(self, number: int) -> int:
        """Send a signal; returns the exit code."""
        self._process.send_signal(number)
        return self._process.wait(LIMIT_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
