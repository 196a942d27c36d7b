"""A tracker, seeders and leechers on this machine, each in a process of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from roles.values.addresses import LOOPBACK
from tests.lab.network import LabError
from tests.lab.programs import Facts, Program, ready_address

LIST_S = 60.0
LIMIT_S = 60.0
AT_ONCE = 0.0


class LoopbackRoom:
    """A context manager: ends its programs. It starts a tracker unless it is given one."""

    def __init__(self, tracker: tuple[str, int] | None = None) -> None:
        self._stack = ExitStack()
        self._programs: list[Program] = []
        self._given = tracker
        self._tracker = ("", 0)

    def __enter__(self) -> LoopbackRoom:
        self._tracker = self._given or ready_address(self._started("tracker"))
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs:
            program.close_input()
        self._stack.close()

    def seeder(self, folder: Path, state_folder: Path | None = None) -> Program:
        """A seeder that has started; it listens later, and has read its folder later still."""
        return self._joined("seeder", folder, state_folder)

    def leecher(self, folder: Path, files: int) -> Program:
        """A leecher that has seen this many files in the list."""
        return self.leechers([folder], files)[0]

    def leechers(self, folders: list[Path], files: int) -> list[Program]:
        """Several leechers that start at the same time."""
        programs = [self._joined("leecher", folder, None) for folder in folders]
        for program in programs:
            program.send("list", files=files, seconds=LIST_S)
        for program in programs:
            listed = program.wait_for("listed", "not listed", seconds=LIST_S + 5)
            if listed["event"] != "listed":
                raise LabError(f"only {listed['files']} of {files} files were listed")
        return programs

    def _joined(self, kind: str, folder: Path, state_folder: Path | None) -> Program:
        folder.mkdir(parents=True, exist_ok=True)
        words = [*self._tracker, folder, *([state_folder] if state_folder else [])]
        return self._started(kind, *words)

    def _started(self, kind: str, *words: object) -> Program:
        program = Program(kind, LOOPBACK, *words)
        self._programs.append(self._stack.enter_context(program))
        return program


def seconds_to_take(leecher: Program, files: int, limit_s: float = LIMIT_S) -> float:
    """From the order to the last verified file. Raises LabError if a file failed."""
    before = leecher.ask("report", "reported")
    leecher.send("download", files=files, at=AT_ONCE)
    ended: Facts = leecher.wait_for("ended", seconds=limit_s)
    if ended["failed"]:
        raise LabError(ended["failed"])
    return float(ended["at"] - before["at"])
