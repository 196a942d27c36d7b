"""A role that runs in a process of its own, seen from outside: lines in, events out."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.lab.network import LabError, Place

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 30.0  # 34 interpreters on two processors need some time
STOP_S = 8.0

Facts = dict[str, Any]


class Program:
    """A context manager: the process, on a computer of an emulated room or on this one."""

    def __init__(self, kind: str, host: str, *words: object, place: Place | None = None) -> None:
        command = [sys.executable, "-m", "tests.lab.host", kind, host, *map(str, words)]
        self.name = f"{kind} on {host}"
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(
            place.command(*command) if place else command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._events = queue.SimpleQueue[Facts]()
        self._waiting: list[Facts] = []  # came before it was asked for
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_input()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def close_input(self) -> None:
        """It ends soon afterwards: several can be told before the first is waited for."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:  # it is dead already
            return

    def kill(self) -> None:
        """As if the power of the program failed."""
        self._process.kill()
        self._process.wait()

    def wait_for_end(self) -> None:
        """After close_input()."""
        self._process.wait(STOP_S)

    def send(self, do: str, **facts: object) -> None:
        """Give one command."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **facts}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise LabError(f"The {self.name} has ended.") from error

    def wait_for(self, *wanted: str, seconds: float = START_S) -> Facts:
        """The next event of one of these kinds, including those that came earlier."""
        for event in self._waiting:
            if event["event"] in wanted:
                self._waiting.remove(event)
                return event
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise LabError(self._describe_wait(wanted, seconds)) from None
            if event["event"] in wanted:
                return event
            self._keep(event)

    def has(self, kind: str) -> bool:
        """Whether such an event has come."""
        while not self._events.empty():
            self._keep(self._events.get())
        return any(event["event"] == kind for event in self._waiting)

    def taken(self, kind: str) -> list[Facts]:
        """All such events that have come."""
        self.has(kind)
        taken = [event for event in self._waiting if event["event"] == kind]
        self._waiting = [event for event in self._waiting if event["event"] != kind]
        return taken

    def _keep(self, event: Facts) -> None:
        if event["event"] in ("stopped", "end of output"):
            raise LabError(f"The {self.name} ended: {event}; seen: {self._waiting[-5:]}.")
        self._waiting.append(event)

    def ask(self, do: str, answer: str, limit_s: float = START_S, **facts: object) -> Facts:
        """Give a command and wait for its answer."""
        self.send(do, **facts)
        return self.wait_for(answer, seconds=limit_s)

    def _describe_wait(self, wanted: tuple[str, ...], seconds: float) -> str:
        seen = self._waiting[-5:] or "nothing"
        return f"The {self.name} said nothing like {wanted} in {seconds:.0f} s; seen: {seen}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put({"event": "end of output"})


def ready_address(program: Program) -> tuple[str, int]:
    """Where it listens, once it does."""
    host, port = program.wait_for("ready")["address"]
    return host, port
