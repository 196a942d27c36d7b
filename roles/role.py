"""The life of every role: start, stop, join, and what its computer's network does meanwhile."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from roles.net.address_watch import AddressWatch
from roles.net.connection import end_connections
from roles.net.interfaces import address_for_others
from roles.values.addresses import Address
from roles.values.errors import LmkError, ShortageError
from roles.values.events import NetworkChanged, Post, RoleStopped
from roles.worker import SHORTAGE_PAUSE_S, Worker, run_guarded

log = logging.getLogger(__name__)


class Role(ABC):
    """One background thread, and what it starts. start() and stop() return at once.

    RoleStopped is the last event.
    """

    def __init__(self, name: str, post: Post) -> None:
        self._post = post
        self._stopping = threading.Event()
        self._failure_beside: LmkError | None = None  # written once, before the thread's end
        self._watch: AddressWatch | None = None  # of the role's own thread
        self._thread = Worker(self._main, f"lmk-{name}")
        self._has_begun = False

    def start(self) -> None:
        """Begin. Only once. Where no thread can be started, RoleStopped says so at once."""
        try:
            self._thread.start()
        except ShortageError as error:
            log.warning("%s", error)
            self._post(RoleStopped(error))
        else:
            self._has_begun = True

    def stop(self) -> None:
        """Ask for the end; it comes within 2 s, as RoleStopped."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; True if it came in time."""
        if self._has_begun:
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
        end_connections(change.gone)
        if change.has_slept:  # others have given up on what was open before
            end_connections(None, before=self._watch.awake_until)
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

    def _start_beside(self, work: Callable[[], None], name: str) -> Worker:
        """Start a thread that the role needs. Raises ShortageError.

        A fault in it ends the role and is told; after a shortage `work` is called again.
        """

        def main() -> None:
            failure = run_guarded(work)
            while isinstance(failure, ShortageError) and not self._stopping.wait(SHORTAGE_PAUSE_S):
                failure = run_guarded(work)
            if failure is not None and not isinstance(failure, ShortageError):
                self._failure_beside = failure
                self.stop()

        thread = Worker(main, name)
        thread.start()
        return thread

    def _main(self) -> None:
        failure = run_guarded(self._watch_and_run)
        self._post(RoleStopped(failure or self._failure_beside))

    def _watch_and_run(self) -> None:
        self._watch = AddressWatch()
        self._run()

    @abstractmethod
    def _run(self) -> None:
        """Work until should_stop(). Runs in the role's own thread.

        Every thread that it starts ends before it does.
        """
