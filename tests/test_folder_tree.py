"""What a scan of a folder and all below it finds."""

from __future__ import annotations

import errno
import os
import socket
import sys
import unittest
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest import mock

from roles.disk.open_folder import LastFolder
from roles.sharing import folder_tree
from roles.sharing.folder_tree import (
    FolderTree,
    TopListing,
    TreeFile,
    check_unchanged,
    open_unchanged,
    scan_tree,
)
from roles.values.errors import FileChangedError, ShortageError, StorageError
from roles.values.events import Skipped, SkipReason
from roles.values.list_lines import sort_key
from roles.values.safe_names import MAX_DEPTH, MAX_PATH_BYTES, UnsafeNameError, check_path
from tests.support import NEVER, STOPPED, LmkTestCase

IS_POSIX = os.name == "posix"
NAMES = (
    "plain.txt",
    ".hidden",
    "ünïcödé – 1",
    "a" * 255,
    "é" * 127,
    "zero\u200bwidth",
    "back\\slash",
    "co:lon",
    "li\nfeed",
    "del\x7f",
    " . .",
    "...",
    "x.lmkpart",
    "x.LMK\u212aPART",  # a Kelvin sign is no k in the suffix
    "x.lm\u212apart",
    "\u3000",
    "\xa0",
    "tab\t",
)


class FolderTreeTestCase(LmkTestCase):
    def file(self, path: str, content: bytes = b"content") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def paths(self) -> list[str]:
        return [file.path for file in scan_tree(self.folder, NEVER).files]


