"""What the log says of downloads."""

from __future__ import annotations

import logging
import unittest
from typing import Any

from roles.downloads.download_log import DownloadLog
from roles.values.errors import StorageError
from roles.values.events import DownloadChanged, DownloadState


def changed(state: DownloadState, **more: Any) -> DownloadChanged:
    values = {"title": "lesson/", "files": 53, "size": 98_000_000, "have": 0, **more}
    return DownloadChanged("key", state, rate=0.0, seconds_left=None, sources=(), **values)


class DownloadLogTest(unittest.TestCase):
    def said(self, *events: DownloadChanged, level: int = logging.INFO) -> list[str]:
        """Of these events, each 10 s after the one before."""
        told = DownloadLog()
        with self.assertLogs("roles.downloads.download_log", level) as logs:
            for number, event in enumerate(events):
                told.note(event, now=number * 10.0)
        return [record.getMessage() for record in logs.records]

    def test_a_folder_is_told_when_it_begins_and_when_it_is_here(self) -> None:
        self.assertEqual(
            self.said(
                changed(DownloadState.QUEUED),
                changed(DownloadState.CHECKING),
                changed(DownloadState.DOWNLOADING),
                changed(DownloadState.DOWNLOADING),
                changed(DownloadState.QUEUED),
                changed(DownloadState.DOWNLOADING),
                changed(DownloadState.DONE, renamed=2),
            ),
            [
                "Downloading lesson/: 53 files, 98.0 MB.",
                "Downloaded lesson/: 53 files, 98.0 MB, 2 under other names, in 50 s (2.0 MB/s).",
            ],
        )

    def test_of_one_file_the_end_is_told(self) -> None:
        file = {"title": "a.txt", "files": 1, "size": 80}
        self.assertEqual(
            self.said(
                changed(DownloadState.DOWNLOADING, **file), changed(DownloadState.DONE, **file)
            ),
            ["Downloaded a.txt: 80 bytes, in 10 s (8 bytes/s)."],
        )
        self.assertEqual(
            self.said(changed(DownloadState.SKIPPED, **file)),
            ["Not downloaded: a.txt is already here, identical."],
        )

    def test_what_stops_it_is_told_with_its_reason(self) -> None:
        full = "The disk of /x is full. Free 3 MB or choose another folder."
        self.assertEqual(
            self.said(
                changed(DownloadState.WAITING_FOR_SPACE, cause=full),
                changed(DownloadState.PAUSED, have=49_000_000),
                changed(DownloadState.CHECKING),
                changed(DownloadState.FAILED, failure=StorageError("No rights.")),
                changed(DownloadState.CANCELLED),
            ),
            [
                "Downloading lesson/: 53 files, 98.0 MB.",
                f"lesson/ is waiting for space: {full}",
                "Paused lesson/ with 49.0 MB of 98.0 MB here.",
                "Resuming lesson/: 53 files, 98.0 MB.",
                "Download failed: lesson/: No rights.",
                "Cancelled lesson/.",
            ],
        )

    def test_strangers_names_are_made_safe(self) -> None:
        (line,) = self.said(DownloadChanged("a\nb", DownloadState.DONE, 5, 5, 0.0, None, ()))
        self.assertTrue(line.isprintable())
