"""The life of every download: queued, run by a thread of its own, stopped, settled.

The leecher's thread owns it, but for what its own thread does between start() and its end. The two
subclasses know what is downloaded and how.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from roles.disk.reserved_space import ReservedSpace
from roles.downloads.patience import Patience
from roles.joining.list_copy import Selection
from roles.joining.room_reader import RoomReader
from roles.values.errors import ContentError, LmkError
from roles.values.events import DownloadChanged, DownloadState, Post
from roles.values.settings import Existing, LeecherSettings
from roles.worker import Worker, run_guarded

REPORT_S = 0.25
QUEUED_AT_PEERS_S = 600.0  # without a byte: then a position in peers' queues is no reason to wait


def all_damaged(title: str) -> ContentError:
    return ContentError(
        f"Everyone who has {title} sent damaged content. Start another seeder and try again."
    )


def failed_to_begin(key: str, wanted: Selection | None, failure: LmkError) -> DownloadChanged:
    """The event for a download that could not be created; `wanted` is None if it is not listed."""
    return DownloadChanged(
        name=key,
        state=DownloadState.FAILED,
        size=wanted.size if wanted is not None else 0,
        have=0,
        rate=0.0,
        seconds_left=None,
        sources=(),
        failure=failure,
        title=wanted.title if wanted is not None else "",
        files=len(wanted.files) if wanted is not None else 1,
    )


@dataclass(frozen=True, slots=True)
class DownloadContext:
    """What all downloads of a leecher share."""

    settings: LeecherSettings
    space: ReservedSpace  # of the target folder
    post: Post
    ended: Callable[[], None]  # called by a download's thread when reap() has something to do
    # Whether this computer has no network: then no download gives up.
    is_cut_off: Callable[[], bool] = lambda: False


class DownloadLife(ABC):
    """Owned by the leecher's thread."""

    def __init__(self, key: str, existing: Existing, context: DownloadContext) -> None:
        self.key = key
        self.existing = existing
        self._settings, self._space, self._post = context.settings, context.space, context.post
        self._ended, self._is_cut_off = context.ended, context.is_cut_off
        self._patience = Patience(context.settings.give_up_after_s)
        self._reported = 0.0
        self.state = DownloadState.QUEUED
        self.stopping = threading.Event()
        self.woken = threading.Event()
        self.waits_for: DownloadLife | None = None  # it has a name that this one needs
        self._thread: threading.Thread | None = None
        self._has_ended = False  # set by the download's thread as the last thing
        self._then: DownloadState | None = None  # what was asked for, until that thread has ended
        self._still_since = float("inf")  # nothing has arrived since then
        self.turns = 0  # given up for other downloads
        self._waited_s = 0.0  # for nothing, during those turns
        self._gives_way = False  # it is being stopped to let others run
        self._goes_on = False  # this turn continues one that was given up

    @property
    @abstractmethod
    def collision_keys(self) -> frozenset[str]:
        """The keys of its names in the target folder. No two running downloads may share one."""

    @property
    @abstractmethod
    def at_the_end(self) -> DownloadState:
        """What becomes of it when the program ends in the middle: PAUSED or CANCELLED."""

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    @property
    def needs_peers(self) -> bool:
        """Whether peers are looked for: from start() on, even before its thread has set a state."""
        return self.is_running and not self.state.is_final

    @property
    def is_cancelled(self) -> bool:
        return DownloadState.CANCELLED in (self.state, self._then)

    @property
    def is_unfinished(self) -> bool:
        """Whether it will go on, so that it cannot be asked for anew."""
        return not (self.state.is_final or self.is_cancelled)

    @property
    def is_paused(self) -> bool:
        """Whether it is paused, or will be once its thread has ended."""
        return DownloadState.PAUSED in (self.state, self._then)

    @property
    def can_resume(self) -> bool:
        return self.is_paused or self.state is DownloadState.FAILED

    @property
    def wanted(self) -> Selection | None:
        """What LMK/2 peers are asked for."""
        return None

    @property
    def is_free_to_follow(self) -> bool:
        """Whether the download that it waited for has ended."""
        return self.waits_for is not None and not self.waits_for.is_running

    def follow(self, lists: RoomReader, running: Iterable[DownloadLife]) -> None:  # noqa: B027
        """Take up the newest list. If another running download has a name that it would take, it
        waits for that.
        """

    def still_s(self, now: float) -> float:
        """Seconds since anything arrived, while its thread runs; 0.0 otherwise."""
        return max(0.0, now - self._still_since)

    def give_way(self, now: float) -> None:
        """Let other downloads run, and continue in a later turn.

        Nothing to do if it is being stopped already: a cancel or a pause must not be overridden.
        """
        if self.stopping.is_set():
            return
        self._waited_s += self.still_s(now)
        self.turns += 1
        self._gives_way = True
        self._stop(DownloadState.QUEUED)

    def start(self) -> None:
        """Begin, or go on after a pause. Its thread must not be running.

        Raises ShortageError if no thread can be started; the download stays queued then.
        """
        self.stopping.clear()
        self._then, self._has_ended = None, False
        self._still_since = float("inf")
        self._goes_on, self._gives_way = self._gives_way, False
        thread = Worker(self._main, "lmk-download")
        thread.start()
        self._thread = thread

    def give_up(self, failure: LmkError) -> None:
        """Fail before the first thread started."""
        self._set_state(DownloadState.FAILED, failure=failure)

    def stop(self, then: DownloadState) -> None:
        """End up PAUSED, CANCELLED or, to go on later, QUEUED.

        At once when no thread works on it, else soon.
        """
        self._waited_s, self._gives_way = 0.0, False
        self._stop(then)

    def _stop(self, then: DownloadState) -> None:
        self._then = then
        if self._thread is None:
            self._settle()
        else:
            self.stopping.set()
            self.woken.set()

    def reap(self) -> None:
        if self._has_ended:
            self.join()

    def join(self) -> None:
        """Wait for its thread, if there is one, and settle what becomes of it."""
        if self._thread is not None:
            self._thread.join()
            self._thread, self._has_ended = None, False
            self._settle()

    @abstractmethod
    def discard(self) -> None:
        """Forget everything that came. Nobody works on it now."""

    @abstractmethod
    def _forget(self) -> None:
        """It was cancelled: remove what earlier runs left of it. No thread works on it."""

    @abstractmethod
    def leave(self) -> None:
        """The program ends: keep what came as far as a later run can go on from it."""

    @abstractmethod
    def _direct(self) -> None:
        """Work until it has an end or is stopped; _settle() does what was asked for."""

    @abstractmethod
    def _can_go_on_after(self, failure: LmkError) -> bool:
        """Whether what came can still be used."""

    @abstractmethod
    def _described(self, now: float) -> DownloadChanged:
        """What to tell of it in its present state."""

    def _set_state(
        self,
        state: DownloadState,
        *,
        cause: str = "",
        position: int = 0,
        failure: LmkError | None = None,
        saved_as: Path | None = None,
    ) -> None:
        """Take this state, and tell it; at most every REPORT_S while it stays the same."""
        now = time.monotonic()
        if state is self.state and now < self._reported + REPORT_S and failure is None:
            return
        self.state, self._reported = state, now
        event = self._described(now)
        self._post(
            replace(event, cause=cause, position=position, failure=failure, saved_as=saved_as)
        )

    def _settle(self) -> None:
        """Do what was asked for, unless its own end came first. Nobody works on it now."""
        then, self._then = self._then, None
        came_first = self.state in (DownloadState.DONE, DownloadState.SKIPPED) or (
            self.state is DownloadState.FAILED and then is DownloadState.PAUSED
        )
        if then is None or came_first:
            return
        if then is DownloadState.CANCELLED:
            self.discard()
            self._forget()
        self._set_state(then)

    def _main(self) -> None:
        failure = run_guarded(self._direct)
        try:
            if failure is not None:
                self._tell_failure(failure)
        finally:  # whatever becomes of that, the leecher waits for this thread
            self._has_ended = True
            self._ended()

    def _tell_failure(self, failure: LmkError) -> None:
        try:
            if not self._can_go_on_after(failure):
                self.discard()
        finally:
            self._set_state(DownloadState.FAILED, failure=failure)
