"""The life cycle of every role: start, stop, join, and no silent death.

It knows no wire and no role.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from roles.base.address_watch import AddressWatch
from roles.base.connections import hang_up
from roles.base.interfaces import address_for_others
from roles.values.addresses import Address
from roles.values.errors import LmkError, StorageError
from roles.values.events import NetworkChanged, Post, RoleStopped

log = logging.getLogger(__name__)

POLL_S = 0.2  # the longest that a blocking call waits before it looks whether to stop


class Role(ABC):
    """One background thread, and what it starts. start() and stop() return at once.

    RoleStopped is the last event.
    """

    def __init__(self, name: str, post: Post) -> None:
        self._post = post
        self._stopping = threading.Event()
        self._failure_beside: LmkError | None = None  # written once, before the thread's end
        self._watch: AddressWatch | None = None  # of the role's own thread
        self._thread = threading.Thread(target=self._main, name=f"lmk-{name}")

    def start(self) -> None:
        """Begin. Only once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end; it comes within 2 s, as RoleStopped."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; True if it came in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def should_stop(self) -> bool:
        """Whether stop() was called. For the role's own threads."""
        return self._stopping.is_set()

    def is_cut_off(self) -> bool:
        """Whether this computer has lost its network a while ago. For the role's own threads."""
        watch = self._watch
        return watch is not None and watch.is_cut_off

    def _network_change(self, listening: Address | None = None) -> NetworkChanged | None:
        """What changed in this computer's network since the last call, which is posted, too.

        Called by the role's own thread several times a second. Connections of addresses that are
        gone have been ended; what they were for begins anew, and pauses after failures mean nothing
        any more.
        """
        assert self._watch is not None  # made before _run()
        change = self._watch.look()
        if change is None:
            return None
        hang_up(change.gone)
        if change.has_slept:  # others have given up on what was open before
            hang_up(None, before=self._watch.awake_until)
        if listening is not None:
            change = replace(change, for_others=address_for_others(listening))
        log.info(
            "This computer's network changed: gone %s, new %s, held up for %.0f s.",
            ", ".join(change.gone) or "nothing",
            ", ".join(change.come) or "nothing",
            change.held_up_s,
        )
        self._post(change)
        return change

    def _start_beside(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Start a thread that the role needs: a fault in it ends the role and is told."""

        def main() -> None:
            failure = run_guarded(work)
            if failure is not None:
                self._failure_beside = failure
                self.stop()

        thread = threading.Thread(target=main, name=name)
        thread.start()
        return thread

    def _main(self) -> None:
        self._watch = AddressWatch()
        failure = run_guarded(self._run)
        self._post(RoleStopped(failure or self._failure_beside))

    @abstractmethod
    def _run(self) -> None:
        """Work until should_stop(). Runs in the role's own thread.

        Every thread that it starts ends before it does.
        """


def run_guarded(work: Callable[[], None]) -> LmkError | None:
    """Run what a thread is for.

    Whatever it raises is logged and returned as the sentence for the user.
    """
    try:
        work()
    except LmkError as error:  # expected: port taken, disk full
        log.warning("%s", error)
        return error
    except OSError as error:
        log.warning("%s: %s", threading.current_thread().name, error)
        return StorageError(f"This computer refused: {error.strerror or error}.")
    # A bug of ours: the one place that catches everything, so that no thread dies without a word.
    except Exception:
        log.exception("%s ended by a fault of the program", threading.current_thread().name)
        return LmkError("A fault in the program ended this. Please send us the log file.")
    return None
