"""One download: its state, what it waits for and how it ends. Its fetchers do the work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from roles.disk.leftovers import drop_partials
from roles.disk.partial_file import FinalFile, PartialFile
from roles.downloads.download_life import QUEUED_AT_PEERS_S, DownloadContext, DownloadLife
from roles.lmk1.fetchers import Fetchers, SeedersOutlook
from roles.lmk1.seeder_book import SeederBook
from roles.net.rates import seconds_left
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.errors import (
    ContentError,
    DiskFullError,
    LmkError,
    NoSeederError,
    StorageError,
)
from roles.values.events import CUT_OFF, DownloadChanged, DownloadState
from roles.values.listed_file import ListedFile
from roles.values.safe_names import collision_key, shown_name
from roles.values.settings import Existing

log = logging.getLogger(__name__)

TICK_S = 0.1


class Lmk1Download(DownloadLife):
    """Posts DownloadChanged."""

    def __init__(
        self,
        file: ListedFile,
        stored_name: str,
        existing: Existing,
        context: DownloadContext,
        *,
        book: SeederBook,
        lock: threading.Lock,
        seeders: Callable[[], tuple[Address, ...]],
        throttle: Throttle,
    ) -> None:
        """All downloads of the leecher share `book` and `lock`. `seeders` returns the seeders of
        this file.
        """
        super().__init__(file.key, existing, context)
        self.file = file
        self._stored_name = stored_name
        self._fetchers = Fetchers(
            file,
            book,
            lock,
            seeders,
            self._settings.parallel_seeders,
            woken=self.woken,
            throttle=throttle,
        )
        self._partial: PartialFile | None = None

    @property
    def collision_keys(self) -> frozenset[str]:
        name = self._stored_name  # with and without case, as file systems differ
        return frozenset({name, collision_key(name)})

    @property
    def at_the_end(self) -> DownloadState:
        """LMK/1 does not identify content, so a later run could not tell if it is the same file."""
        return DownloadState.CANCELLED

    def keep_both(self) -> None:
        """Replace no file, whatever the user chose."""
        self.existing = Existing.KEEP_BOTH

    def leave(self) -> None:
        self.discard()

    def discard(self) -> None:
        partial, self._partial = self._partial, None
        self._fetchers.forget()
        if partial is None:
            return
        try:
            partial.discard()
        except StorageError as error:  # another program has replaced it
            log.warning("%s", error)

    def _forget(self) -> None:
        drop_partials(self._settings.folder, [(self._stored_name,)])

    def _can_go_on_after(self, failure: LmkError) -> bool:
        """It can if a seeder appears, or if only the final name is missing."""
        if isinstance(failure, StorageError):
            partial = self._partial
            return (
                self._fetchers.is_done
                and partial is not None
                and partial.is_in_place
                and not partial.is_touched  # LMK/1 cannot check its content
            )
        return isinstance(failure, NoSeederError)

    def _direct(self) -> None:
        self._still_since = time.monotonic()
        self._patience.renew(self._still_since, waited_s=self._waited_s)
        self._set_state(DownloadState.LOOKING)
        try:
            self._fetch_and_finish()
        finally:
            self._space.release(self)

    def _fetch_and_finish(self) -> None:
        while not self.stopping.is_set():
            try:
                partial = self._opened()
                self._fetch_all(partial)
                if not self.stopping.is_set():
                    self._finish(partial)
            except DiskFullError as error:
                if not self._settings.waits_for_space:
                    raise
                if self._partial is not None and self._partial.is_touched:
                    self.discard()  # LMK/1 cannot check what the disk has lost
                self._space.release(self)
                self._set_state(DownloadState.WAITING_FOR_SPACE, cause=str(error))
                self.stopping.wait(self._settings.space_again_s)
            else:
                return

    def _opened(self) -> PartialFile:
        """The partial file, with room on the disk for the rest. Raises StorageError."""
        self._space.reserve(self, self.file.size - self._fetchers.have)
        if self._partial is None:
            self._partial = PartialFile(
                self._settings.folder, (self._stored_name,), can_be_checked=False
            )
        return self._partial

    def _fetch_all(self, partial: PartialFile) -> None:
        """Fetch until all chunks are here or the download is stopped. Raises StorageError if the
        disk refuses. All fetchers' threads have ended then.
        """
        fetchers = self._fetchers
        fetchers.begin(partial)
        try:
            while not (self.stopping.is_set() or fetchers.stopping.is_set() or fetchers.is_done):
                now = time.monotonic()
                self._space.update(self, self.file.size - fetchers.have)
                fetchers.staff(now)
                self._judge(fetchers.outlook(now), now)
                self.woken.wait(TICK_S)
                self.woken.clear()
        finally:
            fetchers.stop()
        if fetchers.storage_fault is not None and not self.stopping.is_set():
            raise fetchers.storage_fault

    def _judge(self, outlook: SeedersOutlook, now: float) -> None:
        """Report the outlook. Raises ContentError or NoSeederError if it is time to give up."""
        self._show_outlook(outlook)
        is_cut_off = self._is_cut_off()
        if outlook.is_moving or is_cut_off:
            self._still_since = now
        is_queued = outlook.is_queued and self.still_s(now) < QUEUED_AT_PEERS_S
        if outlook.is_moving or is_queued or is_cut_off:
            self._patience.renew(now)
        if self._patience.is_over(now) and not outlook.is_connected:
            if outlook.lack is not None:
                raise outlook.lack
            why = outlook.last_fault or "the tracker lists no seeder"
            raise NoSeederError(
                f"No seeder could send {shown_name(self.file.name)} for "
                f"{self._patience.limit_s:.0f} s "
                f"({why}). Is a seeder running and not blocked by a firewall?"
            )

    def _show_outlook(self, outlook: SeedersOutlook) -> None:
        """Take the state that follows from it. Raises ContentError if all seeders are dropped."""
        if outlook.is_moving or outlook.is_connected:
            self._set_state(DownloadState.DOWNLOADING)
        elif outlook.all_dropped:
            raise ContentError(
                f"Every seeder of {shown_name(self.file.name)} sent damaged content. "
                "Nothing was kept. Start another seeder and try again."
            )
        elif outlook.is_queued:
            self._set_state(DownloadState.IN_QUEUE)
        elif self._is_cut_off():
            self._set_state(DownloadState.LOOKING, cause=CUT_OFF)
        elif not outlook.is_anyone_listed:
            self._set_state(DownloadState.LOOKING, cause="the tracker lists no seeder now")
        elif outlook.lack is not None and not outlook.is_trying:
            self._set_state(DownloadState.LOOKING, cause=str(outlook.lack))
        elif outlook.last_fault and not outlook.is_trying:
            pause = f"again in {outlook.wait_s or 0:.0f} s"
            self._set_state(DownloadState.RETRYING, cause=f"{outlook.last_fault}; {pause}")

    def _finish(self, partial: PartialFile) -> None:
        self._set_state(DownloadState.VERIFYING)
        finished = partial.finish(FinalFile(self.existing), self.stopping)
        if finished is None:
            return
        path, was_there = finished
        self._partial = None
        state = DownloadState.SKIPPED if was_there else DownloadState.DONE
        self._set_state(state, saved_as=path)

    def _described(self, now: float) -> DownloadChanged:
        rate = self._fetchers.rate(now) if self.state is DownloadState.DOWNLOADING else 0.0
        is_same = self.state is DownloadState.SKIPPED
        have = self.file.size if is_same else self._fetchers.have
        return DownloadChanged(
            name=self.key,
            state=self.state,
            size=self.file.size,
            have=have,
            rate=rate,
            seconds_left=seconds_left(self.file.size - have, rate),
            sources=self._fetchers.sources(now),
        )
