"""Torrents that are kept across restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

from roles.torrents import torrent_store
from roles.torrents.metainfo import Torrent
from roles.torrents.torrent_store import KEPT, TorrentStore
from tests.support import LmkTestCase
from tests.test_metainfo import torrent_of

SHARE, OTHER = "0123456789abcdef", "fedcba9876543210"


class TorrentStoreTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.folder / "state" / "torrents"
        self.store = TorrentStore(self.place)

    def torrent(self, number: int = 0) -> Torrent:
        contents = (
            ("ü?.txt", 300_000, b"1" * 32),
            (f"file {number}", 5, b"2" * 32),
            ("e", 0, b"3" * 32),
        )
        return torrent_of(contents)

    def keep(self, torrent: Torrent, share: str = SHARE) -> Path:
        """Keep it, as the newest."""
        self.store.keep(torrent, share)
        path = self.place / torrent.info_hash.hex()
        at = 1_000_000_000 + len(list(self.place.iterdir()))
        os.utime(path, (at, at))
        return path

    def test_what_was_kept_is_read_the_newest_first(self) -> None:
        self.assertEqual(list(self.store.read(SHARE)), [])
        first, second = self.torrent(1), self.torrent(2)
        self.keep(first)
        self.keep(second)
        self.keep(self.torrent(3), OTHER)
        self.assertEqual(list(TorrentStore(self.place).read(SHARE)), [second, first])

    def test_the_newest_eight_of_all_folders_stay(self) -> None:
        for number in range(KEPT):
            self.keep(self.torrent(number), OTHER)
        oldest = self.place / self.torrent(0).info_hash.hex()
        self.assertTrue(oldest.exists())
        self.keep(self.torrent(KEPT))
        self.assertFalse(oldest.exists())
        self.assertEqual(len(list(self.place.iterdir())), KEPT)
        self.assertEqual(KEPT, 8)

    def test_a_public_one_stays_public(self) -> None:
        public = torrent_of([("a", 1, b"1" * 32)], is_private=False)
        self.keep(public)
        self.assertEqual(list(self.store.read(SHARE)), [public])

    def test_a_damaged_one_is_none(self) -> None:
        path = self.keep(self.torrent())
        whole = path.read_bytes()
        content = json.loads(whole)
        damaged = [b"", b"{", b"null", b"[]", whole[:-3], b"[" * 100_000]
        for key, values in {
            "folder": (1, "other", "\ud800"),
            "private": (1, False),
            "pieces": ("zz", "", content["pieces"][40:]),
            "files": (3, [], [1], [["a", 1, "zz"]], [["a", "1", "00"]], content["files"][1:]),
            "share": (None, OTHER),
        }.items():
            damaged += [json.dumps({**content, key: value}).encode() for value in values]
        for data in damaged:
            with self.subTest(data=data[:200]):
                path.write_bytes(data)
                self.assertEqual(list(self.store.read(SHARE)), [])
        path.write_bytes(whole)
        self.assertEqual(list(self.store.read(SHARE)), [self.torrent()])

    def test_a_folder_or_another_file_in_the_place_of_one_does_no_harm(self) -> None:
        path = self.keep(self.torrent())
        (self.place / "notes.txt").write_text("mine")
        path.unlink()
        path.mkdir()
        with self.assertLogs("roles"):
            self.assertEqual(list(self.store.read(SHARE)), [])
            self.store.keep(self.torrent(), SHARE)
        self.assertTrue((self.place / "notes.txt").exists())

    def test_a_disk_that_refuses_is_no_reason_to_fail(self) -> None:
        with (
            mock.patch.object(torrent_store, "write_whole", side_effect=OSError("full")),
            self.assertLogs("roles.torrents", "WARNING"),
        ):
            self.store.keep(self.torrent(), SHARE)

    def test_without_a_place_nothing_is_kept(self) -> None:
        store = TorrentStore(None)
        store.keep(self.torrent(), SHARE)
        self.assertEqual(list(store.read(SHARE)), [])