class ScanTest(FolderTreeTestCase):
    def test_an_empty_folder_is_an_empty_tree(self) -> None:
        self.assertEqual(scan_tree(self.folder, NEVER), FolderTree((), (), ()))

    def test_files_of_all_levels_are_found_in_the_order_of_their_bytes(self) -> None:
        for path in ("b", "a/z", "a/é/x", "a.txt", "Z", "a/é/\U0001f600", "a/é/\uffee"):
            self.file(path)
        self.assertEqual(self.paths(), sorted(self.paths(), key=sort_key))
        self.assertEqual(
            self.paths(), ["Z", "a.txt", "a/z", "a/é/x", "a/é/\uffee", "a/é/\U0001f600", "b"]
        )

    def test_the_files_at_the_top_are_all_that_lmk1_has_and_the_others_are_counted(self) -> None:
        for name in ("b", "a", "one/a", "one/two/c", ".DS_Store"):
            self.file(name)
        tree = scan_tree(self.folder, NEVER)
        top = TopListing.of(tree)
        self.assertEqual((list(top.files), top.in_subfolders), (["a", "b"], 2))
        self.assertEqual(top.skipped, tree.skipped)

    def test_a_file_is_told_as_its_status_says(self) -> None:
        path = self.file("sub/tool", b"12345")
        os.utime(path, ns=(1, 123_456_789_012))
        path.chmod(0o755)
        (found,) = scan_tree(self.folder, NEVER).files
        self.assertEqual((found.path, found.size), ("sub/tool", 5))
        self.assertTrue(found.is_still(path.stat()))
        if IS_POSIX:
            self.assertEqual((found.mtime_ns, found.inode), (123_456_789_012, path.stat().st_ino))
            self.assertTrue(found.is_executable)

    def test_every_folder_has_its_time_and_an_empty_one_too(self) -> None:
        (self.folder / "empty" / "inner").mkdir(parents=True)
        os.utime(self.folder / "empty" / "inner", (5, 5))
        folders = scan_tree(self.folder, NEVER).folders
        self.assertEqual([folder.path for folder in folders], ["empty", "empty/inner"])
        self.assertEqual(folders[1].mtime, 5)

    def skipped(self) -> dict[SkipReason, list[str]]:
        return {reason.why: list(reason.paths) for reason in scan_tree(self.folder, NEVER).skipped}

    def test_litter_is_told_and_downloads_under_way_are_skipped_without_a_word(self) -> None:
        for path in ("x.lmkpart", "a/y.LMKPART", "a/.DS_Store", "Thumbs.db", "a/desktop.ini"):
            self.file(path)
        tree = scan_tree(self.folder, NEVER)
        self.assertEqual((tree.files, tree.problem), ((), ""))
        self.assertEqual(
            self.skipped(), {SkipReason.LITTER: ["Thumbs.db", "a/.DS_Store", "a/desktop.ini"]}
        )

    @unittest.skipUnless(IS_POSIX, "links and pipes")
    def test_nothing_but_regular_files_is_offered_and_no_link_followed(self) -> None:
        outside = self.enterContext(socket.socket(socket.AF_UNIX))
        outside.bind(str(self.folder / "socket"))
        os.mkfifo(self.folder / "pipe")
        (self.folder / "link").symlink_to("/etc/passwd")
        (self.folder / "dangling").symlink_to("nowhere")
        (self.folder / "round").symlink_to(self.folder)
        tree = scan_tree(self.folder, NEVER)
        self.assertEqual((tree.files, tree.folders), ((), ()))
        self.assertEqual(
            self.skipped(),
            {
                SkipReason.LINK: ["dangling", "link", "round"],
                SkipReason.SPECIAL: ["pipe", "socket"],
            },
        )

    def test_a_file_that_is_too_large_is_told(self) -> None:
        path = self.file("large")
        try:
            os.truncate(path, (1 << 40) + 1)
        except OSError as error:
            self.skipTest(f"no such large file on this disk: {error}")
        self.assertEqual(self.skipped(), {SkipReason.SIZE: ["large"]})

    def test_what_may_not_be_looked_at_is_told(self) -> None:
        """As in a folder that may be listed and not entered; root may do both."""
        entry = mock.Mock(spec=os.DirEntry)
        entry.name = "a"
        entry.stat.side_effect = PermissionError(13, "Permission denied")
        self.assertIs(folder_tree._status_of(entry), SkipReason.UNREADABLE)
        entry.stat.side_effect = FileNotFoundError
        self.assertIsNone(folder_tree._status_of(entry))

    @unittest.skipUnless(IS_POSIX, "names that Windows does not have")
    def test_names_are_judged_as_those_who_store_them_judge(self) -> None:
        for name in NAMES:
            self.file("sub/" + name)
        tree = scan_tree(self.folder, NEVER)
        fit = []
        for name in NAMES:
            try:
                check_path("sub/" + name)
            except UnsafeNameError:
                continue
            fit.append("sub/" + name)
        self.assertEqual(sorted(file.path for file in tree.files), sorted(fit))
        partial = 2  # one of them with a sign that a file system may take for a k
        (skipped,) = tree.skipped
        self.assertEqual(skipped.why, SkipReason.NAME)
        self.assertEqual(len(skipped.paths), len(NAMES) - len(fit) - partial)
        self.assertTrue(all(shown.isprintable() for shown in skipped.paths))

    @unittest.skipUnless(sys.platform == "linux", "names that are not UTF-8")
    def test_names_that_are_not_utf_8_are_left_out_with_all_below(self) -> None:
        top = os.fsencode(self.folder)
        os.mkdir(top + b"/\xfe")  # noqa: PTH102  # no str can be given
        for path in (b"/\xff.txt", b"/\xfe/below"):
            Path(os.fsdecode(top + path)).touch()
        tree = scan_tree(self.folder, NEVER)
        self.assertEqual((tree.files, tree.folders), ((), ()))
        self.assertEqual(self.skipped(), {SkipReason.NAME: ["\\udcfe", "\\udcff.txt"]})

    def test_what_is_too_deep_is_left_out(self) -> None:
        self.file("/".join(["d"] * (MAX_DEPTH - 1)) + "/fits")
        self.file("/".join(["d"] * MAX_DEPTH) + "/does not")
        tree = scan_tree(self.folder, NEVER)
        self.assertEqual([file.path.rpartition("/")[2] for file in tree.files], ["fits"])
        self.assertEqual([*self.skipped()], [SkipReason.DEPTH])
        for path in [file.path for file in tree.files] + [folder.path for folder in tree.folders]:
            check_path(path)

    @unittest.skipUnless(IS_POSIX, "long paths")
    def test_a_path_that_is_too_long_is_left_out(self) -> None:
        long = "/".join(["n" * 200] * 5)
        self.file(long + "/" + "n" * (MAX_PATH_BYTES - len(long) - 1))
        self.file(long + "/" + "m" * (MAX_PATH_BYTES - len(long)))
        tree = scan_tree(self.folder, NEVER)
        self.assertEqual([len(file.path) for file in tree.files], [MAX_PATH_BYTES])
        self.assertEqual([*self.skipped()], [SkipReason.NAME])

    def test_there_is_an_end_and_the_rest_is_told_when_there_are_too_many(self) -> None:
        for path in ("a", "b", "sub/c", "sub/d", "sub/e"):
            self.file(path)
        with mock.patch.object(folder_tree, "MAX_ENTRIES", 4):
            tree = scan_tree(self.folder, NEVER)
        self.assertEqual(len(tree.files) + len(tree.folders), 4)
        (skipped,) = tree.skipped
        self.assertEqual((skipped.why, len(skipped.paths)), (SkipReason.NUMBER, 2))

    def test_a_folder_that_is_gone_is_a_sentence(self) -> None:
        for path in (self.folder / "gone", self.file("a file")):
            with self.assertRaisesRegex(StorageError, "Choose another"):
                scan_tree(path, NEVER)

    def test_an_unreadable_folder_below_is_named_and_the_rest_is_found(self) -> None:
        self.file("locked/a")
        self.file("open/b")
        scandir = os.scandir

        def refuse(place: str) -> object:  # root may read everything, so no mode would do
            if place.endswith("locked"):
                raise PermissionError(13, "Permission denied")
            return scandir(place)

        with mock.patch("os.scandir", refuse):
            tree = scan_tree(self.folder, NEVER)
        self.assertEqual([file.path for file in tree.files], ["open/b"])
        self.assertEqual([folder.path for folder in tree.folders], ["open"])
        self.assertEqual(
            tree.skipped, (Skipped(SkipReason.UNREADABLE, ("locked (Permission denied)",)),)
        )

    def test_a_scan_ends_when_it_should(self) -> None:
        self.file("sub/a")
        self.assertEqual(scan_tree(self.folder, STOPPED).files, ())


