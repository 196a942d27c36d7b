"""What the downloads of a leecher share: which newer lists they follow, and when."""

from __future__ import annotations

import threading
from typing import cast
from unittest import mock

from roles.disk.promised_space import PromisedSpace
from roles.disk.stored_names import StoredNames
from roles.downloads.download import Download
from roles.downloads.download_scope import NewestScope
from roles.downloads.downloads import Downloads
from roles.joining.listed_room import Wanted
from roles.joining.room_lister import RoomLister
from roles.joining.tracker_place import TrackerPlace
from roles.net.throttle import Throttles
from roles.values.addresses import Address
from roles.values.catalogue import FileLine
from roles.values.settings import Existing, LeecherSettings
from tests.disks import described
from tests.support import LmkTestCase


def wanted(*paths: str) -> Wanted:
    files = tuple(FileLine(path, 3, described(path.encode())[0]) for path in paths)
    return Wanted("lesson", files, (), ("5" * 16,))


class FakeLister:
    """Has one list of a share, of which each other one has another stamp."""

    def __init__(self) -> None:
        self.listed: Wanted | None = None
        self.count = 0

    def take(self, listed: Wanted | None) -> None:
        self.listed, self.count = listed, self.count + 1

    def stamp(self, _key: str) -> int:
        return self.count

    def wanted(self, _key: str) -> tuple[Wanted, tuple[()]] | None:
        return None if self.listed is None else (self.listed, ())


class FakeDownload:
    """One that is running, as follow() sees it."""

    key = "key"
    is_running = True

    def __init__(self, newest: NewestScope) -> None:
        self.newest = newest
        self.collision_keys = newest.collision_keys
        self.woken = threading.Event()


class DownloadsTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lister = FakeLister()
        self.names = StoredNames(windows=False)
        tracker = Address("127.0.0.1", 1)
        settings = LeecherSettings(self.folder, tracker)
        self.downloads = Downloads(
            settings,
            TrackerPlace(tracker, settings.follow, lambda _: None),
            Throttles(),
            PromisedSpace(self.folder),
            cast("RoomLister", self.lister),
            lambda _: None,
            wake=lambda: None,
            transfers=tuple,
            is_cut_off=lambda: False,
            should_stop=lambda: False,
            start_beside=mock.Mock(),
        )

    def download(self, *paths: str) -> Download:
        return cast("Download", FakeDownload(NewestScope(wanted(*paths), (), self.names)))

    def test_what_is_not_listed_is_no_download(self) -> None:
        self.assertIsNone(self.downloads.made("key", Existing.SKIP))
        self.assertFalse(self.downloads.has_begun)
        self.assertFalse(self.downloads.found(["5" * 16], [Address("127.0.0.1", 2)]))

    def test_each_newer_list_is_followed_once(self) -> None:
        download = self.download("a")
        self.lister.take(wanted("a", "b"))
        self.assertTrue(self.downloads.follow(download, [download]))
        self.assertTrue(download.woken.is_set())
        self.assertEqual(len(download.newest.scope.wanted.files), 2)
        download.woken.clear()
        self.assertFalse(self.downloads.follow(download, [download]))
        self.assertFalse(download.woken.is_set())

    def test_a_list_that_has_nothing_of_it_is_told_too(self) -> None:
        download = self.download("a")
        self.lister.take(None)
        self.assertFalse(self.downloads.follow(download, [download]))
        self.assertFalse(download.newest.scope.is_listed)
        self.assertTrue(download.woken.is_set())

    def test_a_name_that_another_download_works_on_is_waited_for(self) -> None:
        download, other = self.download("a"), self.download("b")
        self.lister.take(wanted("a", "b"))
        self.assertFalse(self.downloads.follow(download, [download, other]))
        self.assertTrue(self.downloads.is_any_behind)
        self.assertEqual(self.downloads.free_to_follow(), [])
        other.is_running = False  # type: ignore[misc]
        self.assertEqual(self.downloads.free_to_follow(), [download])
        self.assertFalse(self.downloads.is_any_behind)
        self.assertTrue(self.downloads.follow(download, [download]))
