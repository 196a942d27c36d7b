"""How a `get` is reported, and what it says to the shell."""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from roles.values.errors import ContentError, DiskFullError, LmkError, StorageError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    FolderRenamed,
    UpdateFound,
)
from roles.values.listed_file import ListedFile
from tests.terminals import Printed, folder_of, on_screen, printed, room
from ui.exit_codes import ExitCode
from ui.terminal import output as output_module
from ui.terminal.download_report import DownloadReport
from ui.terminal.offered_list import Chosen, OfferedList
from ui.terminal.output import Output

DONE, FAILED, SKIPPED = DownloadState.DONE, DownloadState.FAILED, DownloadState.SKIPPED
FULL = StorageError("The disk is full.")
BAD = ContentError("Every copy of it is damaged.")
LARGE = folder_of("a" * 16, "lesson", *(f"p/{number}.txt" for number in range(30)))
SMALL = folder_of("b" * 16, "few", "1.txt", "sub/2.txt")
PLAIN = ListedFile("plain.bin", 1000, b"r" * 32)


def changed(name: str, state: DownloadState, **more: Any) -> DownloadChanged:
    values = {"size": 1000, "have": 0, "rate": 0.0, "seconds_left": None, "sources": (), **more}
    return DownloadChanged(name, state, **values)


def ended(paths: Sequence[str], state: DownloadState, failure: LmkError | None = None) -> Any:
    where = "" if failure else "/to/"
    return tuple(FileEnded(path, 10, state, where and where + path, failure) for path in paths)


class DownloadReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0
        offer = OfferedList(room(LARGE, SMALL, loose=(PLAIN,)))
        self.large, self.small, self.plain = offer.all()

    def test_a_full_disk_is_told_once_and_the_seconds_until_the_next_look_are_counted(self) -> None:
        waiting = changed(
            self.plain.key, DownloadState.WAITING_FOR_SPACE, cause="The disk is full. Free 1 MB."
        )

        def work(output: Output) -> None:
            report = DownloadReport(output, [self.plain], clock=lambda: self.now)
            report.note(waiting)
            for _ in range(4):
                report.pass_time()
                self.now += 1.0
            report.note(waiting)

        with mock.patch.object(output_module, "PROGRESS_S", 0.0):
            shown = on_screen(work)
        self.assertEqual(
            shown.lines[0],
            "lmktorrent: The disk is full. Free 1 MB. The download continues once there is room.",
        )
        self.assertEqual(len(shown.lines), 2)
        seconds = re.findall(r"Disk full, trying again in (\d) s  plain.bin", shown.getvalue())
        self.assertEqual(seconds, ["4", "4", "3", "2", "1", "4"])

    def report(
        self,
        wanted: Sequence[Chosen],
        tell: Callable[[DownloadReport], None],
        *,
        in_vain: int = 0,
        as_json: bool = False,
    ) -> Printed:
        def work(output: Output) -> ExitCode:
            report = DownloadReport(output, wanted, in_vain=in_vain, clock=lambda: self.now)
            tell(report)
            return report.conclude()

        return printed(work, as_json=as_json)

    def test_a_file_has_a_line_of_its_own(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note(changed("plain.bin", DONE, saved_as=Path("/to/plain.bin")))

        seen = self.report([self.plain], tell)
        self.assertEqual(
            seen.out, "plain.bin: Done, checked (1 kB)\n1 file downloaded and checked.\n"
        )
        self.assertEqual(seen.result, ExitCode.DONE)

    def test_another_name_on_disk_is_said(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note(changed("plain.bin", DONE, saved_as=Path("/to/plain (2).bin")))

        self.assertIn("saved as plain (2).bin", self.report([self.plain], tell).out)

    def test_among_many_files_those_with_other_names_are_counted_and_the_first_are_named(
        self,
    ) -> None:
        def tell(report: DownloadReport) -> None:
            paths = [file.name for file in self.large.files]
            files = ended(paths[12:], DONE) + tuple(
                FileEnded(path, 10, state, f"/to/p/{number} (2).txt")
                for number, (path, state) in enumerate(
                    zip(paths[:12], [DONE] * 11 + [SKIPPED], strict=True)
                )
            )
            folders = (FolderRenamed("p/a\u202eb", Path("/to/p/ab")),)
            report.note_files(FilesEnded(self.large.key, files, folders))
            report.note(changed(self.large.key, DONE, files=30, size=300))

        seen = self.report([self.large], tell)
        self.assertIn("29 files downloaded and checked, 1 already here and identical", seen.out)
        self.assertIn(
            "13 items saved under other names, because their own are taken or cannot be stored: ",
            seen.out,
        )
        self.assertIn("p/0.txt → p/0 (2).txt", seen.out)
        self.assertIn(" and 3 more.", seen.out)
        self.assertTrue(seen.out.endswith(", 13 under other names.\n"), seen.out)
        lines = self.report([self.large], tell, as_json=True).events
        files = [line for line in lines if line["event"] == "file"]
        self.assertEqual(sum(line["renamed"] for line in files), 12)
        self.assertEqual(
            [line["path"] for line in lines if line["event"] == "subfolder"], ["/to/p/ab"]
        )
        self.assertEqual([line["renamed"] for line in lines if line["event"] == "ended"], [13])

    def test_another_name_of_a_folder_above_is_said_too(self) -> None:
        def tell(report: DownloadReport) -> None:
            file = FileEnded("sub/2.txt", 10, SKIPPED, "/to/s_b/2.txt")
            folder = FolderRenamed("none", Path("/to/n_ne"))
            report.note_files(FilesEnded(self.small.key, (file,), (folder,)))
            report.note_files(FilesEnded(self.small.key, ended(["1.txt"], DONE)))
            report.note(changed(self.small.key, DONE, files=2, saved_as=Path("/to")))

        seen = self.report([self.small], tell).out
        self.assertIn("identical, saved as s_b/2.txt (10 bytes)", seen)
        self.assertIn("none/: saved as n_ne/", seen)
        self.assertIn("1 file downloaded and checked, 1 already here", seen)
        self.assertIn("2 under other names", seen)

    def test_the_few_files_of_a_folder_have_lines_of_their_own(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note_files(FilesEnded(self.small.key, ended(["1.txt", "sub/2.txt"], DONE)))
            report.note(changed(self.small.key, DONE, files=2, saved_as=Path("/to")))

        seen = self.report([self.small], tell)
        self.assertEqual(
            seen.out,
            "1.txt: Done, checked (10 bytes)\nsub/2.txt: Done, checked (10 bytes)\n"
            "2 files downloaded and checked.\n",
        )

    def test_many_files_are_summed_up_in_one_line(self) -> None:
        def tell(report: DownloadReport) -> None:
            paths = [file.name for file in self.large.files]
            report.note_files(FilesEnded(self.large.key, ended(paths, DONE)))
            self.now += 12
            report.note(changed(self.large.key, DONE, files=30, size=300))

        seen = self.report([self.large], tell)
        self.assertEqual(
            seen.out,
            "lesson/: 30 files downloaded and checked (300 bytes) in 12 s\n"
            "30 files downloaded and checked.\n",
        )
        self.assertEqual((seen.err, seen.result), ("", ExitCode.DONE))

    def test_of_many_files_the_failures_are_named(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note_files(FilesEnded(self.large.key, ended(["p/0.txt"], FAILED, FULL)))
            paths = [file.name for file in self.large.files[1:]]
            report.note_files(FilesEnded(self.large.key, ended(paths, DONE)))
            report.note(changed(self.large.key, FAILED, files=30, failure=FULL))

        seen = self.report([self.large], tell)
        self.assertEqual(seen.err, "lmktorrent: p/0.txt: Failed: The disk is full.\n")
        self.assertIn("lesson/: 29 files downloaded and checked, 1 failed, in 1 s", seen.out)
        self.assertEqual(seen.result, ExitCode.SOME_FAILED)

    def test_failures_without_end_are_not_all_named(self) -> None:
        def tell(report: DownloadReport) -> None:
            paths = [file.name for file in self.large.files]
            report.note_files(FilesEnded(self.large.key, ended(paths, FAILED, FULL)))
            report.note(changed(self.large.key, FAILED, files=30, failure=FULL))

        seen = self.report([self.large], tell)
        self.assertEqual(len(seen.err.splitlines()), 21)
        self.assertIn("more files failed", seen.err)
        self.assertIn("30 files failed", seen.out)
        self.assertEqual(seen.result, ExitCode.STORAGE)

    def test_a_folder_that_cannot_be_made_is_none_of_the_files_that_are_counted(self) -> None:
        paths = [file.name for file in self.large.files]
        failed = f"{len(paths)} files downloaded and checked, 1 folder failed."

        def tell(report: DownloadReport) -> None:
            report.note_files(FilesEnded(self.large.key, ended(paths, DONE)))
            report.note_files(FilesEnded(self.large.key, ended(["empty/"], FAILED, BAD)))
            report.note(changed(self.large.key, FAILED, files=len(paths), failure=BAD))

        seen = self.report([self.large], tell)
        self.assertIn("empty/: Failed", seen.err)
        self.assertIn(failed, seen.out)
        self.assertEqual(seen.result, ExitCode.SOME_FAILED)

    def test_a_folder_that_fails_as_a_whole_fails_with_all_its_files(self) -> None:
        seen = self.report(
            [self.large], lambda report: report.note(changed(self.large.key, FAILED, failure=BAD))
        )
        self.assertIn("lesson/: Failed: Every copy of it is damaged.", seen.err)
        self.assertIn("30 files failed.", seen.out)
        self.assertEqual(seen.result, ExitCode.CONTENT)

    def test_different_failures_or_some_that_came_exit_with_1(self) -> None:
        def differ(report: DownloadReport) -> None:
            report.note(changed("plain.bin", FAILED, failure=FULL))
            report.note(changed(self.large.key, FAILED, failure=BAD))

        def some(report: DownloadReport) -> None:
            report.note(changed("plain.bin", SKIPPED))
            report.note(changed(self.large.key, FAILED, failure=BAD))

        for tell in (differ, some):
            seen = self.report([self.plain, self.large], tell)
            self.assertEqual(seen.result, ExitCode.SOME_FAILED)

    def test_a_disk_that_is_full_exits_with_4_whatever_came_before(self) -> None:
        full = DiskFullError("The disk of /to is full.")

        def tell(report: DownloadReport) -> None:
            report.note_files(FilesEnded(self.large.key, ended(["p/0.txt"], DONE)))
            report.note_files(FilesEnded(self.large.key, ended(["p/1.txt"], FAILED, BAD)))
            report.note(changed(self.large.key, FAILED, files=30, failure=full))
            report.note(changed("plain.bin", SKIPPED))

        seen = self.report([self.large, self.plain], tell, in_vain=1)
        self.assertEqual(seen.result, ExitCode.STORAGE)
        self.assertIn("lesson/: Failed: The disk of /to is full.", seen.err)
        self.assertIn(
            "1 file downloaded and checked, 1 already here and identical, 30 failed", seen.out
        )

    def test_a_name_in_vain_exits_with_1(self) -> None:
        seen = self.report([], lambda _: None, in_vain=1)
        self.assertEqual((seen.result, seen.out), (ExitCode.SOME_FAILED, "1 file failed.\n"))

    def test_what_never_began_has_failed(self) -> None:
        seen = self.report([self.plain], lambda _: None)
        self.assertIn("nobody offers it any more", seen.err)
        self.assertEqual(seen.result, ExitCode.SOME_FAILED)

    def test_it_is_complete_when_all_that_was_asked_for_ended(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note(changed("of an earlier run.bin", DONE))
            self.assertEqual((report.has_begun, report.is_complete), (False, False))
            report.note(changed("plain.bin", DownloadState.DOWNLOADING))
            self.assertEqual((report.has_begun, report.is_complete), (True, False))
            report.note(changed("plain.bin", DONE))
            self.assertTrue(report.is_complete)

        self.report([self.plain], tell)

    def test_only_what_has_an_identity_is_kept_for_the_next_run(self) -> None:
        original = Chosen("old.bin", "old.bin", (ListedFile("old.bin", 5),))
        for wanted, is_kept in ((self.plain, True), (self.large, True), (original, False)):
            with self.subTest(wanted=wanted.key):
                self.assertEqual(self.kept(wanted) != "", is_kept)

    def kept(self, wanted: Chosen) -> str:
        return printed(lambda output: DownloadReport(output, [wanted]).say_what_is_kept()).out

    def test_what_has_changed_is_said_before_it_comes(self) -> None:
        found = UpdateFound(self.small.key, "few/", 2, 5_000, ("1.txt",))

        def tell(report: DownloadReport) -> None:
            report.note_update(found)
            report.note(changed(self.small.key, DONE, files=2))

        self.assertTrue(self.report([self.small], tell).out.startswith("few/: 2 files changed, "))
        update = self.report([self.small], tell, as_json=True).events[0]
        self.assertEqual(
            update,
            {
                "event": "update",
                "download": self.small.key,
                "name": "few/",
                "changed": 2,
                "size": 5_000,
                "edited": ["1.txt"],
            },
        )

    def test_json_has_an_event_for_each_file_and_one_for_the_folder(self) -> None:
        def tell(report: DownloadReport) -> None:
            report.note(
                changed(
                    self.small.key,
                    DownloadState.IN_QUEUE,
                    files=2,
                    files_ended=1,
                    position=3,
                    have=10,
                )
            )
            report.note_files(FilesEnded(self.small.key, ended(["1.txt"], DONE)))
            report.note_files(FilesEnded(self.small.key, ended(["sub/2.txt"], FAILED, FULL)))
            report.note(changed(self.small.key, FAILED, files=2, failure=FULL))

        events = self.report([self.small], tell, as_json=True).events
        progress, first, second, folder, end = events
        self.assertEqual(
            (progress["download"], progress["name"], progress["files"], progress["files_ended"]),
            (self.small.key, "few/", 2, 1),
        )
        self.assertEqual((progress["state"], progress["place"]), ("in line", 3))
        self.assertEqual(
            first,
            {
                "event": "file",
                "download": self.small.key,
                "name": "1.txt",
                "state": "done",
                "size": 10,
                "path": str(Path("/to/1.txt")),
                "renamed": False,
                "error": None,
            },
        )
        self.assertEqual((second["path"], second["error"]), (None, "The disk is full."))
        self.assertEqual((folder["event"], folder["done"], folder["failed"]), ("folder", 1, 1))
        self.assertEqual((end["done"], end["failed"], end["exit_code"]), (1, 1, 1))
