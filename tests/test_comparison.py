"""The files of a download beside those in its target folder."""

from __future__ import annotations

import os

from roles.disk.downloaded_versions import DownloadedVersions
from roles.disk.target_folder import TargetFolder
from roles.downloads.comparison import Comparison, versions_of
from roles.downloads.wanted import WantedFile
from roles.values.events import DownloadState, FileEnded
from roles.values.list_lines import FileLine
from roles.values.safe_names import UnsafeNameError
from roles.values.settings import Existing
from tests.disks import described
from tests.support import LmkTestCase

SHARE = "1" * 16
OLD, NEW = b"old", b"new one"


def line(data: bytes) -> FileLine:
    return FileLine("x", len(data), described(data)[0])


class ComparisonTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "target"
        self.target.mkdir()
        self.file = self.target / "x"
        self.versions = DownloadedVersions(self.folder / "state", self.target, SHARE)

    def comparison(self, existing: Existing = Existing.SKIP) -> Comparison:
        comparison = Comparison(TargetFolder(self.target, existing), self.versions)
        comparison.begin()
        return comparison

    def ended(self) -> FileEnded:
        return FileEnded("x", 3, DownloadState.DONE, os.fspath(self.file))

    def missing(self, comparison: Comparison, data: bytes) -> WantedFile:
        found = comparison.compare(line(data), ("x",))
        assert isinstance(found, WantedFile)
        return found

    def test_what_is_here_is_skipped_and_recorded(self) -> None:
        self.file.write_bytes(OLD)
        comparison = self.comparison()
        found = comparison.compare(line(OLD), ("x",))
        assert isinstance(found, FileEnded)
        self.assertEqual((found.state, found.saved_as), (DownloadState.SKIPPED, self.file))
        comparison.note([found])
        comparison.save()
        self.assertEqual(self.versions.load(), {"x": described(OLD)[0]})

    def test_a_name_that_cannot_be_stored_is_a_failure(self) -> None:
        found = self.comparison().compare(line(OLD), UnsafeNameError("no such name"))
        assert isinstance(found, FileEnded)
        self.assertIs(found.state, DownloadState.FAILED)

    def test_a_new_version_replaces_what_was_downloaded_but_not_what_was_edited(self) -> None:
        self.versions.note({"x": described(OLD)[0]})
        for data, is_replaced in ((OLD, True), (b"mine", False)):
            self.file.write_bytes(data)
            comparison = self.comparison()
            missing = self.missing(comparison, NEW)
            self.assertIs(missing.replaces is not None, is_replaced)
            self.assertEqual(comparison.changed([missing]), [missing])

    def test_what_is_not_here_any_more_is_new_and_has_not_changed(self) -> None:
        self.versions.note({"x": described(OLD)[0]})
        comparison = self.comparison()
        self.assertEqual(comparison.changed([self.missing(comparison, NEW)]), [])

    def test_only_a_download_that_skips_looks_for_former_versions(self) -> None:
        self.versions.note({"x": described(OLD)[0]})
        self.file.write_bytes(OLD)
        comparison = self.comparison(Existing.KEEP_BOTH)
        self.assertIsNone(self.missing(comparison, NEW).replaces)

    def test_what_ended_before_a_newer_list_is_recorded_as_it_is(self) -> None:
        comparison = self.comparison()
        self.missing(comparison, OLD)
        comparison.note([self.ended()])
        self.missing(comparison, NEW)
        comparison.save()
        self.assertEqual(self.versions.load(), {"x": described(OLD)[0]})

    def test_without_a_share_or_a_state_folder_nothing_is_recorded(self) -> None:
        self.assertIsNone(versions_of("x", self.folder, self.target))
        self.assertIsNone(versions_of(f"{SHARE}/", None, self.target))
        comparison = Comparison(TargetFolder(self.target), None)
        comparison.begin()
        self.missing(comparison, OLD)
        comparison.note([self.ended()])
        comparison.save()
        self.assertEqual(list(self.folder.iterdir()), [self.target])
