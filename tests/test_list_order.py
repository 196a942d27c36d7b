"""In which order the rows of one folder stand."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.values.events import DownloadChanged, DownloadState, FileEnded, FilesEnded, QueueChanged
from roles.values.listed_file import ListedFile
from ui.window import list_order
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import NAME_COLUMN, QUEUE_COLUMN, SIZE_COLUMN
from ui.window.list_order import ListView, by_name, in_order
from ui.window.list_row import Node, NodeKind, row_of
from ui.window.window_context import WindowContext

COURSE = "c0" * 8
SHARE = f"share:{COURSE}"
STATUS_COLUMN = 6
SUB = Node(f"{SHARE}/sub", NodeKind.FOLDER, "sub", f"{SHARE}/sub", 3, 1, COURSE, "sub", 1)


class ListOrderTest(unittest.TestCase):
    def setUp(self) -> None:
        self.model = LeecherModel(mock.create_autospec(WindowContext), lambda _event: None)
        sizes = {"A": 4, "b": 9, "t": 1, "z": 1}
        self.files = [ListedFile(name, size, b"root", COURSE) for name, size in sizes.items()]

    def names(self, column: int, *, is_falling: bool = False) -> list[str]:
        view = ListView(column=column, is_falling=is_falling)
        entries = in_order(by_name([*self.files, SUB]), COURSE, self.model, view)
        return [entry.name for entry in entries]

    def test_by_name_whatever_its_case(self) -> None:
        self.assertEqual(self.names(NAME_COLUMN), ["A", "b", "sub", "t", "z"])
        self.assertEqual(self.names(NAME_COLUMN, is_falling=True), ["z", "t", "sub", "b", "A"])

    def test_what_is_equal_stays_sorted_by_name(self) -> None:
        self.assertEqual(self.names(SIZE_COLUMN), ["t", "z", "sub", "A", "b"])
        self.assertEqual(self.names(SIZE_COLUMN, is_falling=True), ["b", "A", "sub", "t", "z"])

    def test_what_has_no_place_in_the_queue_comes_last(self) -> None:
        self.model._handle(DownloadChanged(SHARE, DownloadState.QUEUED, 9, 0, 0.0, None, ()))
        self.model._handle(QueueChanged((SHARE,), ((SHARE, ("z", "sub/")),)))
        self.assertEqual(self.names(QUEUE_COLUMN), ["z", "sub", "A", "b", "t"])

    def test_one_row_is_made_for_all_files_that_are_in_one_state(self) -> None:
        self.model._handle(DownloadChanged(SHARE, DownloadState.DOWNLOADING, 9, 0, 0.0, None, ()))
        done = FileEnded("b", 9, DownloadState.DONE, "/b")
        self.model._handle(FilesEnded(SHARE, (done,)))
        with mock.patch.object(list_order, "row_of", side_effect=row_of) as made:
            shown = self.names(STATUS_COLUMN)
        self.assertEqual(shown, ["sub", "b", "A", "t", "z"])  # "1 file", "Done …", "Queued"
        self.assertEqual(made.call_count, 3)