class OpenTest(FolderTreeTestCase):
    def found(self, path: str) -> TreeFile:
        return next(file for file in scan_tree(self.folder, NEVER).files if file.path == path)

    def refused(self, file: TreeFile) -> None:
        with self.assertRaises(FileChangedError):
            check_unchanged(self.folder, [file])

    def test_files_of_several_folders_are_opened_one_after_another(self) -> None:
        for path in ("top", "a/1", "a/2", "a/b/3", "c/4"):
            self.file(path, path.encode())
        with closing(LastFolder(self.folder, make=False)) as folders:
            for file in scan_tree(self.folder, NEVER).files:
                descriptor = open_unchanged(folders, file)
                self.assertEqual(os.read(descriptor, 100), file.path.encode())
                os.close(descriptor)

    def test_what_changed_is_refused(self) -> None:
        changes: dict[str, Callable[[Path], object]] = {
            "longer": lambda path: path.write_bytes(b"longer than before"),
            "touched": lambda path: os.utime(path, ns=(1, 1)),
            "gone": lambda path: path.unlink(),
        }
        for what, change in changes.items():
            with self.subTest(what):
                path = self.file("sub/" + what)
                file = self.found("sub/" + what)
                change(path)
                self.refused(file)

    @unittest.skipUnless(IS_POSIX, "links and pipes")
    def test_a_link_pipe_or_folder_in_its_place_is_refused_at_once(self) -> None:
        outside = self.file("outside")
        for what in ("link", "pipe", "folder"):
            path = self.file("sub/" + what)
            file = self.found("sub/" + what)
            path.unlink()
            if what == "link":
                path.symlink_to(outside)
            elif what == "pipe":
                os.mkfifo(path)
            else:
                path.mkdir()
            self.refused(file)

    @unittest.skipUnless(IS_POSIX, "links")
    def test_a_folder_on_the_way_that_became_a_link_is_refused(self) -> None:
        self.file("a/b/c")
        file = self.found("a/b/c")
        (self.folder / "a").rename(self.folder / "moved")
        (self.folder / "a").symlink_to("moved")
        self.refused(file)

    @unittest.skipUnless(sys.platform == "linux", "the table of open files")
    def test_no_refusal_costs_a_descriptor(self) -> None:
        self.file("a/b/c")
        file = self.found("a/b/c")
        (self.folder / "a/b/c").unlink()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a count, no paths
        for _ in range(20):
            self.refused(file)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)  # noqa: PTH208


class ShortageTest(FolderTreeTestCase):
    def test_what_this_computer_lacks_says_nothing_about_the_folder(self) -> None:
        self.file("a/b/c")
        scandir = os.scandir
        for lacking in (str(self.folder), os.path.join(self.folder, "a")):  # noqa: PTH118

            def refuse(place: str, lacking: str = lacking) -> object:
                if place == lacking:
                    raise OSError(errno.EMFILE, "Too many open files")
                return scandir(place)

            with (
                self.subTest(lacking=lacking),
                mock.patch("os.scandir", refuse),
                self.assertRaisesRegex(ShortageError, "cannot be read now"),
            ):
                scan_tree(self.folder, NEVER)

    def test_a_folder_below_that_refuses_is_left_out_and_the_rest_is_offered(self) -> None:
        self.file("a/b")
        self.file("c")
        scandir = os.scandir

        def refuse(place: str) -> object:
            if place == os.path.join(self.folder, "a"):  # noqa: PTH118
                raise PermissionError(errno.EACCES, "Permission denied")
            return scandir(place)

        with mock.patch("os.scandir", refuse):
            tree = scan_tree(self.folder, NEVER)
        self.assertEqual([file.path for file in tree.files], ["c"])
        self.assertEqual(
            tree.skipped, (Skipped(SkipReason.UNREADABLE, ("a (Permission denied)",)),)
        )

    def test_a_link_to_itself_is_a_sentence(self) -> None:
        loop = self.folder / "loop"
        loop.symlink_to("loop")
        with self.assertRaisesRegex(StorageError, "cannot be read"):
            scan_tree(loop, NEVER)
