"""A folder that is watched: when it is mapped anew, and what is asked for that."""

from __future__ import annotations

import unittest

from roles.downloads.watched_folder import LOOK_S, MAP_AGAIN_S, WatchedFolder
from roles.joining.list_copy import Selection
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.errors import StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.list_lines import FileLine


def selection(*paths: str) -> Selection:
    files = (
        FileLine(path, 1, Content(path.encode().ljust(32, b"."), 1, MIN_CHUNK_SIZE))
        for path in paths
    )
    return Selection("", tuple(files), (), ())


class WatchedFolderTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = WatchedFolder()
        self.wanted = selection("a", "d/b", "d/c")
        self.missing = {"a", "d/b", "d/c"}
        self.maps = 0

    def asked(self) -> set[str]:
        self.maps += 1
        return self.missing

    def chunks_at(self, now: float) -> tuple[int, int]:
        """How many chunks are here, and of how many."""
        self.folder.look(self.wanted, self.asked, tuple, now=now)
        pieces = self.folder.pieces
        assert pieces is not None
        return pieces.chunks_here, pieces.chunks

    def test_nothing_is_asked_for_while_nothing_is_watched(self) -> None:
        self.folder.look(self.wanted, self.asked, tuple, now=10.0)
        self.assertIsNone(self.folder.pieces)
        self.folder.below = ""
        self.chunks_at(10.0)
        self.folder.below = None
        self.folder.look(self.wanted, self.asked, tuple, now=10.0)
        self.assertIsNone(self.folder.pieces)
        self.assertEqual(self.maps, 1)

    def test_what_ends_is_here_without_another_map_unless_it_failed(self) -> None:
        self.folder.below = ""
        self.assertEqual(self.chunks_at(10.0), (0, 3))
        failure = StorageError("no")
        self.folder.note(
            [
                FileEnded("a", 1, DownloadState.DONE, "/t/a"),
                FileEnded("d/b", 1, DownloadState.FAILED, failure=failure),
            ]
        )
        self.assertEqual(self.chunks_at(10.0 + LOOK_S), (1, 3))
        self.assertEqual(self.maps, 1)

    def test_another_folder_is_mapped_at_the_next_look(self) -> None:
        self.folder.below = ""
        self.chunks_at(10.0)
        self.folder.below = "d/"
        self.assertEqual(self.chunks_at(10.0), (0, 3))  # it was looked at just now
        self.assertEqual(self.chunks_at(10.0 + LOOK_S), (0, 2))

    def test_a_newer_list_is_mapped_after_a_while(self) -> None:
        self.folder.below = ""
        self.chunks_at(10.0)
        self.wanted = selection("a")
        self.assertEqual(self.chunks_at(10.0 + LOOK_S), (0, 3))
        self.assertEqual(self.chunks_at(10.0 + MAP_AGAIN_S), (0, 1))

    def test_once_forgotten_it_is_mapped_anew(self) -> None:
        self.folder.below = ""
        self.chunks_at(10.0)
        self.missing = {"a"}
        self.folder.forget()
        self.assertEqual(self.chunks_at(10.0 + LOOK_S), (2, 3))
