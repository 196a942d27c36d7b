"""What a seeder offers out of its folder, and what it opens."""

from __future__ import annotations

import os
import socket
import sys
import unittest
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest import mock

from roles.lmk1.shared_folder import (
    MAX_COUNTED,
    SharedFolder,
)
from roles.sharing.folder_tree import TopListing, TreeFile
from roles.values.errors import FileChangedError, StorageError
from roles.values.events import Skipped, SkipReason
from tests.support import LmkTestCase

IS_POSIX = os.name == "posix"


class SharedFolderTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shared = SharedFolder(self.folder)

    def file(self, name: str, content: bytes = b"content") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def scanned(self, name: str) -> TreeFile:
        return self.shared.scan().files[name]


class ScanTest(SharedFolderTestCase):
    def test_an_empty_folder_offers_nothing(self) -> None:
        self.assertEqual(self.shared.scan(), TopListing({}, 0, ()))

    def test_the_files_at_the_top_are_offered_in_order_with_their_sizes(self) -> None:
        for name, size in (("b", 5121), ("a", 0), ("é – ü.txt", 1), (".hidden", 2)):
            self.file(name, b"x" * size)
        listing = self.shared.scan()
        self.assertEqual(
            [(file.path, file.size) for file in listing.files.values()],
            [(".hidden", 2), ("a", 0), ("b", 5121), ("é – ü.txt", 1)],
        )
        self.assertEqual(listing.skipped, ())

    def test_files_in_folders_are_counted_and_not_offered(self) -> None:
        for name in ("top", "one/a", "one/b", "one/two/c"):
            self.file(name)
        listing = self.shared.scan()
        self.assertEqual((list(listing.files), listing.in_subfolders), (["top"], 3))

    def test_counting_ends_when_there_are_many(self) -> None:
        for folder in ("a", "b"):
            (self.folder / folder).mkdir()
            for number in range(MAX_COUNTED // 2 + 10):
                (self.folder / folder / str(number)).touch()
        counted = self.shared.scan().in_subfolders
        self.assertTrue(MAX_COUNTED - 10 < counted <= MAX_COUNTED, counted)

    def test_counting_ends_among_folders_without_files_too(self) -> None:
        for number in range(MAX_COUNTED):
            (self.folder / "a" / str(number) / "b").mkdir(parents=True)
        with mock.patch("os.scandir", wraps=os.scandir) as looks:
            self.assertEqual(self.shared.scan().in_subfolders, 0)
        self.assertLess(looks.call_count, 100)

    def test_downloads_under_way_are_not_offered_nor_told_and_litter_is_told(self) -> None:
        for name in ("x.lmkpart", "y.LMKPART", ".DS_Store", "Thumbs.db", "desktop.ini"):
            self.file(name)
        skipped = (Skipped(SkipReason.LITTER, (".DS_Store", "Thumbs.db", "desktop.ini")),)
        self.assertEqual(self.shared.scan(), TopListing({}, 0, skipped))

    def test_a_file_above_the_size_limit_is_not_offered(self) -> None:
        path = self.file("huge", b"")
        try:
            os.truncate(path, (1 << 40) + 1)
        except OSError as error:
            self.skipTest(f"no such large file on this disk: {error}")
        self.assertEqual(self.shared.scan().files, {})

    @unittest.skipUnless(IS_POSIX, "names that Windows does not have")
    def test_names_that_no_leecher_would_store_are_left_out_and_shown_safely(self) -> None:
        for name in ("a\\b", "a:b", "a\nb", "a\x1b[2J", "  "):
            self.file(name)
        self.file("good")
        listing = self.shared.scan()
        self.assertEqual(list(listing.files), ["good"])
        (skipped,) = listing.skipped
        self.assertEqual((skipped.why, len(skipped.paths)), (SkipReason.NAME, 5))
        for shown in skipped.paths:
            self.assertTrue(shown.isprintable())

    @unittest.skipUnless(sys.platform == "linux", "names that are not UTF-8")
    def test_a_name_that_is_not_utf_8_is_left_out(self) -> None:
        (Path(os.fsdecode(os.fsencode(self.folder) + b"/\xff.txt"))).touch()
        skipped = (Skipped(SkipReason.NAME, ("\\udcff.txt",)),)
        self.assertEqual(self.shared.scan(), TopListing({}, 0, skipped))

    @unittest.skipUnless(IS_POSIX, "links and pipes")
    def test_links_pipes_and_sockets_are_not_offered(self) -> None:
        outside = self.enterContext(socket.socket(socket.AF_UNIX))
        outside.bind(str(self.folder / "socket"))
        os.mkfifo(self.folder / "pipe")
        (self.folder / "link").symlink_to("/etc/passwd")
        (self.folder / "dangling").symlink_to("nowhere")
        (self.folder / "folder-link").symlink_to("/etc")
        skipped = (
            Skipped(SkipReason.LINK, ("dangling", "folder-link", "link")),
            Skipped(SkipReason.SPECIAL, ("pipe", "socket")),
        )
        self.assertEqual(self.shared.scan(), TopListing({}, 0, skipped))

    def test_a_folder_that_is_gone_is_a_sentence(self) -> None:
        for path in (self.folder / "gone", self.file("a file")):
            with (
                self.subTest(path=path.name),
                self.assertRaisesRegex(StorageError, "Choose another"),
            ):
                SharedFolder(path).scan()

    def test_two_scans_of_the_same_folder_are_equal_and_a_change_is_seen(self) -> None:
        path = self.file("a")
        before = self.shared.scan()
        self.assertEqual(self.shared.scan(), before)
        os.utime(path, ns=(0, 0))
        self.assertNotEqual(self.shared.scan(), before)


class OpenTest(SharedFolderTestCase):
    def refused(self, file: TreeFile) -> None:
        with self.assertRaises(FileChangedError):
            self.shared.open(file).close()

    def test_an_offered_file_is_opened_for_reading(self) -> None:
        self.file("a", b"hello")
        with closing(self.shared.open(self.scanned("a"))) as opened:
            self.assertEqual(opened.read(0, 9), b"hello")
            with self.assertRaises(OSError):
                opened.write(0, [memoryview(b"x")])

    def test_a_file_that_changed_since_the_scan_is_refused(self) -> None:
        changes: dict[str, Callable[[Path], object]] = {
            "longer": lambda path: path.write_bytes(b"longer content"),
            "empty": lambda path: path.write_bytes(b""),
            "touched": lambda path: os.utime(path, ns=(1, 1)),
            "gone": lambda path: path.unlink(),
        }
        for what, change in changes.items():
            with self.subTest(what):
                path = self.file("a")
                file = self.scanned("a")
                change(path)
                self.refused(file)

    @unittest.skipUnless(IS_POSIX, "the number of a file")
    def test_another_file_of_the_same_size_and_time_is_refused(self) -> None:
        path = self.file("a")
        file = self.scanned("a")
        other = self.file("b", b"CONTENT")
        os.utime(other, ns=(file.mtime_ns, file.mtime_ns))
        other.replace(path)
        self.refused(file)

    @unittest.skipUnless(IS_POSIX, "links and pipes")
    def test_a_link_pipe_or_folder_in_its_place_is_refused_at_once(self) -> None:
        outside = self.folder.parent / (self.folder.name + "-outside")
        outside.write_bytes(b"content")
        self.addCleanup(outside.unlink)
        for what in ("link", "pipe", "folder"):
            with self.subTest(what):
                path = self.file(what)
                file = self.scanned(what)
                path.unlink()
                if what == "link":
                    path.symlink_to(outside)
                elif what == "pipe":
                    os.mkfifo(path)
                else:
                    path.mkdir()
                self.refused(file)

    @unittest.skipUnless(sys.platform == "linux", "the table of open files")
    def test_no_refusal_costs_a_descriptor(self) -> None:
        path = self.file("a")
        file = self.scanned("a")
        path.unlink()
        path.mkdir()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a count, no paths
        for _ in range(20):
            self.refused(file)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)  # noqa: PTH208

    def test_a_file_from_a_system_without_inodes_is_compared_by_size_and_time(self) -> None:
        self.file("a")
        file = self.scanned("a")
        self.shared.open(TreeFile("a", file.size, file.mtime_ns, 0)).close()
        self.refused(TreeFile("a", file.size, file.mtime_ns, file.inode + 1))
