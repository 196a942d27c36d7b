"""What the Leecher tab knows of its downloads."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.values.events import DownloadChanged, DownloadState, FileEnded, FilesEnded
from roles.values.listed_file import ListedFile, ListedFolder
from ui.file_list import FileList
from ui.window.leecher_model import LeecherModel
from ui.window.window_context import WindowContext

COURSE = "c0" * 8
SHARE = f"share:{COURSE}"


class LeecherModelTest(unittest.TestCase):
    def test_a_file_that_came_with_its_folder_and_then_again_by_itself_is_one_file(self) -> None:
        model = LeecherModel(mock.create_autospec(WindowContext), lambda _event: None)
        file = ListedFile("sub/a", 10, b"root", COURSE)
        model.list = FileList((file,), (ListedFolder(COURSE, "Course", 1, 10),))
        done = FileEnded(file.name, 10, DownloadState.DONE, "/sub/a")
        model._handle(FilesEnded(SHARE, (done,)))
        for name in (SHARE, file.key, "of an original"):
            model._handle(DownloadChanged(name, DownloadState.DONE, 10, 10, 0.0, None, ()))
        self.assertEqual(model.complete_count, 2)
        self.assertTrue(model.has(file))

    def test_a_file_that_comes_again_with_its_folder_forgets_its_own_download_not_that_of_a_twin(
        self,
    ) -> None:
        model = LeecherModel(mock.create_autospec(WindowContext), lambda _event: None)
        ours = ListedFile("a", 10, b"root", COURSE, twin="aa")
        other = ListedFile("a", 20, b"toor", "d0" * 8, twin="bb")
        folders = [ListedFolder(file.share, "Course", 1, file.size) for file in (ours, other)]
        model.list = FileList((ours, other), tuple(folders))
        for file in (ours, other):
            model._handle(DownloadChanged(file.key, DownloadState.FAILED, 10, 0, 0.0, None, ()))
        model._handle(FilesEnded(SHARE, (FileEnded("a", 10, DownloadState.DONE, "/a"),)))
        self.assertEqual(list(model.downloads), [other.key])
