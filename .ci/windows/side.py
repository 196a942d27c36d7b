"""One of the two programs that transfer files to each other: ours on Linux, or the Windows file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wine import end_all, windows_path

from tests.programs import PROGRAM, Running, environment, run

LISTENING = r"listening on (\S+):(\d+)\."
_READY_S = 60.0  # seconds to unpack and start on a busy machine


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Side:
    """A program, and how to start it here."""

    system: str
    command: tuple[str, ...]

    def path(self, path: Path) -> str:
        """This program's name for a file of the host."""
        return windows_path(path) if self.command[0] == "wine" else str(path)

    def run(self, *arguments: str, folder: Path) -> Result:
        """Run a command to its end, or until it takes too long."""
        try:
            done = run(*arguments, folder=folder, program=self.command, environ=_environment())
        except subprocess.TimeoutExpired as error:
            end_all()
            output = error.stdout or b""
            return Result(-1, output.decode(), f"no end within {error.timeout:.0f} s")
        return Result(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def tracker(self, folder: Path) -> Iterator[tuple[Running, str]]:
        """A tracker of this program, and its address. All of wine ends with it."""
        command = ("tracker", "--bind", "127.0.0.1:0")
        with self._running(*command, folder=folder, profile="tracker") as running:
            try:
                yield running, ":".join(running.wait_for(LISTENING, _READY_S).groups())
            finally:
                end_all()

    @contextmanager
    def room(self, shared: Path, folder: Path) -> Iterator[str]:
        """A tracker and a seeder of `shared`, both of this program; the tracker's address."""
        count = sum(path.is_file() for path in shared.rglob("*"))
        with self.tracker(folder) as (tracker, address):
            where = ("--tracker", address, "--bind", "127.0.0.1:0")
            command = ("seed", self.path(shared), *where)
            with self._running(*command, folder=folder, profile="seeder"):
                try:
                    tracker.wait_for(f"offers {count} files", _READY_S)
                    yield address
                finally:
                    end_all()

    def _running(self, *arguments: str, folder: Path, profile: str) -> Running:
        return Running(
            *arguments,
            folder=folder,
            profile=profile,
            program=self.command,
            environ=_environment(),
        )


LINUX = Side("Linux", PROGRAM)


def windows_side(executable: Path) -> Side:
    return Side("Windows", ("wine", str(executable)))


def _environment() -> dict[str, str]:
    return environment(DISPLAY=os.environ["DISPLAY"])
