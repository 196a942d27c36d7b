"""How far the folders below a download are, from the files that ended and those on their way."""

from __future__ import annotations

import unittest

from roles.values.errors import StorageError
from roles.values.events import DownloadState, FileArriving, FileEnded
from ui.window.folder_parts import FolderParts, Part

SHARE = "c0" * 8
WHOLE = f"share:{SHARE}"


def done(path: str, size: int = 10) -> FileEnded:
    return FileEnded(path, size, DownloadState.DONE, path)


class FolderPartsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.parts = FolderParts()

    def part(self, path: str) -> Part:
        return self.parts.folder(SHARE, path)

    def test_a_file_counts_in_each_folder_above_it(self) -> None:
        self.parts.note_ended(WHOLE, done("a/b/1"))
        self.parts.note_ended(WHOLE, done("a/2", 5))
        self.parts.note_ended(WHOLE, done("3"))
        self.assertEqual((self.part("a").have, self.part("a").ended), (15, 2))
        self.assertEqual((self.part("a/b").have, self.part("a/b").ended), (10, 1))
        self.assertEqual(self.part("other"), Part())

    def test_a_file_that_is_told_twice_counts_once(self) -> None:
        for _ in range(2):
            self.parts.note_ended(WHOLE, done("a/1"))
        self.assertEqual(self.part("a").ended, 1)

    def test_a_file_that_failed_has_no_bytes_and_counts_no_more_once_it_is_tried_again(
        self,
    ) -> None:
        failed = FileEnded("a/1", 10, DownloadState.FAILED, failure=StorageError("no"))
        self.parts.note_ended(WHOLE, failed)
        self.assertEqual(self.part("a"), Part(have=0, ended=1, failed=1))
        self.parts.forget(WHOLE, "a/1")
        self.assertEqual(self.part("a"), Part())

    def test_what_is_on_its_way_counts_until_it_ends(self) -> None:
        coming = FileArriving("a/b/1", 4, 2.0, 3)
        self.parts.note_arriving(WHOLE, (coming,))
        self.assertEqual(self.part("a"), Part(have=4, rate=2.0, senders=3))
        self.assertEqual(self.parts.file(WHOLE, "a/b/1"), coming)
        self.parts.note_arriving(WHOLE, ())
        self.assertIsNone(self.parts.file(WHOLE, "a/b/1"))
        self.assertEqual(self.part("a"), Part())

    def test_a_file_that_has_just_ended_counts_once(self) -> None:
        coming = FileArriving("a/1", 4, 2.0, 3), FileArriving("a/2", 5)
        self.parts.note_arriving(WHOLE, coming)
        self.parts.note_ended(WHOLE, done("a/1"))
        self.assertEqual(self.part("a"), Part(have=15, ended=1))

    def test_parts_of_a_share_that_come_with_several_downloads_are_summed(self) -> None:
        self.parts.note_arriving(f"{WHOLE}/a/x", (FileArriving("a/x/1", 4),))
        self.parts.note_arriving(f"{WHOLE}/a/y", (FileArriving("a/y/1", 5),))
        self.parts.note_arriving("share:ff", (FileArriving("a/y/1", 50),))
        self.assertEqual(self.part("a").have, 9)

    def test_with_another_leecher_only_what_is_here_is_still_known(self) -> None:
        failed = FileEnded("a/2", 10, DownloadState.FAILED, failure=StorageError("no"))
        for file in (done("a/1"), failed):
            self.parts.note_ended(WHOLE, file)
        self.parts.note_arriving(WHOLE, (FileArriving("a/3", 4, 2.0, 3),))
        self.parts.forget_unfinished()
        self.assertEqual(self.part("a"), Part(have=10, ended=1))
        self.assertEqual((self.parts.here, self.parts.ended(SHARE, "a/2")), (1, None))

    def test_what_was_asked_for_in_all_shares_is_known_in_each(self) -> None:
        self.parts.note_ended("folder:a", done("a/1"))
        self.assertEqual(self.parts.ended(SHARE, "a/1"), done("a/1"))
