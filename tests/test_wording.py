"""The words and numbers that people read: one table for each kind."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from roles.values.addresses import Address
from roles.values.errors import ContentError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
    HashingChanged,
    ListedFile,
    ListedFolder,
    NetworkChanged,
    SeederState,
    Skipped,
    SkipReason,
    Source,
    TorrentChanged,
    TrackerMoved,
    UpdateFound,
    Verified,
)
from ui import wording

SEEDER = Address("10.0.0.7", 12501)


class PlacesTest(unittest.TestCase):
    def check(self, function: Callable[[Any], object], table: Mapping[Any, object]) -> None:
        for value, words in table.items():
            with self.subTest(value=value):
                self.assertEqual(function(value), words)

    def test_pings(self) -> None:
        self.check(wording.ago, {0.5: "now", 4.0: "0:04 ago"})

    def test_places(self) -> None:
        self.check(
            wording.place,
            {Address("127.0.0.1", 12500): "this computer, port 12500", SEEDER: "10.0.0.7:12501"},
        )

    def test_computers(self) -> None:
        self.assertEqual(wording.computer("lab-pc\n7", SEEDER), "lab-pc\\u000a7 (10.0.0.7:12501)")
        self.assertEqual(wording.computer("", SEEDER), "10.0.0.7:12501")


class StatesTest(unittest.TestCase):
    def download(self, state: DownloadState, **rest: Any) -> DownloadChanged:
        everything: dict[str, Any] = {"rate": 0.0, "seconds_left": None, "sources": (), **rest}
        return DownloadChanged("a.txt", state, 100, 50, **everything)

    def test_every_state_of_a_download_has_a_sentence(self) -> None:
        sending = tuple(Source(Address(f"10.0.0.{n}", 12501), 1, 1.0, True) for n in (7, 8))
        table = {
            self.download(DownloadState.QUEUED): "Queued",
            self.download(DownloadState.LOOKING): "Looking for seeders",
            self.download(DownloadState.CHECKING): "Checking what you have",
            self.download(DownloadState.IN_QUEUE, position=3): "In the queue (position 3)",
            self.download(DownloadState.IN_QUEUE): "In the queue: all seeders are busy",
            self.download(DownloadState.DOWNLOADING): "Downloading",
            self.download(DownloadState.DOWNLOADING, sources=sending): "Downloading from 2 seeders",
            self.download(DownloadState.RETRYING, cause="it hung up"): "Retrying: it hung up",
            self.download(DownloadState.WAITING_FOR_SPACE): "Disk full",
            self.download(DownloadState.VERIFYING): "Verifying",
            self.download(DownloadState.PAUSED): "Paused",
            self.download(DownloadState.DONE, saved_as=Path("a.txt")): "Done, checked",
            self.download(
                DownloadState.DONE, saved_as=Path("a (2).txt")
            ): "Done, checked, saved as a (2).txt",
            self.download(DownloadState.SKIPPED): "Already here, identical",
            self.download(DownloadState.FAILED, failure=ContentError("damaged")): "Failed: damaged",
            self.download(DownloadState.CANCELLED): "Cancelled",
        }
        for download, words in table.items():
            with self.subTest(state=download.state):
                self.assertEqual(wording.download_status(download), words)
        self.assertEqual({download.state for download in table}, set(DownloadState))

    def test_a_file_is_saved_as_something_else_only_when_its_name_differs(self) -> None:
        for name, saved_as, words in (
            ("slides/a.txt", "slides/a.txt", "Done, checked"),
            ("sl:des/a.txt", "sl_des/a.txt", "Done, checked, saved as sl_des/a.txt"),
            ("a.txt [3f2a91c0]", "a.txt", "Done, checked"),
            ("a.txt [3f2a91c0]", "a.txt [3f2a91c0]", "Done, checked"),
            ("slides/a.txt", "slides/a (2).txt", "Done, checked, saved as slides/a (2).txt"),
            ("share:0011223344556677", "Course", "Done, checked"),
        ):
            with self.subTest(name=name):
                done = self.download(DownloadState.DONE, saved_as=Path("x") / saved_as)
                self.assertEqual(wording.download_status(replace(done, name=name)), words)

    def test_of_a_folder_it_is_said_how_many_have_other_names(self) -> None:
        done = self.download(DownloadState.DONE, saved_as=Path("x"))
        folder = replace(done, name="share:0011223344556677", files=9, renamed=1_200)
        self.assertEqual(wording.download_status(folder), "Done, checked, 1,200 under other names")

    def test_what_was_found_by_reading_anew(self) -> None:
        same = Verified("k", "", "data/", 3, 9, 3, 9, is_over=True)
        self.assertEqual(wording.verified(same), "data/: checked again, unchanged (3 files).")
        for damaged, edited, missing, said in (
            (("a",), (), (), "Damaged “a”. What is damaged is kept under another name."),
            ((), ("a",), ("b",), "Changed here “a”; missing “b”. What you changed stays;"),
            (("a",), ("b",), (), "Damaged “a”; changed here “b”. What you changed stays;"),
            ((), (), ("a", "b", "c", "d", "e"), "Missing “a”, “b”, “c” and 2 more."),
        ):
            told = replace(same, damaged=damaged, edited=edited, missing=missing)
            self.assertIn(said, wording.verified(told))
            self.assertTrue(wording.verified(told).startswith("data/: "))

    def test_a_list_is_summed_up(self) -> None:
        tracker = Address("10.0.0.5", 12500)
        files = (ListedFile("a", 1), ListedFile("b", 1))
        self.assertEqual(
            wording.list_status(FilesListed(tracker, files, (SEEDER,), ())),
            "2 files from 1 seeder",
        )
        nothing = wording.list_status(FilesListed(tracker, (), (), ()))
        self.assertEqual(nothing, "nothing is shared yet")
        folders = (ListedFolder("00" * 8, "Course", 2, 2),)
        self.assertEqual(
            wording.list_status(FilesListed(tracker, files, (SEEDER,), (), folders)),
            "2 files in 1 folder",
        )

    def test_reading_a_folder(self) -> None:
        self.assertEqual(
            wording.reading_status(HashingChanged(1_200_000_000, 4_000_000_000, 310)),
            "Checking files: 1.20 GB of 4.00 GB, 310 files left. Checked files are already shared.",
        )
        self.assertEqual(wording.reading_status(HashingChanged(5, 5, 0)), "")

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
            self.assertEqual(wording.torrent_status(torrent), said)

    def test_a_firewall_and_what_to_type_on_each_system(self) -> None:
        for platform, command in (
            (
                "win32",
                'netsh advfirewall firewall add rule name="LMKtorrent" dir=in action=allow '
                "protocol=TCP localport=12501",
            ),
            ("linux", "ufw allow 12501/tcp"),
            ("darwin", "System Settings"),
        ):
            with self.subTest(platform=platform):
                sentence = wording.unreachable(SEEDER, platform)
                self.assertIn("Others cannot connect to this computer on TCP 12501", sentence)
                self.assertIn(command, sentence)

    def test_every_state_of_a_seeder_has_words(self) -> None:
        self.assertEqual(wording.SEEDER_STATES.keys(), set(SeederState))

    def test_every_reason_for_which_something_is_not_offered_has_words(self) -> None:
        for why in SkipReason:
            with self.subTest(why=why):
                self.assertRegex(
                    wording.skipped([Skipped(why, ("a",))]), r"^Not shared: 1 .*\(a\)\.$"
                )

    def test_a_folder(self) -> None:
        files = (ListedFile("a", 1_000), ListedFile("b", 1_000))
        self.assertEqual(wording.folder_status(FolderScanned(files, 2, 0, ())), "2 files, 2 kB.")
        self.assertEqual(
            wording.folder_status(
                FolderScanned(files, 1, 3, (Skipped(SkipReason.NAME, ("con",)),))
            ),
            "2 files, 2 kB. 1 of them does not fit into the tracker's list. "
            "3 files in sub-folders not shared yet. "
            "Not shared: 1 item whose name cannot be stored (con).",
        )
        many = FolderScanned(files, 2, 0, (Skipped(SkipReason.LINK, ("a", "b", "c", "d", "e")),))
        self.assertIn("5 links (a, b, c and 2 more).", wording.folder_status(many))
        for announced, refusal, words in (
            (0, "", "The tracker does not list them yet."),
            (1, "", "The tracker lists 1 of them so far."),
            (0, "It is full.", "The tracker lists none of them. It is full."),
        ):
            folder = FolderScanned(files, announced, 0, is_listed=False, refusal=refusal)
            self.assertEqual(wording.folder_status(folder), f"2 files, 2 kB. {words}")
        gone = FolderScanned((), 0, 0, (), "The folder is gone.")
        self.assertEqual(wording.folder_status(gone), "The folder is gone.")


class NetworkTest(unittest.TestCase):
    def test_what_happened_to_the_network_and_what_follows(self) -> None:
        old, new = ("10.0.0.1",), ("10.0.0.2", "10.0.0.3")
        for change, said in (
            (NetworkChanged(old, new), "changed from 10.0.0.1 to 10.0.0.2 and 10.0.0.3."),
            (NetworkChanged(come=new), "is on the network as 10.0.0.2 and 10.0.0.3."),
            (NetworkChanged(gone=old), "The address 10.0.0.1 of this computer is gone."),
            (NetworkChanged(old, is_cut_off=True), "off the network: its address 10.0.0.1 is gone"),
            (
                NetworkChanged(old, new, for_others=Address("10.0.0.1", 12501)),
                "10.0.0.1 is gone: 10.0.0.1:12501 cannot be reached until it is back.",
            ),
            (NetworkChanged(held_up_s=61.0, has_slept=True), "This computer slept for 1:01."),
        ):
            with self.subTest(change=change):
                self.assertIn(said, wording.network_changed(change))

    def test_a_program_that_was_held_up_for_a_moment_is_not_spoken_of(self) -> None:
        self.assertEqual(wording.network_changed(NetworkChanged(held_up_s=9.0)), "")

    def test_which_tracker_is_used_from_now_on(self) -> None:
        old, new = Address("10.0.0.1", 12500), Address("10.0.0.2", 12500)
        self.assertEqual(
            wording.tracker_moved(TrackerMoved(old, new, "teacher")),
            "The tracker 10.0.0.1:12500 does not answer; "
            "using teacher (10.0.0.2:12500) from now on.",
        )
        self.assertEqual(
            wording.tracker_moved(TrackerMoved(new, old, "teacher", is_back=True)),
            "The tracker teacher (10.0.0.1:12500) answers again; using it from now on.",
        )

    def test_a_computers_name_fools_nobody(self) -> None:
        here = Address("127.0.0.1", 12500)
        said = wording.tracker_moved(TrackerMoved(here, Address("10.0.0.2", 5), "pc\u202e\n"))
        self.assertIn("pc\\u202e\\u000a", said)
        self.assertIn("The tracker this computer, port 12500", said)


class UpdateTest(unittest.TestCase):
    def test_what_changed_and_what_stays(self) -> None:
        found = UpdateFound("share:1", "lesson/", 3, 2_000_000)
        self.assertEqual(wording.update_found(found), "lesson/: 3 files changed, 2.0 MB.")
        edited = wording.update_found(replace(found, edited=("a\u202e.txt",)))
        self.assertTrue(
            edited.startswith("lesson/: 3 files changed, 2.0 MB. You have edited “a\\u")
        )
        self.assertTrue(edited.endswith("It stays, and the new version is stored beside it."))
        many = wording.update_found(replace(found, edited=tuple("abcde")))
        self.assertIn("“a”, “b”, “c” and 2 more. They stay,", many)
