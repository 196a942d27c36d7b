"""The program with one of its system calls refused: `python -m tests.refusals STEP ARGUMENTS`.

It runs the command once to count its calls, and then again and again, each time with another call
refused, by another error. One line of JSON tells of each run. It forks: POSIX only.
"""

from __future__ import annotations

import errno
import io
import json
import os
import select
import selectors
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import lmktorrent_app

# What is loaded later is not part of the trial.
from roles import discovery, leecher, lister, seeder, tracker  # noqa: F401
from ui.terminal import get_command, list_command  # noqa: F401

LIMIT_S = 30  # for one run
ERRORS: tuple[int | None, ...] = (
    errno.EMFILE,
    errno.EIO,
    errno.EACCES,
    errno.ENOSPC,
    errno.ENOMEM,
    None,  # MemoryError, and no thread
)
_OF_OS = ("open", "stat", "lstat", "fstat", "mkdir", "write", "read", "fsync", "link", "replace")
_OF_SOCKETS = ("bind", "listen", "connect", "connect_ex", "send", "sendto", "recv", "recvfrom")


class Trial:
    """Counts the calls, and refuses one of them."""

    def __init__(self, refused: int, error: int | None) -> None:
        self.calls = 0
        self._refused, self._error = refused, error
        self._lock = threading.Lock()

    def patch(self) -> None:
        """Once in a process; not undone."""
        for name in (*_OF_OS, "scandir", "unlink", "ftruncate", "utime", "fchmod", "statvfs"):
            self._wrap(os, name)
        for name in (*_OF_SOCKETS, "setsockopt", "getsockname", "shutdown"):
            self._wrap(socket.socket, name)
        self._wrap(socket, "socketpair")
        self._wrap(io, "open")
        self._wrap(selectors.DefaultSelector, "register")
        if hasattr(select, "epoll"):
            self._wrap(select, "epoll")
        self._wrap(threading.Thread, "start", is_thread=True)

    def _wrap(self, place: Any, name: str, *, is_thread: bool = False) -> None:
        call: Callable[..., Any] = getattr(place, name)

        def counted(*words: Any, **more: Any) -> Any:
            with self._lock:
                self.calls += 1
                is_refused = self.calls == self._refused
            if is_refused and is_thread:
                raise RuntimeError("can't start new thread")
            if is_refused and self._error is None:
                raise MemoryError
            if is_refused and self._error is not None:
                raise OSError(self._error, os.strerror(self._error))
            return call(*words, **more)

        setattr(place, name, counted)


def ended(arguments: Sequence[str], refused: int, error: int | None) -> dict[str, object]:
    """Run the command in a process of its own; how it ended."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory(prefix="lmk-") as profile:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            signal.alarm(LIMIT_S)
            trial = Trial(refused, error)
            trial.patch()
            code = lmktorrent_app.main([*arguments, "--profile", profile])
            os.write(writer, json.dumps([code, trial.calls]).encode())
            os._exit(0)
        os.close(writer)
        told = os.read(reader, 1_000)
        os.close(reader)
        os.waitpid(child, 0)
        said.seek(0)
        words = said.read().decode(errors="replace")
        logs = "".join(log.read_text("utf-8") for log in Path(profile).glob("logs/*"))
    code, calls = json.loads(told or b"[null, 0]")
    return {"code": code, "calls": calls, "refused": refused, "error": error, "said": words + logs}


def run(step: int, arguments: Sequence[str]) -> None:
    """Print how each run ended."""
    whole = ended(arguments, 0, None)
    tell(whole)
    errors = cycle(ERRORS)
    for refused in range(1, int(str(whole["calls"])) + 1, step):
        tell(ended(arguments, refused, next(errors)))


def tell(run: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(run) + "\n")
    sys.stdout.flush()  # or the next child would say it again


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2:])
