"""Threads that never die in silence, and the sentence for what the system refuses."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable

from roles.values.errors import LmkError, ShortageError, StorageError
from roles.values.safe_names import shown_name

log = logging.getLogger(__name__)

POLL_S = 0.2  # the longest that a blocking call waits before it looks whether to stop
SHORTAGE_PAUSE_S = 1.0  # before a thread that hit a shortage tries again
# The system is out of something, and nothing is wrong with what it was asked for.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
NO_MEMORY = "This computer has no memory left. Close other programs, and try again."
NO_THREAD = "This computer can start no more threads. Close other programs, and try again."


class Worker(threading.Thread):
    """The only kind of thread in this program: whatever its work raises is logged, not printed."""

    def __init__(self, work: Callable[[], object], name: str, *, daemon: bool = False) -> None:
        super().__init__(target=lambda: run_guarded(work), name=name, daemon=daemon)

    def start(self) -> None:
        """Begin. Raises ShortageError where the system has no thread left."""
        try:
            super().start()
        except (RuntimeError, MemoryError):
            raise ShortageError(NO_THREAD) from None


def rest(seconds: float, should_stop: Callable[[], bool]) -> None:
    """Sleep for so long, or until should_stop(), which is looked at every POLL_S."""
    deadline = time.monotonic() + seconds
    while (left_s := deadline - time.monotonic()) > 0 and not should_stop():
        time.sleep(min(left_s, POLL_S))


def run_guarded(work: Callable[[], object]) -> LmkError | None:
    """Run what a thread is for.

    Whatever it raises is logged and returned as the sentence for the user.
    """
    try:
        work()
    # The one place that catches everything, so that no thread dies without a word.
    except Exception as error:
        failure = failure_of(error)
        if failure is not None:  # expected: port taken, disk full, no memory
            log.warning("%s", failure)
            return failure
        log.exception("%s ended by a fault of the program", threading.current_thread().name)
        return LmkError("A fault in the program ended this. Please send us the log file.")
    return None


def failure_of(error: BaseException) -> LmkError | None:
    """The error as the user is told of it; None for a bug of ours."""
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


def shortage_of(error: Exception) -> ShortageError | None:
    """What this computer lacked, when that is what failed."""
    failure = failure_of(error)
    return failure if isinstance(failure, ShortageError) else None


def _refusal(error: OSError) -> StorageError:
    """The sentence for an error of the system about which nothing more is known."""
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in SHORTAGES:
        return ShortageError(
            f"This computer has run out of something that this needs ({why}). "
            "Close other programs, and try again."
        )
    where = f" {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return StorageError(f"This computer refused{where}: {why}.")
