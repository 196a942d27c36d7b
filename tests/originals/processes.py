"""Starts the imitations as processes and follows what they say. Knows nothing of the protocol.

Each class starts its process at once and kills it in `close()` or at the end of its `with` block.
Lines are collected by threads, so a test waits for a line and never sleeps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Self

from tests.originals.progress import END_WITH_STDIN_VARIABLE

Address = tuple[str, int]
_Options = list[str | int | float | Path]

_REPOSITORY = Path(__file__).resolve().parents[2]
# Generous: passed only by a test that fails, or on a machine that is badly overloaded.
_TIMEOUT_S = 60.0
_PATIENCE_S = 30.0


class OriginalProcess:
    """A running imitation. `wait_for` and the others may be called from one thread at a time."""

    _ready_prefix = ""

    def __init__(self, module: str, *arguments: str | int | float | Path) -> None:
        self._changed = threading.Condition()  # protects the lines, their end and the errors
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._passed = 0  # lines that `wait_for` has gone past
        self._open_streams = 2
        self._address: Address | None = None
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.originals.{module}", *map(str, arguments)],
            cwd=_REPOSITORY,
            env={
                **os.environ,
                "PYTHONIOENCODING": "utf-8:backslashreplace",
                END_WITH_STDIN_VARIABLE: "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._threads = [
            threading.Thread(target=self._collect, args=pair, name=f"original-{module}-lines")
            for pair in ((self._process.stdout, self._lines), (self._process.stderr, self._errors))
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> Address:
        """Where it serves, with the real port; waits for the line that says so."""
        if self._address is None:
            _, _, host, port = self._wait_for_any(self._ready_prefix).split()
            self._address = (host, int(port))
        return self._address

    @property
    def lines(self) -> list[str]:
        """All lines of its standard output so far."""
        with self._changed:
            return list(self._lines)

    @property
    def error_output(self) -> str:
        """Its standard error so far: the traceback of what ended it."""
        with self._changed:
            return "\n".join(self._errors)

    def wait_for(self, text_prefix: str, timeout_s: float = _TIMEOUT_S) -> str:
        """Wait for a line that begins so, after the one that the last call returned; return it.

        Fails the test with all output when the time is over or the process has ended before.
        """
        with self._changed:
            index = self._wait_for_index(text_prefix, self._passed, timeout_s)
            self._passed = index + 1
            return self._lines[index]

    def wait_ended(self, timeout_s: float = _TIMEOUT_S) -> int:
        """Wait until the process has ended, with its output collected; return its exit code."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._story("has not ended")) from None
        for thread in self._threads:
            thread.join()
        return code

    def ended_by(self, timeout_s: float = _TIMEOUT_S) -> str:
        """Wait until the process has ended; return the name of the exception, or nothing."""
        self.wait_ended(timeout_s)
        tracebacks = self.error_output.rpartition("Traceback (most recent call last):\n")[2]
        if not tracebacks:
            return ""
        lines = (line for line in tracebacks.splitlines() if "Warning: " not in line)
        last_line = [line for line in lines if line[:1].strip()][-1]
        return last_line.partition(":")[0].rpartition(".")[2]

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Kill the process, collect its last lines, and close the pipes. May be called again."""
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _wait_for_any(self, text_prefix: str) -> str:
        """Like `wait_for`, but from the first line on and without going past anything."""
        with self._changed:
            return self._lines[self._wait_for_index(text_prefix, 0, _TIMEOUT_S)]

    def _wait_for_index(self, text_prefix: str, start: int, timeout_s: float) -> int:
        deadline = time.monotonic() + timeout_s
        while True:
            for index in range(start, len(self._lines)):
                if self._lines[index].startswith(text_prefix):
                    return index
            start = len(self._lines)
            remaining_s = deadline - time.monotonic()
            if not self._open_streams or remaining_s <= 0:
                raise AssertionError(self._story(f"did not say {text_prefix!r}"))
            self._changed.wait(remaining_s)

    def _story(self, complaint: str) -> str:
        said = "\n".join(["said:", *self.lines, "standard error:", self.error_output])
        return f"original {self._name} {complaint}; it {said}"

    def _collect(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            with self._changed:
                lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._open_streams -= 1
            self._changed.notify_all()


class OriginalTracker(OriginalProcess):
    """An original tracker; `address` is where to ask it."""

    _ready_prefix = "tracker ready "

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        forget_after_s: float | None = None,
        wait_until_ready: bool = True,
    ) -> None:
        options: _Options = [] if forget_after_s is None else ["--forget-after-s", forget_after_s]
        super().__init__("tracker", host, port, *options)
        _wait_if(self, wait_until_ready)


class _OriginalWithSeeding(OriginalProcess):
    """What a seeder says, and a leecher that became one."""

    _ready_prefix = "seeder listening "

    def ended_accept_loop(self) -> bool:
        """Whether it is deaf for good; `accept loop ended: <ExceptionName>` says of what."""
        return any(line.startswith("accept loop ended: ") for line in self.lines)

    def is_available(self) -> bool:
        """Whether the state that it said last is AVAILABLE, in which it also begins.

        Its lines may lag behind the wire: to see a change, `wait_for("seeder state ...")`.
        """
        states = [line for line in self.lines if line.startswith("seeder state ")]
        return not states or states[-1] == "seeder state AVAILABLE"


class OriginalSeeder(_OriginalWithSeeding):
    """An original seeder of a folder; `address` is where it listens and as what it registered.

    Ready means registered and listening; with a tracker that never answers it never is.
    """

    def __init__(
        self,
        tracker: Address,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ping_interval_s: float | None = None,
        chunk_pause_s: float | None = None,
        wait_until_ready: bool = True,
    ) -> None:
        options: _Options = (
            [] if ping_interval_s is None else ["--ping-interval-s", ping_interval_s]
        )
        if chunk_pause_s is not None:
            options += ["--chunk-pause-s", chunk_pause_s]
        super().__init__("seeder", *tracker, host, port, folder, *options)
        _wait_if(self, wait_until_ready)


class OriginalLeecher(_OriginalWithSeeding):
    """An original leecher of the named files, or of all; it starts to take them at once.

    With `keep_seeding_port` it becomes a seeder afterwards; `address` then waits for that.
    """

    def __init__(
        self,
        tracker: Address,
        folder: Path,
        *names: str,
        keep_seeding_port: int | None = None,
        keep_seeding_host: str = "127.0.0.1",
        ping_interval_s: float | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`patience_s`: the original's is a second, in which a busy machine may not answer."""
        options: _Options = ["--keep-seeding-host", keep_seeding_host, "--patience-s", patience_s]
        if keep_seeding_port is not None:
            options += ["--keep-seeding", keep_seeding_port]
        if ping_interval_s is not None:
            options += ["--ping-interval-s", ping_interval_s]
        super().__init__("leecher", *options, *tracker, folder, "--", *names)


def _wait_if(process: OriginalProcess, wait_until_ready: bool) -> None:
    """A process that does not become ready is closed: nobody has a reference to do it with."""
    if wait_until_ready:
        try:
            _ = process.address
        except AssertionError:
            process.close()
            raise
