"""The target folder: what it has already, its room, and folders with their times."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from unittest import mock

from roles.disk.reserved_space import MAX_RESERVE, disk_full, free_space_in
from roles.disk.target_folder import TargetFolder
from roles.values.content import Content
from roles.values.errors import StorageError
from roles.values.settings import Existing
from tests.disks import DiskTestCase, described, needs_a_small_disk, needs_posix, some_bytes
from tests.support import STOPPED

DATA = some_bytes(600_000)
CONTENT, _ = described(DATA)
MTIME = 1_234_567_890


class TargetFolderTestCase(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = TargetFolder(self.folder / "target")
        self.file = self.folder / "target" / "a" / "x"

    def put(self, data: bytes = DATA) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(data)

    def held(self, content: Content = CONTENT) -> Path | None:
        return self.target.find(("a", "x"), content)


class HoldsTest(TargetFolderTestCase):
    def test_the_same_content_is_held(self) -> None:
        self.put()
        self.assertEqual(self.held(), self.file)

    def test_nothing_another_size_and_another_content_are_not(self) -> None:
        self.assertIsNone(self.held())
        for data in (b"", DATA[:-1], DATA + b"x", DATA[:-1] + b"?"):
            self.put(data)
            self.assertIsNone(self.held())

    def test_what_was_put_beside_another_file_of_its_name_is_found(self) -> None:
        self.put(b"another")
        self.file.with_name("x (2)").mkdir()
        beside = self.file.with_name("x (3)")
        beside.write_bytes(DATA)
        self.assertEqual(self.held(), beside)
        for existing in (Existing.KEEP_BOTH, Existing.REPLACE):
            other = TargetFolder(self.target.path, existing)
            self.assertIsNone(other.find(("a", "x"), CONTENT))
        self.file.with_name("x (2)").rmdir()  # nobody puts a third one where a second is free
        self.assertIsNone(self.held())

    def test_an_empty_file_is_held_too(self) -> None:
        empty, _ = described(b"")
        self.assertIsNone(self.held(empty))
        self.put(b"")
        self.assertEqual(self.held(empty), self.file)

    def test_it_is_not_known_when_it_is_told_to_stop(self) -> None:
        self.put()
        stopped = TargetFolder(self.target.path, stopping=STOPPED)
        self.assertIsNone(stopped.find(("a", "x"), CONTENT))

    def test_folders_are_no_files(self) -> None:
        self.file.mkdir(parents=True)
        self.assertIsNone(self.held())

    @needs_posix
    def test_links_and_pipes_are_not_held(self) -> None:
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "x").write_bytes(DATA)
        self.file.parent.mkdir(parents=True)
        self.file.symlink_to(outside / "x")
        self.assertIsNone(self.held())
        self.file.unlink()
        os.mkfifo(self.file)
        self.assertIsNone(self.held())
        shutil.rmtree(self.file.parent)
        self.file.parent.symlink_to(outside)
        self.assertIsNone(self.held())

    def test_for_a_file_that_is_not_there_nothing_is_opened(self) -> None:
        self.put()
        with mock.patch("os.open", side_effect=AssertionError("opened")):
            self.assertIsNone(self.target.find(("a", "n"), CONTENT))


class FolderTest(TargetFolderTestCase):
    def made(
        self, stored: tuple[str, ...], mtime: int | None = None, target: TargetFolder | None = None
    ) -> Path:
        """The path of this folder. Raises StorageError when it cannot be made."""
        target = target or self.target
        for error in target.make_folders([(stored, mtime)]).values():
            raise error
        return target.path.joinpath(*stored)

    def test_folders_are_made_and_have_their_times_when_all_is_in_them(self) -> None:
        path = self.made(("a", "b"), MTIME)
        self.assertEqual(path, self.folder / "target" / "a" / "b")
        self.made(("a",), MTIME + 1)
        self.made(("timeless",))
        (path / "file").write_bytes(b"new")
        self.target.set_folder_times()
        self.assertEqual(path.stat().st_mtime, MTIME)
        self.assertEqual(path.parent.stat().st_mtime, MTIME + 1)
        self.assertGreater((self.folder / "target" / "timeless").stat().st_mtime, MTIME + 1)

    def test_times_are_set_once(self) -> None:
        path = self.made(("a",), MTIME)
        self.target.set_folder_times()
        os.utime(path, (5, 5))
        self.target.set_folder_times()
        self.assertEqual(path.stat().st_mtime, 5)

    def test_a_time_that_cannot_be_set_fails_nothing(self) -> None:
        odd = self.made(("a",), 1 << 80)
        gone = self.made(("b",), MTIME)
        gone.rmdir()
        self.target.set_folder_times()
        self.assertTrue(odd.is_dir())
        self.assertFalse(gone.exists())

    def test_folders_that_were_made_and_are_empty_can_be_taken_back(self) -> None:
        own = self.folder / "target" / "own" / "empty"
        own.mkdir(parents=True)
        for stored in (("own", "empty"), ("own", "new"), ("a", "b", "c"), ("full", "x")):
            self.made(stored)
        (self.folder / "target" / "full" / "file").touch()
        self.target.remove_made_folders()
        self.assertEqual(
            list(self.tree(self.folder / "target")), ["full", "full/file", "own", "own/empty"]
        )

    def test_a_file_in_the_way_is_a_sentence(self) -> None:
        self.put(b"mine")
        with self.assertRaisesRegex(StorageError, "x is a file, but must be a folder"):
            self.made(("a", "x", "b"))
        with self.assertRaisesRegex(StorageError, "x is a file, but must be a folder"):
            self.made(("a", "x"))
        self.assertEqual(self.file.read_bytes(), b"mine")

    @needs_posix
    def test_a_link_in_the_way_is_a_sentence_and_gets_no_time(self) -> None:
        outside = self.folder / "outside"
        outside.mkdir()
        os.utime(outside, (5, 5))
        path = self.made(("a",), MTIME)
        path.rmdir()
        path.symlink_to(outside)
        self.target.set_folder_times()
        self.assertEqual(outside.stat().st_mtime, 5)
        with self.assertRaisesRegex(StorageError, "a is a link to another place"):
            self.made(("a", "b"))
        self.assertEqual(self.tree(outside), {})

    @needs_a_small_disk
    def test_a_disk_that_may_not_be_written_is_a_sentence(self) -> None:
        disk = self.small_disk()
        self.make_read_only(disk)
        with self.assertRaisesRegex(StorageError, "Read-only file system"):
            self.made(("a",), target=TargetFolder(disk))


class SpaceTest(TargetFolderTestCase):
    def test_there_is_room_for_a_little_and_none_for_everything(self) -> None:
        self.assertGreater(free_space_in(self.folder), 1)
        self.assertLess(free_space_in(self.folder), 1 << 60)

    def test_some_room_is_left_to_the_rest_of_the_machine(self) -> None:
        usage = shutil.disk_usage(self.folder)
        reserve = min(MAX_RESERVE, usage.total // 100)
        self.assertLess(abs(free_space_in(self.folder) - (usage.free - reserve)), reserve)
        self.assertIn("full. Free 3 MB", str(disk_full(self.folder, 3_000_000)))

    def test_a_file_where_the_folder_should_be_is_refused(self) -> None:
        (self.folder / "file").touch()
        with self.assertRaises(StorageError):
            free_space_in(self.folder / "file" / "x")

    @needs_posix
    def test_what_is_in_the_way_of_the_folder_is_named(self) -> None:
        file, link, loop = (self.folder / name for name in ("file", "link", "loop"))
        file.write_bytes(b"")
        link.symlink_to("nowhere")
        loop.symlink_to("loop")
        for path, said in (
            (file, f"{file} is a file"),
            (file / "x" / "y", f"{file} is a file"),
            (link, f"{link} is a link to another place"),
            (loop / "x", f"{loop} is a link to another place"),
        ):
            with self.subTest(path=path), self.assertRaises(StorageError) as raised:
                free_space_in(path)
            self.assertIn(said, str(raised.exception))
