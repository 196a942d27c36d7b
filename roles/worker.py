"""Threads whose failures are always logged, and sentences for errors of the system."""

from __future__ import annotations

import errno
import logging
import os
import threading
import zlib
from collections.abc import Callable
from typing import TypeVar

from roles.values.errors import LmkError, ShortageError, StorageError
from roles.values.safe_names import shown_name

log = logging.getLogger(__name__)

POLL_S = 0.2  # how often blocking calls check whether to stop
SHORTAGE_PAUSE_S = 1.0  # before a thread tries again after a shortage
# The system has run out of something; the request itself was fine.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
NO_MEMORY = "This computer has no memory left. Close other programs, and try again."
NO_THREAD = "This computer can start no more threads. Close other programs, and try again."
# What an import raises if the program's own file was replaced or removed; the last one is
# PyInstaller's.
_UNLOADABLE = (ImportError, OSError, EOFError, ValueError, zlib.error, SystemExit)

T = TypeVar("T")


class Worker(threading.Thread):
    """The only kind of thread in this program. It logs whatever its work raises."""

    def __init__(self, work: Callable[[], object], name: str, *, daemon: bool = False) -> None:
        super().__init__(target=lambda: run_guarded(work), name=name, daemon=daemon)

    def start(self) -> None:
        """Raises ShortageError if the system has no thread left."""
        try:
            super().start()
        except (RuntimeError, MemoryError):
            raise ShortageError(NO_THREAD) from None


class Workers:
    """Threads of one kind. Each ends by itself, at the latest when the program stops."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()  # protects the next two
        self._running: set[Worker] = set()
        self._is_over = False

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Callable[[], object]) -> None:
        """Raises ShortageError if the system has no thread left, or after join()."""

        def main() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._running.discard(worker)

        worker = Worker(main, self._name)
        with self._lock:
            if self._is_over:
                raise ShortageError("This program stops.")
            worker.start()
            self._running.add(worker)

    def join(self) -> None:
        """Wait for all. None can be started from now on."""
        with self._lock:
            self._is_over = True
            running = list(self._running)
        for worker in running:
            worker.join()


def run_guarded(work: Callable[[], object]) -> LmkError | None:
    """Run `work`. Log whatever it raises and return it as a sentence for the user."""
    try:
        work()
    # The only place that catches everything, so that no thread dies silently.
    except Exception as error:
        failure = failure_of(error)
        if failure is not None:  # such as: port taken, disk full, no memory
            log.warning("%s", failure)
            return failure
        log.exception("A fault of the program ended %s.", threading.current_thread().name)
        return LmkError("A fault in the program ended this. Please send us the log file.")
    return None


def failure_of(error: BaseException) -> LmkError | None:
    """The error as a sentence for the user; None if it is a bug."""
    match error:
        case LmkError():
            return error
        case MemoryError():
            return ShortageError(NO_MEMORY)
        case OSError():
            return _refusal(error)
        case UnicodeEncodeError() if error.encoding.lower() not in {"utf-8", "utf8"}:
            return StorageError(
                f"The locale of this computer cannot write “{shown_name(error.object)}”. "
                "Set LC_ALL=C.UTF-8 in the environment, and try again."
            )
        case _:
            return None


def loaded(load: Callable[[], T]) -> T:
    """What `load` returns, which imports modules that few runs need. Raises StorageError if they
    can no longer be read.
    """
    try:
        return load()
    except _UNLOADABLE as error:
        failure = failure_of(error)
        if isinstance(failure, ShortageError):
            raise failure from error
        text = f"The program's own file has changed since it started ({error}). Start it again."
        raise StorageError(text) from error


def shortage_of(error: Exception) -> ShortageError | None:
    """The shortage that caused the error, if one did."""
    failure = failure_of(error)
    return failure if isinstance(failure, ShortageError) else None


def _refusal(error: OSError) -> StorageError:
    """The sentence for an error about which we know nothing else."""
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in SHORTAGES:
        return ShortageError(
            f"This computer has run out of resources ({why}). Close other programs, and try again."
        )
    where = f" {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return StorageError(f"This computer refused{where}: {why}.")
