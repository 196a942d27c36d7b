"""The downloads of the last run that this one continues, and the record of those under way.

The record holds only what was asked for. What came is found on the disk. Owned by the leecher's
thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from roles.disk.download_record import (
    MAX_DOWNLOADS,
    MAX_SHARES,
    DownloadRecord,
    RecordedDownload,
)
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadLife
from roles.values.addresses import Address
from roles.values.errors import StorageError
from roles.values.settings import LeecherSettings

log = logging.getLogger(__name__)

SAVE_S = 1.0  # between two records


class UnfinishedDownloads:
    """Without a state folder it remembers nothing."""

    def __init__(self, settings: LeecherSettings) -> None:
        self._tracker, self._folder = str(settings.tracker), settings.folder.absolute()
        self._record = DownloadRecord(settings.state_folder) if settings.state_folder else None
        self._kept: tuple[RecordedDownload, ...] = ()  # for other folders or trackers: not ours
        self._waiting: list[RecordedDownload] = []  # for a list that has them
        self._saved: tuple[RecordedDownload, ...] = ()
        self._save_at = 0.0

    def load(self) -> str:
        """Read the record of the last run. Returns "", or why it cannot be used, for the user."""
        if self._record is None:
            return ""
        self._kept = self._saved = self._record.load()
        self._take_ours()
        return self._record.notice

    def tracker_is(self, tracker: Address) -> None:
        """Record what is under way for this tracker from now on, and continue what was recorded
        for it: the next start looks for it there.
        """
        if str(tracker) != self._tracker:
            self._tracker = str(tracker)
            self._take_ours()

    def take_up(self, start: Callable[[RecordedDownload], bool]) -> None:
        """Continue those that the newest list has; `start` returns whether it has this one."""
        self._waiting = [record for record in self._waiting if not start(record)]

    def has_any(self, downloads: Iterable[DownloadLife]) -> bool:
        """Whether any download to this folder can go on, even one of another tracker."""
        recorded = any(record.folder == self._folder for record in (*self._kept, *self._waiting))
        return recorded or any(download.can_resume or _goes_on(download) for download in downloads)

    def going_on(self, downloads: Iterable[DownloadLife]) -> list[RecordedDownload]:
        """What a later run is to continue, as it is now."""
        current = [self._recorded(download) for download in downloads if _goes_on(download)]
        known = {record.key for record in current}
        return [*(record for record in self._waiting if record.key not in known), *current]

    def note(self, downloads: Iterable[DownloadLife], *, now: float) -> None:
        if self._record is None or now < self._save_at:
            return
        self._save_at = now + SAVE_S  # many may be under way: they are not compared all the time
        self._keep(self.going_on(downloads))

    def leave(self, record: Iterable[RecordedDownload], downloads: Iterable[DownloadLife]) -> None:
        """The run ends. `record` is what was going_on() before its end paused the downloads; those
        that have ended since then are not continued.
        """
        ended = {download.key for download in downloads if not _goes_on(download)}
        self._keep(kept for kept in record if kept.key not in ended)

    def _keep(self, ours: Iterable[RecordedDownload]) -> None:
        record = (*self._kept, *ours)
        if self._record is None or record == self._saved:
            return
        self._saved = record
        try:
            self._record.save(record[:MAX_DOWNLOADS])
        except StorageError as error:
            log.warning("Downloads will not resume by themselves at the next start: %s", error)

    def _take_ours(self) -> None:
        self._waiting += (record for record in self._kept if self._is_ours(record))
        self._kept = tuple(record for record in self._kept if not self._is_ours(record))

    def _is_ours(self, record: RecordedDownload) -> bool:
        return (record.tracker, record.folder) == (self._tracker, self._folder)

    def _recorded(self, download: DownloadLife) -> RecordedDownload:
        assert isinstance(download, Download)
        return RecordedDownload(
            tracker=self._tracker,
            folder=self._folder,
            key=download.key,
            title=download.title,
            existing=download.existing,
            shares=download.wanted.shares[:MAX_SHARES],
            is_paused=download.is_paused,
            home=download.home,
            first=download.order.first,
        )


def _goes_on(download: DownloadLife) -> bool:
    """Whether a later run can continue it. LMK/1 names no content, so it cannot."""
    return isinstance(download, Download) and not download.state.is_final
