"""Which newer lists a running download follows, and when."""

from __future__ import annotations

import threading
import unittest
from typing import cast

from roles.disk.stored_names import StoredNames
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadLife
from roles.downloads.download_scope import NewestScope
from roles.joining.list_copy import Selection
from roles.joining.room_reader import RoomReader
from roles.values.list_lines import FileLine
from tests.disks import described


def wanted(*paths: str) -> Selection:
    files = tuple(FileLine(path, 3, described(path.encode())[0]) for path in paths)
    return Selection("lesson", files, (), ("5" * 16,))


class FakeRoomReader:
    """Has one list of a share, of which each other one has another stamp."""

    def __init__(self) -> None:
        self.listed: Selection | None = None
        self.count = 0

    def take(self, listed: Selection | None) -> None:
        self.listed, self.count = listed, self.count + 1

    def stamp(self, _key: str) -> int:
        return self.count

    def select(self, _key: str) -> tuple[Selection, tuple[()]] | None:
        return None if self.listed is None else (self.listed, ())


class FakeDownload:
    """One that is running, as follow() sees it."""

    key = "key"
    is_running = True
    waits_for: DownloadLife | None = None
    follow = Download.follow
    is_free_to_follow = Download.is_free_to_follow

    def __init__(self, newest: NewestScope) -> None:
        self.newest = newest
        self.collision_keys = newest.collision_keys
        self.woken = threading.Event()
        self._stamp = 0


class FollowTest(unittest.TestCase):
    def setUp(self) -> None:
        self.reader = FakeRoomReader()
        self.names = StoredNames(windows=False)

    def download(self, *paths: str) -> Download:
        return cast("Download", FakeDownload(NewestScope(wanted(*paths), (), self.names)))

    def follow(self, download: Download, *running: Download) -> bool:
        """Whether its thread was woken to take up the list."""
        download.woken.clear()
        download.follow(cast("RoomReader", self.reader), running)
        return download.woken.is_set()

    def test_each_newer_list_is_followed_once(self) -> None:
        download = self.download("a")
        self.reader.take(wanted("a", "b"))
        self.assertTrue(self.follow(download, download))
        self.assertEqual(len(download.newest.scope.wanted.files), 2)
        self.assertFalse(self.follow(download, download))

    def test_a_list_that_has_nothing_of_it_is_told_too(self) -> None:
        download = self.download("a")
        self.reader.take(None)
        self.assertTrue(self.follow(download, download))
        self.assertFalse(download.newest.scope.is_listed)

    def test_a_name_that_another_download_works_on_is_waited_for(self) -> None:
        download, other = self.download("a"), self.download("b")
        self.reader.take(wanted("a", "b"))
        self.assertFalse(self.follow(download, download, other))
        self.assertFalse(download.is_free_to_follow)
        other.is_running = False  # type: ignore[misc]
        self.assertTrue(download.is_free_to_follow)
        self.assertTrue(self.follow(download, download))
        self.assertIsNone(download.waits_for)
