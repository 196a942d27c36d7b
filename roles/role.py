"""The life cycle of every role, and how it notices changes of this computer's network."""

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
    """A background thread, and the threads that it starts. RoleStopped is its last event."""

    def __init__(self, name: str, post: Post) -> None:
        self._post = post
        self._stopping = threading.Event()
        self._failure_beside: LmkError | None = None  # written once, before the thread's end
        self._watch: AddressWatch | None = None  # of the role's own thread
        self._thread = Worker(self._main, f"lmk-{name}")
        self._has_begun = False

    def start(self) -> None:
        """Start, once, and return at once. If the system has no thread left, post RoleStopped."""
        try:
            self._thread.start()
        except ShortageError as error:
            log.warning("%s", error)
            self._post(RoleStopped(error))
        else:
            self._has_begun = True

    def stop(self) -> None:
        """Ask it to end, and return at once. RoleStopped follows within 2 s."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False on timeout."""
        if self._has_begun:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def is_cut_off(self) -> bool:
        """Whether this computer has been without network for a while. For the role's threads."""
        watch = self._watch
        return watch is not None and watch.is_cut_off

    def _network_change(self, listening: Address | None = None) -> NetworkChanged | None:
        """Post and return what changed in this computer's network since the last call.

        The role's own thread calls this several times per second. It ends connections from lost
        addresses. After a change, retry at once what failed before.
        """
        assert self._watch is not None  # set before _run()
        change = self._watch.look()
        if change is None:
            return None
        end_connections(change.gone)
        if change.has_slept:  # the other sides have given up older connections
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

        If `work` fails, the role ends with that failure; after a shortage, `work` runs again.
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
        """Work until `_stopping` is set, in the role's own thread.

        It must wait for every thread that it starts.
        """
