"""What one row shows, and which download brings it."""

from __future__ import annotations

import unittest
from dataclasses import replace
from unittest import mock

from roles.values.errors import StorageError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileArriving,
    FileEnded,
    FilesEnded,
    QueueChanged,
)
from ui.window.leecher_model import LeecherModel
from ui.window.list_row import (
    Node,
    NodeKind,
    bringing,
    brought_by,
    coming_with,
    movable,
    row_of,
)
from ui.window.window_context import WindowContext

COURSE = "c0" * 8
SHARE = f"share:{COURSE}"
SUB = Node(f"{SHARE}/sub", NodeKind.FOLDER, "sub", f"{SHARE}/sub", 30, 2, COURSE, "sub", 1)
FILE = Node("sub/a", NodeKind.FILE, "a", "sub/a", 10, share=COURSE, path="sub/a", depth=2)


class ListRowTest(unittest.TestCase):
    def setUp(self) -> None:
        self.model = LeecherModel(mock.create_autospec(WindowContext), lambda _event: None)

    def download(self, name: str, state: DownloadState, *arriving: FileArriving) -> None:
        event = DownloadChanged(name, state, 40, 5, 0.0, None, (), files=4, arriving=arriving)
        self.model._handle(event)

    def end(self, path: str, state: DownloadState = DownloadState.DONE) -> None:
        failure = StorageError("no") if state is DownloadState.FAILED else None
        self.model._handle(FilesEnded(SHARE, (FileEnded(path, 10, state, "", failure),)))

    def state(self, node: Node) -> DownloadState | None:
        row = row_of(node, self.model)
        return None if row.download is None else row.download.state

    def test_what_nobody_asked_for_shows_nothing(self) -> None:
        self.assertEqual([self.state(node) for node in (SUB, FILE)], [None, None])
        self.assertEqual(bringing(FILE, self.model), "")

    def test_a_file_is_brought_by_the_innermost_folder_on_its_way(self) -> None:
        self.download(SHARE, DownloadState.DOWNLOADING)
        self.assertEqual(bringing(FILE, self.model), SHARE)
        self.download(SUB.asked, DownloadState.DOWNLOADING)
        self.assertEqual(bringing(FILE, self.model), SUB.asked)
        self.download(FILE.asked, DownloadState.DOWNLOADING)
        self.assertEqual(bringing(FILE, self.model), FILE.asked)

    def test_its_own_download_that_ended_gives_way_to_that_of_a_folder(self) -> None:
        self.download(FILE.asked, DownloadState.CANCELLED)
        self.assertEqual(self.state(FILE), DownloadState.CANCELLED)
        self.assertEqual(bringing(FILE, self.model), FILE.asked)
        self.download(SHARE, DownloadState.DOWNLOADING, FileArriving("sub/a", 5, senders=2))
        row = row_of(FILE, self.model)
        self.assertEqual(self.state(FILE), DownloadState.DOWNLOADING)
        self.assertEqual((row.senders, bringing(FILE, self.model)), (2, SHARE))

    def test_a_folder_shows_how_far_its_files_are(self) -> None:
        self.download(SHARE, DownloadState.DOWNLOADING)
        self.assertIsNone(self.state(SUB))
        self.end("sub/a")
        self.assertEqual(self.state(SUB), DownloadState.DOWNLOADING)
        self.download(SHARE, DownloadState.PAUSED)
        self.assertEqual(self.state(SUB), DownloadState.PAUSED)
        self.end("sub/b", DownloadState.FAILED)
        self.assertEqual(self.state(SUB), DownloadState.FAILED)
        self.assertEqual(row_of(SUB, self.model).problems, 1)

    def test_everything_in_a_share_that_is_here_is_here(self) -> None:
        self.download(SHARE, DownloadState.DONE)
        self.assertEqual(self.state(SUB), DownloadState.DONE)
        self.assertEqual(brought_by(SUB, self.model), (SHARE, "sub/"))
        self.assertEqual(brought_by(FILE, self.model), (SHARE, "sub/a"))

    def test_what_comes_again_after_its_share_is_on_its_way(self) -> None:
        deep = replace(SUB, key=f"{SUB.key}/deep", asked=f"{SUB.key}/deep", path="sub/deep")
        self.download(SHARE, DownloadState.DONE)
        self.download(SUB.asked, DownloadState.DOWNLOADING)
        self.assertEqual(self.state(deep), DownloadState.DONE)
        arriving = FileArriving("sub/deep/new", 5, senders=1)
        self.download(SUB.asked, DownloadState.DOWNLOADING, arriving)
        self.assertEqual(self.state(deep), DownloadState.DOWNLOADING)

    def test_only_what_still_comes_can_be_moved_and_need_not_be_asked_for(self) -> None:
        self.assertIsNone(movable(FILE, self.model))
        self.download(SHARE, DownloadState.DOWNLOADING)
        self.assertEqual(movable(SUB, self.model), (SHARE, "sub/"))
        self.assertIsNotNone(coming_with(FILE, self.model))
        self.end("sub/a")
        self.assertIsNone(coming_with(FILE, self.model))
        self.assertIsNone(movable(FILE, self.model))

    def test_a_row_has_the_place_of_its_download_or_that_in_its_folder(self) -> None:
        self.download(SHARE, DownloadState.DOWNLOADING)
        self.model._handle(QueueChanged((SUB.asked, SHARE), ((SHARE, ("b", "sub/a")),)))
        self.assertEqual([row_of(node, self.model).place for node in (SUB, FILE)], [1, 2])
        self.assertEqual(movable(SUB, self.model), ("", SUB.asked))
