"""Which rows the list has, and in which order."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileArriving,
    FileEnded,
    FilesEnded,
    QueueChanged,
)
from roles.values.listed_file import ListedFile, ListedFolder
from tests.listed import folder, shared
from ui.file_list import FileList
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import QUEUE_COLUMN
from ui.window.list_order import ListView, RowFilter
from ui.window.list_row import ListRow
from ui.window.list_rows import STARTS_OPEN, ListRows
from ui.window.window_context import WindowContext

COURSE, LARGE = "c0" * 8, "1a" * 8
STATUS_COLUMN = 6


class ListRowsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.model = LeecherModel(mock.create_autospec(WindowContext), lambda _event: None)
        self.rows = ListRows(self.model)

    def take(self, files: tuple[ListedFile, ...], *folders: ListedFolder) -> None:
        self.model.list = FileList(files, folders)

    def keys(self, wanted: str = "") -> list[str]:
        return list(self.rows.fill(ListView(wanted)))

    def toggle(self, key: str) -> None:
        self.rows.fill(ListView())
        self.rows.toggle(self.rows.row(key).node)

    def test_files_without_a_folder_stay_flat(self) -> None:
        self.take((ListedFile("a", 1), ListedFile("b", 1)))
        self.assertEqual(self.keys(), ["a", "b"])
        self.assertFalse(self.rows.row("a").node.has_sign)

    def test_a_small_folder_starts_open_and_a_large_one_closed(self) -> None:
        files = shared(COURSE, "a") + shared(LARGE, *map(str, range(STARTS_OPEN + 1)))
        self.take(files, folder(COURSE, "Course", 1), folder(LARGE, "Large", STARTS_OPEN + 1))
        self.assertEqual(self.keys(), [f"share:{COURSE}", "a", f"share:{LARGE}"])

    def test_what_was_opened_stays_open_with_a_newer_list(self) -> None:
        self.take(shared(COURSE, "sub/a"), folder(COURSE, "Course", 1))
        sub = f"share:{COURSE}/sub"
        self.toggle(sub)
        self.take(shared(COURSE, "sub/a", "sub/b"), folder(COURSE, "Course", 2))
        self.assertEqual(self.keys(), [f"share:{COURSE}", sub, "sub/a", "sub/b"])

    def test_twins_are_two_rows(self) -> None:
        files = (
            ListedFile("a.txt", 1, b"x", COURSE, "3f2a91c0"),
            ListedFile("a.txt", 2, b"y", COURSE, "77aa0012"),
        )
        self.take(files, folder(COURSE, "Course", 2))
        self.assertEqual(self.keys()[1:], ["a.txt [3f2a91c0]", "a.txt [77aa0012]"])

    def test_a_folder_that_two_shares_have_is_asked_for_in_each_alone(self) -> None:
        files = shared(COURSE, "sub/a") + shared(LARGE, "sub/b")
        self.take(files, folder(COURSE, "One", 1), folder(LARGE, "Two", 1))
        one, two = f"share:{COURSE}/sub", f"share:{LARGE}/sub"
        self.assertEqual(len(self.keys()), 4)
        self.assertEqual([self.rows.row(key).node.asked for key in (one, two)], [one, two])
        contents = self.model.list
        self.assertEqual([file.name for file in contents.below(two)], ["sub/b"])
        self.assertEqual([contents.has(key) for key in (one, two, two + "/b")], [1, 1, 0])

    def test_a_file_that_two_shares_have_stands_in_both(self) -> None:
        both = ListedFile("sub/both", 10, b"root", COURSE, also=(LARGE, "not listed"))
        files = (*shared(COURSE, "sub/a"), both)
        self.take(files, folder(COURSE, "One", 2), folder(LARGE, "Two", 1))
        subs = [f"share:{COURSE}/sub", f"share:{LARGE}/sub"]
        for sub in subs:
            self.toggle(sub)
        rows: list[ListRow] = [self.rows.row(key) for key in self.rows.fill(ListView())]
        self.assertEqual([self.rows.row(sub).node.files for sub in subs], [2, 1])
        self.assertEqual(len(rows), 7)
        self.assertEqual([rows[number].node.asked for number in (3, 6)], ["sub/both"] * 2)

    def test_a_part_of_a_name_finds_files_in_closed_folders(self) -> None:
        self.take(shared(COURSE, "deep/in/Week 1.pdf", "b"), folder(COURSE, "Course", 2))
        self.assertEqual(self.keys("week"), ["deep/in/Week 1.pdf"])

    def test_by_state_those_on_their_way_come_first_in_each_folder(self) -> None:
        self.take(shared(COURSE, "a", "b", "c", "sub/d"), folder(COURSE, "Course", 4))
        self.download(f"share:{COURSE}", files=4, arriving=(FileArriving("c", 5, 2.0, 1),))
        self.model._handle(
            FilesEnded(f"share:{COURSE}", (FileEnded("b", 10, DownloadState.DONE, "b"),))
        )
        files = ["b", "c", "a"]  # "Done, checked", "Downloading", "Queued"
        rows = self.rows.fill(ListView(column=STATUS_COLUMN))
        self.assertEqual(rows, [f"share:{COURSE}", f"share:{COURSE}/sub", *files])
        rows = self.rows.fill(ListView(column=STATUS_COLUMN, is_falling=True))
        self.assertEqual(rows[2:], files[::-1])

    def test_in_the_order_of_the_queue_folders_and_files_are_mixed(self) -> None:
        self.take((*shared(COURSE, "b", "sub/a"), ListedFile("x", 1)), folder(COURSE, "Course", 2))
        self.download("x")
        self.download(f"share:{COURSE}", files=2)
        first = ((f"share:{COURSE}", ("b", "sub/")),)
        self.model._handle(QueueChanged(("x", f"share:{COURSE}"), first))
        rows = self.rows.fill(ListView(column=QUEUE_COLUMN))
        self.assertEqual(rows, ["x", f"share:{COURSE}", "b", f"share:{COURSE}/sub"])

    def test_what_is_found_comes_with_its_folder_and_is_paused_with_it(self) -> None:
        self.take(shared(COURSE, "sub/a", "sub/b"), folder(COURSE, "Course", 2))
        self.download(f"share:{COURSE}", files=2, arriving=(FileArriving("sub/a", 5, 2.0, 1),))
        keys = self.keys("sub/")
        states = [row.download and row.download.state for row in map(self.rows.row, keys)]
        self.assertEqual(states, [DownloadState.DOWNLOADING, DownloadState.QUEUED])
        self.assertEqual(self.rows.downloads(keys), [f"share:{COURSE}"])
        self.assertEqual(self.rows.to_ask(keys), [])

    def test_the_download_of_many_files_that_were_found_is_looked_up_once_a_folder(self) -> None:
        names = [f"{above}/{number}" for above in ("a", "b") for number in range(50)]
        self.take(shared(COURSE, *names), folder(COURSE, "Course", 100))
        self.download(f"share:{COURSE}/a", files=50)
        self.download("b/7")
        keys = self.keys("/")
        with mock.patch.object(
            self.model, "running_above", side_effect=self.model.running_above
        ) as looked_up:
            brought = self.rows.downloads(keys)
        self.assertEqual(brought, [f"share:{COURSE}/a", "b/7"])
        self.assertLessEqual(looked_up.call_count, 3)

    def test_what_comes_by_itself_and_with_its_folder_has_one_row(self) -> None:
        self.take(shared(COURSE, "a", "sub/b"), folder(COURSE, "Course", 2))
        share, sub = f"share:{COURSE}", f"share:{COURSE}/sub"
        for name in ("a", sub, share):
            self.download(name)
        rows = self.rows.fill(ListView(shown=RowFilter.DOWNLOADING))
        self.assertEqual(rows, [share, sub, "a"])
        self.model._handle(QueueChanged(("a", share, sub)))
        rows = self.rows.fill(ListView(shown=RowFilter.DOWNLOADING, column=QUEUE_COLUMN))
        self.assertEqual(rows, ["a", share, sub])

    def download(self, name: str, files: int = 1, arriving: tuple[FileArriving, ...] = ()) -> None:
        event = DownloadChanged(
            *(name, DownloadState.DOWNLOADING, 30, 10, 0.0, None, ()),
            files=files,
            arriving=arriving,
        )
        self.model._handle(event)
