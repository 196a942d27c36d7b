"""One file on its way here: its state, what it waits for, and its end. Its crew does the work.

One thread directs it while it is active; pausing, cancelling and queueing come from the leecher's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from roles.addresses import Address
from roles.crew import Crew, Outlook
from roles.errors import ContentError, DiskFullError, LmkError, NoSeederError, StorageError
from roles.events import DownloadChanged, DownloadState, ListedFile, Post
from roles.partial_file import PartialFile, check_space
from roles.rates import seconds_left
from roles.safe_names import shown_name
from roles.seeder_book import SeederBook
from roles.settings import Existing, LeecherSettings
from roles.worker import run_guarded

log = logging.getLogger(__name__)

TICK_S = 0.1
REPORT_S = 0.25
SPACE_AGAIN_S = 2.0  # a full disk is looked at again; it goes on within 5 s of space appearing


class Download:
    """Made and told by the leecher; posts DownloadChanged."""

    def __init__(
        self,
        file: ListedFile,
        stored_name: str,
        settings: LeecherSettings,
        existing: Existing,
        book: SeederBook,
        lock: threading.Lock,
        seeders: Callable[[], tuple[Address, ...]],
        post: Post,
    ) -> None:
        """`book` and `lock` are the leecher's, shared by its downloads; `seeders` gives the newest
        list.
        """
        self.file = file
        self.stored_name = stored_name
        self.state = DownloadState.QUEUED
        self._settings = settings
        self._existing = existing
        self._post = post
        self._crew = Crew(file, book, lock, seeders, settings.parallel_seeders)
        self._partial: PartialFile | None = None
        self._thread: threading.Thread | None = None
        self._then = DownloadState.PAUSED  # the state after halting
        self._usable_at = 0.0
        self._reported = 0.0

    @property
    def is_running(self) -> bool:
        """Whether the directing thread works."""
        return self._thread is not None

    @property
    def is_halting(self) -> bool:
        """Whether it was told to halt and has not ended yet."""
        return self._thread is not None and self._crew.halting.is_set()

    def start(self) -> None:
        """Begin, or go on after a pause. The directing thread must not be running."""
        self._crew.halting.clear()
        self._usable_at = time.monotonic()
        self._set_state(DownloadState.LOOKING)
        self._thread = threading.Thread(target=self._main, name="lmk-download")
        self._thread.start()

    def halt(self, then: DownloadState) -> None:
        """End up PAUSED, CANCELLED or, to go on later, QUEUED: soon, or at once when no thread
        works on it.
        """
        self._then = then
        self._crew.halting.set()
        self._crew.woken.set()
        if self._thread is None:
            self._end_halted()

    def join(self) -> None:
        """Wait for the directing thread; for the leecher's own end."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _main(self) -> None:
        failure = run_guarded(self._direct)
        if failure is not None:
            if not isinstance(failure, NoSeederError):  # with a seeder again, it goes on from there
                self._drop_partial()
            self._set_state(DownloadState.FAILED, failure=failure)
        self._thread = None

    def _direct(self) -> None:
        while not self._crew.halting.is_set():
            partial = self._opened_when_there_is_space()
            if partial is None:
                break
            fault = self._fetch_all(partial)
            if self._crew.halting.is_set():
                break
            if fault is None:
                self._finish(partial)
                return
            if not (isinstance(fault, DiskFullError) and self._waits_for_ever):
                raise fault
        self._end_halted()

    @property
    def _waits_for_ever(self) -> bool:
        return self._settings.give_up_after_s is None

    def _opened_when_there_is_space(self) -> PartialFile | None:
        """The partial file; None when halted while the disk was full. Raises StorageError."""
        while not self._crew.halting.is_set():
            try:
                check_space(self._settings.folder, self.file.size - self._crew.have)
                if self._partial is None:
                    self._partial = PartialFile(self._settings.folder, self.stored_name)
            except DiskFullError as error:
                if not self._waits_for_ever:
                    raise
                self._set_state(DownloadState.WAITING_FOR_SPACE, cause=str(error))
                self._crew.halting.wait(SPACE_AGAIN_S)
            else:
                return self._partial
        return None

    def _fetch_all(self, partial: PartialFile) -> StorageError | None:
        """Until every chunk is had, the disk refuses or the download is halted.

        No seeder's thread is left then.
        """
        crew = self._crew
        crew.begin(partial)
        try:
            while not crew.should_stop() and not crew.is_done:
                now = time.monotonic()
                crew.staff(now)
                self._judge(crew.outlook(now), now)
                crew.woken.wait(TICK_S)
                crew.woken.clear()
        except LmkError:
            crew.halting.set()
            raise
        finally:
            crew.join()
        return crew.storage_fault

    def _judge(self, outlook: Outlook, now: float) -> None:
        """What to show, and whether there is still hope.

        Raises ContentError or NoSeederError when there is none.
        """
        if outlook.is_moving or outlook.is_in_line:
            self._usable_at = now
        if outlook.is_moving:
            self._set_state(DownloadState.DOWNLOADING)
        elif outlook.all_dropped:
            raise ContentError(
                f"Every seeder of {shown_name(self.file.name)} sent damaged content. "
                "Nothing was kept. Start another seeder and try again."
            )
        elif outlook.is_in_line:
            self._set_state(DownloadState.IN_LINE)
        elif not outlook.is_anyone_listed:
            self._set_state(DownloadState.LOOKING, cause="the tracker lists no seeder now")
        elif outlook.last_fault and not outlook.is_trying:
            pause = f"again in {outlook.wait_s or 0:.0f} s"
            self._set_state(DownloadState.RETRYING, cause=f"{outlook.last_fault}; {pause}")
        patience_s = self._settings.give_up_after_s
        if patience_s is not None and now - self._usable_at > patience_s:
            why = outlook.last_fault or "the tracker lists no seeder"
            raise NoSeederError(
                f"No seeder could send {shown_name(self.file.name)} for {patience_s:.0f} s "
                f"({why}). Is a seeder running and not blocked by a firewall?"
            )

    def _finish(self, partial: PartialFile) -> None:
        self._set_state(DownloadState.VERIFYING)
        finished = partial.finish(self._existing, self._crew.halting.is_set)
        if finished is None:
            self._end_halted()
            return
        path, was_there = finished
        self._partial = None
        log.info("%s is %s", path, "there already, the same" if was_there else "done and checked")
        state = DownloadState.SKIPPED if was_there else DownloadState.DONE
        self._set_state(state, saved_as=path)

    def _end_halted(self) -> None:
        if self._then is DownloadState.CANCELLED:
            self._drop_partial()
        self._set_state(self._then)

    def _drop_partial(self) -> None:
        """Forget everything that came."""
        partial, self._partial = self._partial, None
        self._crew.forget()
        if partial is not None:
            partial.discard()

    def _set_state(
        self,
        state: DownloadState,
        *,
        cause: str = "",
        failure: LmkError | None = None,
        saved_as: Path | None = None,
    ) -> None:
        """Take this state and tell it, at most every REPORT_S while it stays the same."""
        now = time.monotonic()
        if state is self.state and now < self._reported + REPORT_S and failure is None:
            return
        self.state, self._reported = state, now
        rate = self._crew.rate(now) if state is DownloadState.DOWNLOADING else 0.0
        have = self.file.size if state is DownloadState.SKIPPED else self._crew.have
        self._post(
            DownloadChanged(
                name=self.file.name,
                state=state,
                size=self.file.size,
                have=have,
                rate=rate,
                seconds_left=seconds_left(self.file.size - have, rate),
                sources=self._crew.sources(now),
                cause=cause,
                failure=failure,
                saved_as=saved_as,
            )
        )
