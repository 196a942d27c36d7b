"""What needs the user: the chips above the list, the remedy of each problem, and Retry."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from tkinter import ttk
from typing import ClassVar
from unittest import mock

from roles.values.errors import (
    DiskFullError,
    LmkError,
    NoPermissionError,
    NoSeederError,
    NotOfferedError,
    StorageError,
)
from roles.values.events import (
    UNREACHABLE,
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
)
from tests.windows import COURSE_KEY as KEY
from tests.windows import AppWindowTest, press, sentences, text_of, texts_of
from ui.window.list_order import RowFilter

FILE, STATUS = "1", "6"
NO_RIGHTS = NoPermissionError("No permission to write /x/slides/1. Choose another folder.")


class ProblemsTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def setUp(self) -> None:
        super().setUp()
        self.open_with_course("b.txt", "slides/1", "slides/2", beside=("old", "other"))
        self.list = self.window.leecher.list
        self.window.update()

    def download(self, name: str, state: DownloadState, **rest: object) -> None:
        everything = {"rate": 0.0, "seconds_left": None, "sources": (), **rest}
        self.model._handle(DownloadChanged(name, state, 30, 10, **everything))  # type: ignore[arg-type]

    def fail_file(self, path: str = "slides/1", error: LmkError = NO_RIGHTS) -> None:
        ended = FileEnded(path, 10, DownloadState.FAILED, failure=error)
        self.model._handle(FilesEnded(KEY, (ended,)))

    def names(self) -> list[str]:
        return [text.strip(" \u2002\u2003▾▸") for text in texts_of(self.list.table.tree, FILE)]

    def shows(self, *names: str) -> None:
        self.pump_until(lambda: self.names() == [*names], message=f"{names}")

    def wait_for_status(self, key: str, beginning: str) -> None:
        table = self.list.table
        self.pump_until(lambda: table.full_text(key, int(STATUS)).startswith(beginning))

    def chip(self, shown: RowFilter) -> str:
        return str(self.list.toolbar.chips[shown.value]["text"])

    @property
    def first(self) -> ttk.Button:
        return next(iter(self.list.toolbar.buttons.values()))

    def test_the_chips_count_what_they_show(self) -> None:
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.fail_file()
        self.pump_until(lambda: self.chip(RowFilter.PROBLEMS) == "Problems 2")
        self.assertEqual(self.chip(RowFilter.ALL), "All 5")
        self.assertEqual(self.chip(RowFilter.DOWNLOADING), "Downloading 1")

    def test_downloading_shows_what_has_not_ended_and_no_more_once_it_has(self) -> None:
        self.list.show_only(RowFilter.DOWNLOADING)
        self.shows("Nothing is downloading.")
        self.download("old", DownloadState.QUEUED)
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.shows("Course/", "slides/", "b.txt", "old")
        self.download("old", DownloadState.DONE)
        self.shows("Course/", "slides/", "b.txt")
        self.list.show_only(RowFilter.ALL)
        self.shows("Course/", "slides/", "b.txt", "old", "other")

    def test_problems_shows_each_file_that_failed_below_its_download(self) -> None:
        self.list.show_only(RowFilter.PROBLEMS)
        self.shows("No problems.")
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.fail_file()
        self.download("old", DownloadState.WAITING_FOR_SPACE, cause="Free 5 MB.")
        self.shows("Course/", "slides/1", "old")
        self.download(KEY, DownloadState.FAILED, files=3, failure=NO_RIGHTS)
        self.download(KEY, DownloadState.QUEUED, files=3)
        self.shows("old")

    def test_the_search_narrows_what_the_chip_shows(self) -> None:
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.fail_file("slides/1")
        self.fail_file("b.txt")
        self.list.show_only(RowFilter.PROBLEMS)
        self.list.toolbar.wanted.set("SLIDES")
        self.shows("Course/", "slides/1")
        self.list.toolbar.wanted.set("nothing like it")
        self.shows("No file has “nothing like it” in its name.")
        self.list.show_only(RowFilter.DOWNLOADING)
        self.list.toolbar.wanted.set("slides/")
        self.shows("slides/1", "slides/2")

    def test_the_first_button_acts_on_what_the_chip_shows(self) -> None:
        self.download("old", DownloadState.PAUSED)
        self.download("other", DownloadState.FAILED, failure=NO_RIGHTS)
        leecher = self.model.leecher
        assert leecher is not None
        self.list.show_only(RowFilter.DOWNLOADING)
        self.assertEqual(self.first["text"], "Resume all, 1 download")
        with mock.patch.object(self.window.leecher._start, "these") as resumed:
            self.first.invoke()
        resumed.assert_called_once_with(["old"])
        self.list.show_only(RowFilter.PROBLEMS)
        self.assertEqual(self.first["text"], "Retry all, 1 problem")
        with mock.patch.object(leecher, "retry") as retried:
            self.first.invoke()
        retried.assert_called_once_with(["other"])

    def test_the_keys_act_on_what_the_chip_shows(self) -> None:
        self.download("old", DownloadState.DOWNLOADING)
        self.download("other", DownloadState.FAILED, failure=NO_RIGHTS)
        self.list.show_only(RowFilter.PROBLEMS)
        self.assertEqual(self.list.can_pause(), [])
        self.assertEqual(self.list.can_retry(), ["other"])
        self.list.show_only(RowFilter.DOWNLOADING)
        self.assertEqual(self.list.can_pause(), ["old"])
        self.assertEqual(self.list.can_retry(), [])

    def test_each_kind_of_problem_has_its_remedy_in_the_row_and_below(self) -> None:
        kinds = (
            (NO_RIGHTS, "No permission.", True),
            (DiskFullError("The disk is full. Free 5 MB."), "The disk is full.", True),
            (NoSeederError("Nobody could send it."), "Nobody could send it.", False),
            (
                NotOfferedError("It is gone."),
                "Changed or removed where it is shared.",
                False,
            ),
            (StorageError("It cannot be written."), "Cannot be stored.", True),
        )
        self.list.table.choose(["old"])
        detail = self.list.detail
        for error, problem, is_elsewhere in kinds:
            with self.subTest(problem=problem):
                self.download("old", DownloadState.FAILED, failure=error)
                self.wait_for_status("old", problem)
                said = str(error)
                self.pump_until(lambda said=said: said in text_of(detail.sentence))  # type: ignore[misc]
                self.window.update()
                self.assertTrue(detail.retry.winfo_viewable())
                self.assertEqual(bool(detail.elsewhere.winfo_viewable()), is_elsewhere)
                self.assertIn("retry", text_of(detail.advice))

    def test_retry_below_tries_the_selected_download_again(self) -> None:
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.fail_file()
        self.pump_until(lambda: "Problems (1)" in self.names())
        self.list.table.choose([f"problem:{KEY}\0slides/1"])
        self.window.update()
        leecher = self.model.leecher
        assert leecher is not None
        with mock.patch.object(leecher, "retry") as retried:
            self.list.detail.retry.invoke()
        retried.assert_called_once_with([KEY])
        self.assertEqual(self.model.problem_count, 0)
        self.pump_until(lambda: "Problems (1)" not in self.names())

    def test_nothing_is_said_of_a_row_that_is_gone(self) -> None:
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.list.show_only(RowFilter.PROBLEMS)
        self.list.table.choose(["old"])
        self.window.update()
        self.assertTrue(self.list.detail.remedy.winfo_viewable())
        self.download("old", DownloadState.QUEUED)
        self.pump_until(lambda: not self.list.detail.remedy.winfo_viewable())
        self.assertEqual(text_of(self.list.detail.title), "")

    def test_retry_below_ends_the_question_whether_to_retry(self) -> None:
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.model._handle(AllDownloadsEnded())
        self.assertTrue(self.window.leecher.notices.has("failed"))
        self.list.table.choose(["old"])
        leecher = self.model.leecher
        assert leecher is not None
        with mock.patch.object(leecher, "retry"):
            self.list.detail.retry.invoke()
        self.assertFalse(self.window.leecher.notices.has("failed"))

    def test_another_folder_unfolds_its_line(self) -> None:
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.list.table.choose(["old"])
        self.window.update()
        self.list.detail.elsewhere.invoke()
        self.assertFalse(self.window.leecher.form.to_line.is_folded)

    def test_what_stands_still_says_what_to_do_without_a_button(self) -> None:
        self.list.table.choose(["old"])
        self.download("old", DownloadState.LOOKING, cause=UNREACHABLE)
        self.pump_until(lambda: bool(self.list.detail.remedy.winfo_viewable()))
        self.assertFalse(self.list.detail.retry.winfo_viewable())
        self.assertIn("firewall", text_of(self.list.detail.advice))

    def test_at_the_end_one_retry_is_for_all_and_one_press_shows_them(self) -> None:
        self.download(KEY, DownloadState.DOWNLOADING, files=3)
        self.fail_file()
        self.download(KEY, DownloadState.FAILED, files=3, failure=NO_RIGHTS)
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.model._handle(AllDownloadsEnded())
        notices = self.window.leecher.notices
        self.assertEqual(sentences(notices), ["2 files could not be downloaded."])
        press(notices, "Show")
        self.shows("Course/", "slides/1", "old")
        self.model._handle(AllDownloadsEnded())
        leecher = self.model.leecher
        assert leecher is not None
        with mock.patch.object(leecher, "retry") as retried:
            press(notices, "Retry")
        retried.assert_called_once_with([KEY, "old"])

    def test_a_narrow_window_has_the_chips_below_the_buttons_and_cuts_none(self) -> None:
        bar = self.list.toolbar.finder.master.master
        assert isinstance(bar, tk.Misc)
        for width in (800, 960, 1280):
            self.window.geometry(f"{width}x600")
            self.pump_until(lambda width=width: self.window.winfo_width() == width)  # type: ignore[misc]
            self.window.update()
            for part in bar.winfo_children():
                self.assertLessEqual(part.winfo_x() + part.winfo_width(), bar.winfo_width())
                self.assertGreaterEqual(part.winfo_width(), part.winfo_reqwidth())

    def test_a_chip_has_room_for_its_bold_text_before_it_is_chosen(self) -> None:
        chip, theme = self.list.toolbar.chips[RowFilter.PROBLEMS.value], self.window._context.theme
        before = chip.winfo_reqwidth()
        self.list.toolbar.shown.set(RowFilter.PROBLEMS.value)
        self.window.update()
        self.assertGreaterEqual(before, theme.strong_font.measure(self.chip(RowFilter.PROBLEMS)))
        self.assertGreaterEqual(chip.winfo_width(), chip.winfo_reqwidth())

    def test_the_keyboard_reaches_the_chips(self) -> None:
        chip = self.list.toolbar.chips[RowFilter.PROBLEMS.value]
        chip.focus_force()
        self.window.update()
        chip.event_generate("<space>")
        self.shows("No problems.")
        stop: tk.Misc | None = self.first
        seen = []
        for _ in range(9):
            stop = stop.tk_focusNext() if stop is not None else None
            seen.append(stop)
        self.assertIn(chip, seen)
        self.assertLess(seen.index(chip), seen.index(self.list.toolbar.finder.entry))

    def test_a_download_that_is_replaced_keeps_no_problem_of_its_former_self(self) -> None:
        self.download("old", DownloadState.FAILED, failure=NO_RIGHTS)
        self.assertEqual(self.model.problem_count, 1)
        event = self.model.downloads["old"]
        self.model._handle(replace(event, state=DownloadState.CANCELLED, failure=None))
        self.assertEqual(self.model.with_problems, [])
