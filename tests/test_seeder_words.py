"""How a seeder is doing, in words."""

from __future__ import annotations

import unittest

from roles.values.events import (
    FolderScanned,
    HashingChanged,
    SeederState,
    Skipped,
    SkipReason,
    TorrentChanged,
)
from roles.values.listed_file import ListedFile
from ui import seeder_words


class SeederWordsTest(unittest.TestCase):
    def test_reading_a_folder(self) -> None:
        self.assertEqual(
            seeder_words.reading_status(HashingChanged(1_200_000_000, 4_000_000_000, 310)),
            "Checking files: 1.20 GB of 4.00 GB, 310 files left. Checked files are already shared.",
        )
        self.assertEqual(seeder_words.reading_status(HashingChanged(5, 5, 0)), "")

    def test_making_a_torrent(self) -> None:
        for torrent, said in (
            (TorrentChanged(), ""),
            (TorrentChanged("ab" * 20, "/t/x/y.torrent"), ""),
            (TorrentChanged(problem="There can be none."), "There can be none."),
            (
                TorrentChanged(hashed=1_200_000_000, size=4_000_000_000),
                "Making the torrent: 1.20 GB of 4.00 GB. All files are already shared.",
            ),
        ):
            self.assertEqual(seeder_words.torrent_status(torrent), said)

    def test_every_state_of_a_seeder_has_words(self) -> None:
        self.assertEqual(seeder_words.STATES.keys(), set(SeederState))

    def test_every_reason_for_which_something_is_not_offered_has_words(self) -> None:
        for why in SkipReason:
            with self.subTest(why=why):
                self.assertRegex(
                    seeder_words.skipped([Skipped(why, ("a",))]), r"^Not shared: 1 .*\(a\)\.$"
                )

    def test_a_folder(self) -> None:
        files = (ListedFile("a", 1_000), ListedFile("b", 1_000))
        self.assertEqual(
            seeder_words.folder_status(FolderScanned(files, 2, 0, ())), "2 files, 2 kB."
        )
        self.assertEqual(
            seeder_words.folder_status(
                FolderScanned(files, 1, 3, (Skipped(SkipReason.NAME, ("con",)),))
            ),
            "2 files, 2 kB. 1 of them does not fit into the tracker's list. "
            "3 files in sub-folders not shared yet. "
            "Not shared: 1 item whose name cannot be stored (con).",
        )
        many = FolderScanned(files, 2, 0, (Skipped(SkipReason.LINK, ("a", "b", "c", "d", "e")),))
        self.assertIn("5 links (a, b, c and 2 more).", seeder_words.folder_status(many))
        for announced, refusal, words in (
            (0, "", "The tracker does not list them yet."),
            (1, "", "The tracker lists 1 of them so far."),
            (0, "It is full.", "The tracker lists none of them. It is full."),
        ):
            folder = FolderScanned(files, announced, 0, is_listed=False, refusal=refusal)
            self.assertEqual(seeder_words.folder_status(folder), f"2 files, 2 kB. {words}")
        gone = FolderScanned((), 0, 0, (), "The folder is gone.")
        self.assertEqual(seeder_words.folder_status(gone), "The folder is gone.")
