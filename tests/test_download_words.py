"""What is said of a download: how far it is, what holds it up, what came of it."""

from __future__ import annotations

import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any

from roles.values.addresses import Address
from roles.values.errors import ContentError
from roles.values.events import DownloadChanged, DownloadState, Source, UpdateFound, Verified
from roles.values.watched import Bottleneck, Slowest
from ui import download_words

MB = 1_000_000


class StatusTest(unittest.TestCase):
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
                self.assertEqual(download_words.status(download), words)
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
                self.assertEqual(download_words.status(replace(done, name=name)), words)

    def test_of_a_folder_it_is_said_how_many_have_other_names(self) -> None:
        done = self.download(DownloadState.DONE, saved_as=Path("x"))
        folder = replace(done, name="share:0011223344556677", files=9, renamed=1_200)
        self.assertEqual(download_words.status(folder), "Done, checked, 1,200 under other names")

    def test_figures_while_it_runs(self) -> None:
        download = DownloadChanged(
            "a", DownloadState.DOWNLOADING, 120 * MB, 46_800_000, 3.1 * MB, 24.0, ()
        )
        said = download_words.progress(download, 4.4 * MB)
        self.assertEqual(said, "46.8 MB of 120 MB · 3.1 MB/s · 0:24 left · peak 4.4 MB/s")


class BottleneckTest(unittest.TestCase):
    def said(self, slowest: Slowest, *senders: str, **rest: float) -> str:
        found = Bottleneck(slowest, 3 * MB, senders, disk_rate=210 * MB)
        return download_words.bottleneck(replace(found, **rest))  # type: ignore[arg-type]

    def test_each_is_named_with_its_evidence(self) -> None:
        expected = {
            self.said(Slowest.LIMIT, "a", "b", "c", limit=3 * MB): "Slowest now: your download "
            "limit of 3.0 MB/s (the disk could take 210 MB/s, 3 computers send).",
            self.said(Slowest.DISK, "Teacher-PC"): "Slowest now: this disk, which writes 3.0 MB/s "
            "(Teacher-PC waits for it).",
            self.said(Slowest.PROCESSOR, "a"): "Slowest now: this computer, which checks 3.0 MB/s "
            "(the disk could take 210 MB/s).",
            self.said(Slowest.LINK, "a", "b", fewer=1, fewer_rate=2.9 * MB): "Slowest now: this "
            "computer's network link, 3.0 MB/s (2 senders bring no more than 1 did, 2.9 MB/s, "
            "the disk could take 210 MB/s).",
            self.said(Slowest.SENDERS, "Teacher-PC"): "Slowest now: the connection of Teacher-PC, "
            "3.0 MB/s (the disk could take 210 MB/s).",
            self.said(
                Slowest.SENDERS, "b", "a"
            ): "Slowest now: the connections of a and b, 3.0 MB/s (the disk could take 210 MB/s).",
        }
        for said, wanted in expected.items():
            self.assertEqual(said, wanted)

    def test_a_name_that_could_fool_the_reader_is_escaped(self) -> None:
        self.assertIn("pc\\u202e", self.said(Slowest.SENDERS, "pc\u202e"))


class LaterTest(unittest.TestCase):
    def test_what_changed_and_what_stays(self) -> None:
        found = UpdateFound("share:1", "lesson/", 3, 2_000_000)
        self.assertEqual(download_words.update_found(found), "lesson/: 3 files changed, 2.0 MB.")
        edited = download_words.update_found(replace(found, edited=("a\u202e.txt",)))
        self.assertTrue(
            edited.startswith("lesson/: 3 files changed, 2.0 MB. You have edited “a\\u")
        )
        self.assertTrue(edited.endswith("It stays, and the new version is stored beside it."))
        many = download_words.update_found(replace(found, edited=tuple("abcde")))
        self.assertIn("“a”, “b”, “c” and 2 more. They stay,", many)

    def test_what_was_found_by_reading_anew(self) -> None:
        same = Verified("k", "", "data/", 3, 9, 3, 9, is_over=True)
        self.assertEqual(
            download_words.verified(same), "data/: checked again, unchanged (3 files)."
        )
        for damaged, edited, missing, said in (
            (("a",), (), (), "Damaged “a”. What is damaged is kept under another name."),
            ((), ("a",), ("b",), "Changed here “a”; missing “b”. What you changed stays;"),
            (("a",), ("b",), (), "Damaged “a”; changed here “b”. What you changed stays;"),
            ((), (), ("a", "b", "c", "d", "e"), "Missing “a”, “b”, “c” and 2 more."),
        ):
            told = replace(same, damaged=damaged, edited=edited, missing=missing)
            self.assertIn(said, download_words.verified(told))
            self.assertTrue(download_words.verified(told).startswith("data/: "))
