"""How many files of a download have ended, and how."""

from __future__ import annotations

import unittest
from pathlib import Path

from roles.downloads.file_tally import NEWS_AT_ONCE, FileTally
from roles.values.errors import StorageError
from roles.values.events import DownloadState, FileEnded

DONE, SKIPPED, FAILED = DownloadState.DONE, DownloadState.SKIPPED, DownloadState.FAILED


class FileTallyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.told: list[tuple[FileEnded, ...]] = []
        self.tally = FileTally(self.told.append)

    def test_what_is_here_counts_and_what_failed_does_not(self) -> None:
        failed = FileEnded("c", 4, FAILED, failure=StorageError("no"))
        for file in (
            FileEnded("a", 1, DONE, "/t/a"),
            FileEnded("b", 2, SKIPPED, "/t/b (2)"),
            failed,
        ):
            self.tally.note(file)
        self.assertEqual((self.tally.ended, self.tally.had, self.tally.done), (3, 3, 1))
        self.assertEqual((self.tally.renamed, self.tally.saved_as), (1, Path("/t/b (2)")))
        self.assertEqual(self.tally.failures, [failed])

    def test_a_folder_that_could_not_be_made_is_a_failure_and_no_file(self) -> None:
        self.tally.note(FileEnded("d/", 0, FAILED, failure=StorageError("no")))
        self.assertEqual((self.tally.ended, len(self.tally.failures)), (0, 1))

    def test_each_file_is_told_once_and_many_are_told_together(self) -> None:
        files = [FileEnded(f"f{n}", 1, DONE, f"/t/f{n}") for n in range(NEWS_AT_ONCE + 1)]
        for file in files:
            self.tally.note(file)
        self.assertEqual([len(some) for some in self.told], [NEWS_AT_ONCE])
        self.tally.flush()
        self.tally.flush()
        self.assertEqual([file for some in self.told for file in some], files)

    def test_a_download_that_begins_anew_counts_anew(self) -> None:
        self.tally.note(FileEnded("a", 1, DONE, "/t/a"))
        self.tally.begin()
        self.assertEqual((self.tally.ended, self.tally.had, self.tally.saved_as), (0, 0, None))
        self.tally.flush()
        self.assertEqual(self.told, [])
