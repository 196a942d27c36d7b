"""The list as a tree: what is seen of it, and what a row stands for."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import StorageError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FileArriving,
    FileEnded,
    FilesEnded,
    FilesListed,
)
from roles.values.listed_file import ListedFile, ListedFolder
from tests.listed import folder, shared
from tests.support import LIMIT_S
from tests.windows import AppWindowTest, press_key, sentences, text_of, texts_of
from ui.window.leecher_model import LIST_AT_ONCE
from ui.window.window_context import WindowContext

TRACKER = Address(LOOPBACK, 12500)
COURSE, LARGE = "c0" * 8, "1a" * 8
FILE, STATUS = "1", "6"  # columns of the table


class TreeInWindowTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_window()
        self.list = self.window.leecher.list

    def show(self, files: tuple[ListedFile, ...], *folders: ListedFolder) -> None:
        self.model._handle(FilesListed(TRACKER, files, (), (), folders))

    def show_course(self) -> None:
        self.show(
            (*shared(COURSE, "b.txt", "slides/1", "slides/2"), ListedFile("old", 1)),
            folder(COURSE, "Course", 3),
        )

    def download(self, name: str, state: DownloadState, **rest: object) -> None:
        everything = {"rate": 0.0, "seconds_left": None, "sources": (), **rest}
        self.model._handle(DownloadChanged(name, state, 100, 40, **everything))  # type: ignore[arg-type]

    def names(self) -> list[str]:
        return [text.strip(" \u2002\u2003") for text in texts_of(self.list.table.tree, FILE)]

    def status_of(self, key: str) -> str:
        table = self.list.table
        return str(table.tree.set(table.items[key], STATUS))

    def cells(self, key: str) -> tuple[str, ...]:
        """Progress, speed, time left, and from how many."""
        table = self.list.table
        item = table.items[key]
        return str(table.tree.item(item, "text")), *(str(table.tree.set(item, n)) for n in "345")

    def wait_for_status(self, key: str, status: str) -> None:
        self.pump_until(lambda: self.status_of(key) == status, LIMIT_S, status)

    def test_folders_come_first_with_their_files_below(self) -> None:
        self.show_course()
        self.assertEqual(self.names(), ["▾ Course/", "▸ slides/", "b.txt", "old"])
        self.assertEqual(self.status_of(f"share:{COURSE}"), "3 files")

    def test_only_original_files_look_as_ever(self) -> None:
        self.show((ListedFile("a", 1), ListedFile("b", 1)))
        self.assertEqual(texts_of(self.list.table.tree, FILE), ["a", "b"])

    def test_files_stay_below_their_folder_in_every_order(self) -> None:
        self.show_course()
        self.list.table.sort_by(2)
        self.assertEqual(self.names(), ["▾ Course/", "▸ slides/", "b.txt", "old"])
        self.list.table.sort_by(2)
        self.assertEqual(self.names(), ["▾ Course/", "▸ slides/", "b.txt", "old"])

    def test_right_opens_and_left_closes_and_goes_up(self) -> None:
        self.show_course()
        tree = self.list.table.tree
        sub = f"share:{COURSE}/slides"
        self.list.table.choose([sub])
        press_key(tree, "<Right>")
        self.assertEqual(self.names(), ["▾ Course/", "▾ slides/", "1", "2", "b.txt", "old"])
        press_key(tree, "<Left>")
        press_key(tree, "<Left>")
        self.assertEqual(self.list.table.chosen, [f"share:{COURSE}"])
        press_key(tree, "<Left>")
        self.assertEqual(self.names(), ["▸ Course/", "old"])
        self.assertEqual(len(tree.get_children()), 2)

    def test_a_large_folder_shows_all_its_files_and_tk_only_those_in_sight(self) -> None:
        names = [f"{number:05}" for number in range(20_000)]
        self.show(shared(LARGE, *names), folder(LARGE, "Large", 20_000))
        self.pump_until(lambda: self.names() == ["▸ Large/"])
        table = self.list.table
        self.list.toggle(f"share:{LARGE}")
        self.assertEqual(len(table.order), 20_001)
        self.assertLess(len(table.tree.get_children()), 100)
        table.choose(["19999"])
        self.assertEqual(self.names()[-1], "19999")
        self.assertEqual(self.list.chosen, ["19999"])

    def test_a_long_list_is_put_in_order_beside_the_window(self) -> None:
        many = LIST_AT_ONCE + 1
        self.show(shared(LARGE, *map(str, range(many))), folder(LARGE, "Large", many))
        self.pump_until(lambda: self.names() == ["▸ Large/"])
        self.assertEqual(len(self.model.list.files), many)

    def test_what_is_chosen_is_asked_for_once(self) -> None:
        self.show_course()
        table = self.list.table
        table.choose([f"share:{COURSE}", "b.txt", "old"])
        self.assertEqual(self.list.chosen, [f"share:{COURSE}", "old"])
        table.choose([f"share:{COURSE}/slides"])
        self.assertEqual(self.list.chosen, [f"share:{COURSE}/slides"])

    def test_progress_stands_at_what_was_asked_for(self) -> None:
        self.show_course()
        share = f"share:{COURSE}"
        self.download(share, DownloadState.IN_QUEUE, position=3, files=3, files_ended=1)
        self.wait_for_status(share, "In the queue (position 3), 1 of 3 files")
        self.download(share, DownloadState.DOWNLOADING, files=3, files_ended=2)
        self.wait_for_status(share, "2 of 3 files")

    def test_a_file_of_a_folder_on_its_way_is_paused_with_the_folder(self) -> None:
        self.show_course()
        self.download(f"share:{COURSE}", DownloadState.DOWNLOADING, files=3)
        self.list.table.choose(["b.txt"])
        self.assertEqual(self.list.chosen, [])
        self.assertEqual(self.list.can_pause(), [f"share:{COURSE}"])

    def test_files_show_that_they_came_with_their_folder(self) -> None:
        self.show_course()
        share = f"share:{COURSE}"
        self.download(share, DownloadState.DOWNLOADING, files=3)
        done = FileEnded("b.txt", 10, DownloadState.DONE, "b.txt")
        self.model._handle(FilesEnded(share, (done,)))
        self.wait_for_status("b.txt", "Done, checked")
        self.assertEqual(self.model.complete_count, 1)

    def test_a_file_that_came_with_its_folder_is_shown_where_it_is(self) -> None:
        self.show_course()
        done = FileEnded("b.txt", 10, DownloadState.DONE, "/course/b.txt")
        self.model._handle(FilesEnded(f"share:{COURSE}", (done,)))
        self.list.table.choose(["b.txt"])
        with mock.patch.object(WindowContext, "open_folder") as opened:
            self.window.leecher.open_row()
        self.assertEqual(opened.call_args.args[-2], Path("/course"))

    def test_a_file_of_the_same_name_in_another_share_did_not_come_with_it(self) -> None:
        files = (*shared(COURSE, "b.txt"), ListedFile("b.txt", 10, b"other", LARGE, "77aa0012"))
        self.show(files, folder(COURSE, "Course", 1), folder(LARGE, "Other", 1))
        self.download(f"share:{COURSE}", DownloadState.DOWNLOADING)
        done = FileEnded("b.txt", 10, DownloadState.DONE, "b.txt")
        self.model._handle(FilesEnded(f"share:{COURSE}", (done,)))
        self.wait_for_status("b.txt", "Done, checked")
        self.assertEqual(self.status_of("b.txt [77aa0012]"), "")
        self.assertEqual([self.model.has(file) for file in files], [True, False])

    def test_the_folders_in_a_folder_show_that_they_came_with_it(self) -> None:
        self.show_course()
        share, inner = f"share:{COURSE}", f"share:{COURSE}/slides"
        self.download(share, DownloadState.DOWNLOADING, files=3)
        self.pump_until(lambda: self.status_of(share) != "3 files", LIMIT_S, "begun")
        self.assertEqual(self.status_of(inner), "2 files")
        self.download(share, DownloadState.DONE, files=3, files_ended=3)
        self.wait_for_status(inner, "Done, checked")

    def test_files_and_folders_move_while_their_folder_is_on_its_way(self) -> None:
        self.show_course()
        share, inner = f"share:{COURSE}", f"share:{COURSE}/slides"
        self.list.toggle(inner)
        self.download(share, DownloadState.DOWNLOADING, files=3)
        self.wait_for_status("slides/1", "Queued")
        coming = FileArriving("slides/1", 5, 2.0, 4)
        self.download(share, DownloadState.DOWNLOADING, files=3, arriving=(coming,))
        self.wait_for_status("slides/1", "Downloading")
        self.assertEqual(self.cells("slides/1"), ("50 %", "2 bytes/s", "0:02", "4"))
        self.download(share, DownloadState.PAUSED, files=3, arriving=(coming,))
        self.wait_for_status("slides/1", "Paused")
        self.assertEqual(self.cells("slides/1")[:3], ("50 %", "", ""))
        self.download(share, DownloadState.DOWNLOADING, files=3, arriving=(coming,))
        self.pump_until(lambda: self.cells(inner)[1] == "2 bytes/s")
        self.assertEqual(self.cells(inner), ("25 %", "2 bytes/s", "0:08", "4"))
        self.assertEqual(self.status_of(inner), "0 of 2 files")
        done = FileEnded("slides/1", 10, DownloadState.DONE, "slides/1")
        self.model._handle(FilesEnded(share, (done,)))
        self.download(share, DownloadState.PAUSED, files=3, files_ended=1)
        self.wait_for_status("slides/1", "Done, checked")
        self.wait_for_status("slides/2", "Paused")
        self.assertEqual(self.cells(inner)[0], "50 %")
        last = FileEnded("slides/2", 10, DownloadState.DONE, "slides/2")
        self.model._handle(FilesEnded(share, (last,)))
        self.download(share, DownloadState.DOWNLOADING, files=3, files_ended=2)
        self.wait_for_status(inner, "Done, checked")

    def test_a_finished_file_of_a_folder_on_its_way_is_paused_with_the_folder(self) -> None:
        self.show_course()
        share = f"share:{COURSE}"
        self.download(share, DownloadState.DOWNLOADING, files=3)
        done = FileEnded("b.txt", 10, DownloadState.DONE, "b.txt")
        self.model._handle(FilesEnded(share, (done,)))
        self.list.table.choose(["b.txt"])
        self.assertEqual((self.list.can_pause(), self.list.can_cancel()), ([share], [share]))

    def test_what_failed_stands_below_its_folder_with_the_reason(self) -> None:
        self.show_course()
        share = f"share:{COURSE}"
        self.download(share, DownloadState.DOWNLOADING, files=3)
        error = StorageError("“slides/1” cannot be written.")
        failed = FileEnded("slides/1", 10, DownloadState.FAILED, failure=error)
        self.model._handle(FilesEnded(share, (failed,)))
        self.pump_until(lambda: "▾ Problems (1)" in self.names())
        self.assertEqual(self.names()[1:3], ["▾ Problems (1)", "slides/1"])
        key = f"problem:{share}\0slides/1"
        self.assertIn("Cannot be stored.", self.list.table.full_text(key, int(STATUS)))
        self.list.table.choose([key])
        self.pump_until(
            lambda: text_of(self.list.detail.sentence) == "“slides/1” cannot be written."
        )
        self.download(share, DownloadState.FAILED, files=3, failure=error)
        self.download(share, DownloadState.QUEUED, files=3)
        self.pump_until(lambda: "▾ Problems (1)" not in self.names())

    def test_a_download_without_a_row_gets_one(self) -> None:
        self.download("share:ff", DownloadState.PAUSED, title="Yesterday", files=9)
        self.pump_until(lambda: self.names() == ["Yesterday/"])
        self.list.table.choose(["share:ff"])
        self.pump_until(lambda: text_of(self.list.detail.title) == "Yesterday/")
        self.show_course()
        self.assertIn("Yesterday/", self.names())

    def test_what_is_on_its_way_in_a_closed_folder_is_seen_until_it_is_there(self) -> None:
        self.show_course()
        self.download("slides/1", DownloadState.DOWNLOADING)
        self.pump_until(lambda: "slides/1" in self.names())
        self.download("slides/1", DownloadState.DONE)
        self.pump_until(lambda: "slides/1" not in self.names())

    def test_the_first_button_says_how_much_it_brings_and_keeps_to_what_was_found(self) -> None:
        self.show_course()
        [button] = [
            one for action, one in self.list.toolbar.buttons.items() if action.underline == 9
        ]
        self.pump_until(lambda: button["text"] == "Download all, 1 folder and 1 file")
        self.download(f"share:{COURSE}", DownloadState.DOWNLOADING, files=3)
        self.pump_until(lambda: button["text"] == "Download all, 1 file")
        self.list.toolbar.wanted.set("SLIDES/")
        self.pump_until(lambda: button["text"] == "Download all, 2 files")
        self.assertEqual(self.list.everything, ["slides/1", "slides/2"])
        with mock.patch.object(self.window.leecher._start, "these") as asked:
            self.window.leecher.download_all()
        asked.assert_called_once_with(["slides/1", "slides/2"])
        done = FileEnded("slides/1", 10, DownloadState.DONE, "slides/1")
        self.model._handle(FilesEnded(f"share:{COURSE}", (done,)))
        self.pump_until(lambda: button["text"] == "Download all, 1 file")

    def test_the_first_button_stands_out_only_while_it_brings_something_new(self) -> None:
        self.show_course()
        [button] = [
            one for action, one in self.list.toolbar.buttons.items() if action.underline == 9
        ]
        self.assertEqual(str(button["style"]), "Accent.TButton")
        for name in self.list.everything:
            self.download(name, DownloadState.DONE)
        self.pump_until(lambda: button["text"] == "Download all")
        self.assertEqual(str(button["style"]), "TButton")

    def test_at_the_end_it_says_what_is_here_until_something_else_begins(self) -> None:
        self.show_course()
        share, notices = f"share:{COURSE}", self.window.leecher.notices
        done = FileEnded("b.txt", 10, DownloadState.DONE, "b.txt")
        self.model._handle(FilesEnded(share, (done,)))
        self.download(share, DownloadState.DONE, files=1, saved_as=Path("/course"))
        self.model._handle(AllDownloadsEnded())
        self.assertEqual(sentences(notices), ["1 file is here and checked."])
        with mock.patch.object(WindowContext, "open_folder") as opened:
            self.answer(notices, "Open folder")
        self.assertEqual(opened.call_args.args[-2], Path("/course"))
        self.model._handle(AllDownloadsEnded())
        self.download("old", DownloadState.QUEUED)
        self.assertEqual(sentences(notices), [])

    def test_the_list_can_be_narrowed(self) -> None:
        self.show_course()
        self.list.toolbar.wanted.set("SLIDES/")
        self.pump_until(lambda: self.names() == ["slides/1", "slides/2"])
        self.list.toolbar.wanted.set("nothing like that")
        self.pump_until(lambda: "No file has" in self.names()[0])
        self.assertEqual(self.list.chosen, [])
        self.list.toolbar.wanted.set("")
        self.pump_until(lambda: len(self.names()) == 4)
