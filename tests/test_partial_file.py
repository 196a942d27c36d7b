"""A download on disk: never over something that exists, never half under its final name."""

from __future__ import annotations

import os
import subprocess
import threading
import unittest
from collections.abc import Callable
from pathlib import Path

from roles.disk.partial_file import FinalFile, PartialFile
from roles.values.errors import StorageError
from roles.values.settings import Existing
from tests.disks import IS_POSIX, IS_ROOT, DiskTestCase, needs_posix
from tests.support import NEVER, STOPPED

CONTENT = b"what came over the wire"
# Another process on the same name: says whether it got it, and holds it until its input ends.
CLAIM = """
import sys
from pathlib import Path
from roles.values.errors import StorageError
from roles.disk.partial_file import PartialFile
try:
    partial = PartialFile(Path(sys.argv[1]), (sys.argv[2],), can_be_checked=False)
except StorageError as error:
    sys.stdout.write(f"refused {error}\\n")
else:
    partial.write(0, memoryview(b"theirs"))
    sys.stdout.write("claimed\\n")
sys.stdout.flush()
sys.stdin.read()
"""
# A disk that takes 8,192 bytes of a file and no more.
SMALL_DISK = """
import resource, sys
from pathlib import Path
from roles.values.errors import StorageError
from roles.disk.partial_file import PartialFile
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
partial = PartialFile(Path(sys.argv[1]), ("a",), can_be_checked=False)
partial.write(0, memoryview(bytes(8192)))
try:
    partial.write(8000, memoryview(bytes(300)))
except StorageError as error:
    sys.stdout.write(str(error))
partial.close()
"""


class ClaimedFileTestCase(DiskTestCase):
    def partial(self, name: str = "a.txt", content: bytes = CONTENT) -> PartialFile:
        partial = PartialFile(self.folder, (name,), can_be_checked=False)
        self.addCleanup(partial.close)
        partial.write(0, memoryview(content))
        return partial

    def finished(self, existing: Existing, content: bytes = CONTENT) -> tuple[Path, bool]:
        result = self.partial(content=content).finish(FinalFile(existing), NEVER)
        assert result is not None
        return result

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def claiming(self) -> subprocess.Popen[str]:
        """Another process on the name a.txt."""
        return self.process(CLAIM, str(self.folder), "a.txt")


class WriteTest(ClaimedFileTestCase):
    def test_it_has_its_own_ending_until_it_is_whole(self) -> None:
        partial = self.partial()
        self.assertEqual(self.names(), {"a.txt.lmkpart"})
        partial.finish(FinalFile(Existing.SKIP), NEVER)
        self.assertEqual(self.names(), {"a.txt"})
        self.assertEqual((self.folder / "a.txt").read_bytes(), CONTENT)

    def test_each_piece_is_written_to_its_place(self) -> None:
        partial = self.partial(content=b"")
        partial.write(10, memoryview(b"abcde"))
        partial.write(0, memoryview(b"0123456789"))
        partial.close()
        self.assertEqual((self.folder / "a.txt.lmkpart").read_bytes(), b"0123456789abcde")

    def test_many_threads_write_at_once(self) -> None:
        partial = self.partial(content=b"")
        blocks = [bytes([number]) * 5000 for number in range(64)]

        def write(first: int) -> None:
            for number in range(first, 64, 8):
                partial.write(number * 5000, memoryview(blocks[number]))

        threads = [threading.Thread(target=write, args=(n,), name="lmk-test") for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        partial.close()
        self.assertEqual((self.folder / "a.txt.lmkpart").read_bytes(), b"".join(blocks))

    def test_what_an_earlier_run_left_is_emptied(self) -> None:
        (self.folder / "a.txt.lmkpart").write_bytes(b"x" * 1000)
        self.partial(content=b"new").close()
        self.assertEqual((self.folder / "a.txt.lmkpart").read_bytes(), b"new")

    def test_discarding_leaves_nothing_and_may_be_done_twice(self) -> None:
        partial = self.partial()
        partial.discard()
        partial.discard()
        self.assertEqual(self.names(), set())

    def test_closing_keeps_what_came(self) -> None:
        partial = self.partial()
        partial.close()
        partial.close()
        self.assertEqual(self.names(), {"a.txt.lmkpart"})

    def test_an_empty_file_is_finished_too(self) -> None:
        self.assertEqual(self.finished(Existing.SKIP, b""), (self.folder / "a.txt", False))


class ExistingTest(ClaimedFileTestCase):
    def test_the_same_content_is_there_already(self) -> None:
        (self.folder / "a.txt").write_bytes(CONTENT)
        before = (self.folder / "a.txt").stat()
        self.assertEqual(self.finished(Existing.SKIP), (self.folder / "a.txt", True))
        self.assertEqual(self.names(), {"a.txt"})
        self.assertEqual((self.folder / "a.txt").stat().st_ino, before.st_ino)

    def test_a_large_file_that_differs_in_its_last_byte_is_not_the_same(self) -> None:
        content = bytes(2_500_000)
        (self.folder / "a.txt").write_bytes(content[:-1] + b"x")
        path, was_there = self.finished(Existing.SKIP, content)
        self.assertEqual((path.name, was_there), ("a (2).txt", False))

    def test_other_content_is_kept_and_ours_gets_a_number(self) -> None:
        for existing in (Existing.SKIP, Existing.KEEP_BOTH):
            with self.subTest(existing=existing):
                (self.folder / "a.txt").write_bytes(b"mine")
                path, was_there = self.finished(existing)
                self.assertEqual((path.name, was_there), ("a (2).txt", False))
                self.assertEqual((self.folder / "a.txt").read_bytes(), b"mine")
                self.assertEqual(path.read_bytes(), CONTENT)
                path.unlink()

    def test_the_next_free_number_is_taken(self) -> None:
        for name in ("a.txt", "a (2).txt", "a (3).txt"):
            (self.folder / name).write_bytes(name.encode())
        self.assertEqual(self.finished(Existing.KEEP_BOTH)[0].name, "a (4).txt")
        for name in ("a.txt", "a (2).txt", "a (3).txt"):
            self.assertEqual((self.folder / name).read_bytes(), name.encode())

    def test_keeping_both_keeps_the_same_content_twice(self) -> None:
        (self.folder / "a.txt").write_bytes(CONTENT)
        self.assertEqual(self.finished(Existing.KEEP_BOTH)[0].name, "a (2).txt")

    def test_replacing_replaces(self) -> None:
        (self.folder / "a.txt").write_bytes(b"old")
        self.assertEqual(self.finished(Existing.REPLACE), (self.folder / "a.txt", False))
        self.assertEqual((self.folder / "a.txt").read_bytes(), CONTENT)
        self.assertEqual(self.names(), {"a.txt"})

    def test_a_folder_of_that_name_is_never_replaced(self) -> None:
        (self.folder / "a.txt").mkdir()
        (self.folder / "a.txt" / "inside").touch()
        for existing in Existing:
            with self.subTest(existing=existing):
                path, _ = self.finished(existing)
                self.assertEqual(path.name, "a (2).txt")
                path.unlink()
        self.assertTrue((self.folder / "a.txt" / "inside").exists())

    @needs_posix
    def test_a_link_of_that_name_is_neither_followed_nor_written_through(self) -> None:
        outside = self.folder / "outside"
        outside.write_bytes(CONTENT)
        (self.folder / "a.txt").symlink_to(outside)
        self.assertEqual(self.finished(Existing.SKIP)[0].name, "a (2).txt")
        self.assertEqual(self.finished(Existing.REPLACE)[0].name, "a.txt")
        self.assertFalse((self.folder / "a.txt").is_symlink())
        self.assertEqual(outside.read_bytes(), CONTENT)

    @needs_posix
    def test_a_dangling_link_exists_and_is_kept(self) -> None:
        (self.folder / "a.txt").symlink_to("nowhere")
        self.assertEqual(self.finished(Existing.SKIP)[0].name, "a (2).txt")
        self.assertEqual((self.folder / "nowhere").exists(), False)

    def test_comparing_ends_when_it_is_told_to(self) -> None:
        (self.folder / "a.txt").write_bytes(CONTENT)
        self.assertIsNone(self.partial().finish(FinalFile(Existing.SKIP), STOPPED))
        self.assertEqual(self.names(), {"a.txt", "a.txt.lmkpart"})

    def test_two_downloads_of_one_name_never_overwrite_each_other(self) -> None:
        paths: list[Path] = []

        def download(number: int) -> None:
            partial = PartialFile(self.folder, (f"{number}",))
            partial.write(0, memoryview(b"%d" % number))
            partial._name = "same"  # as two programs whose names for it differ until now
            result = partial.finish(FinalFile(Existing.KEEP_BOTH), NEVER)
            assert result is not None
            paths.append(result[0])

        threads = [threading.Thread(target=download, args=(n,), name="lmk-test") for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(paths)), 20)
        contents = {path.read_bytes() for path in paths}
        self.assertEqual(contents, {b"%d" % number for number in range(20)})


class ClaimTest(ClaimedFileTestCase):
    def test_another_download_of_that_name_in_this_program_is_refused(self) -> None:
        self.partial()
        with self.assertRaisesRegex(StorageError, "Another LMKtorrent is downloading a.txt"):
            PartialFile(self.folder, ("a.txt",), can_be_checked=False)
        self.assertEqual((self.folder / "a.txt.lmkpart").read_bytes(), CONTENT)

    def test_another_process_on_that_name_is_refused_until_ours_ends(self) -> None:
        partial = self.partial()
        self.assertIn("Another LMKtorrent", self.line_of(self.claiming()))
        self.assertEqual((self.folder / "a.txt.lmkpart").read_bytes(), CONTENT)
        partial.close()
        self.assertEqual(self.line_of(self.claiming()), "claimed\n")

    def test_a_process_that_was_killed_holds_nothing(self) -> None:
        process = self.claiming()
        self.assertEqual(self.line_of(process), "claimed\n")
        with self.assertRaises(StorageError):
            PartialFile(self.folder, ("a.txt",), can_be_checked=False)
        process.kill()
        process.wait()
        self.partial().discard()

    @needs_posix
    def test_what_another_program_put_in_its_place_never_gets_the_final_name(self) -> None:
        part = self.folder / "a.txt.lmkpart"
        makers: tuple[Callable[[], object], ...] = (
            lambda: part.write_bytes(b"not what was checked"),
            lambda: part.symlink_to(self.folder),
        )
        for make in makers:
            partial = self.partial()
            part.unlink()
            make()
            self.assertFalse(partial.is_in_place)
            with self.assertRaisesRegex(StorageError, "Another program replaced"):
                partial.finish(FinalFile(Existing.REPLACE), NEVER)
            partial.discard()
            self.assertEqual(self.names(), {"a.txt.lmkpart"})
            part.unlink()

    @needs_posix
    def test_a_whole_file_whose_partial_name_a_crash_left_is_not_emptied(self) -> None:
        (self.folder / "a.txt").write_bytes(b"whole")
        os.link(self.folder / "a.txt", self.folder / "a.txt.lmkpart")
        path, _ = self.finished(Existing.KEEP_BOTH)
        self.assertEqual((self.folder / "a.txt").read_bytes(), b"whole")
        self.assertEqual((path.name, path.read_bytes()), ("a (2).txt", CONTENT))

    @needs_posix
    def test_what_is_no_file_is_refused_in_its_place(self) -> None:
        part, victim = self.folder / "a.txt.lmkpart", self.folder / "victim"
        victim.write_bytes(b"precious")
        makers: tuple[Callable[[], None], ...] = (
            part.mkdir,
            lambda: os.mkfifo(part),
            lambda: part.symlink_to(victim),
            lambda: part.symlink_to("nowhere"),
        )
        for make in makers:
            make()
            with self.assertRaisesRegex(StorageError, "is not a file. Move it away"):
                PartialFile(self.folder, ("a.txt",), can_be_checked=False)
            if part.is_dir():
                part.rmdir()
            else:
                part.unlink()
        self.assertEqual(victim.read_bytes(), b"precious")
        self.assertFalse((self.folder / "nowhere").exists())

    def test_whoever_claims_a_name_keeps_it_while_others_discard_theirs(self) -> None:
        ending = threading.Event()

        def come_and_go() -> None:
            while not ending.is_set():
                try:
                    PartialFile(self.folder, ("a",), can_be_checked=False).discard()
                except StorageError:
                    continue

        thread = threading.Thread(target=come_and_go, name="lmk-test")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ending.set)
        claimed = 0
        for _ in range(20_000):
            try:
                partial = PartialFile(self.folder, ("a",), can_be_checked=False)
            except StorageError:
                continue
            claimed += 1
            is_there = os.path.lexists(self.folder / "a.lmkpart")
            partial.discard()
            self.assertTrue(is_there, "it was removed under its owner")
            if claimed == 300:
                break
        self.assertGreater(claimed, 0)


class DiskTest(ClaimedFileTestCase):
    @needs_posix
    def test_a_disk_that_takes_no_more_is_a_sentence(self) -> None:
        said, _ = self.process(SMALL_DISK, str(self.folder)).communicate(timeout=30)
        self.assertIn("cannot be written (File too large). Choose another folder.", said)

    @unittest.skipUnless(IS_POSIX and not IS_ROOT, "root may write everywhere")
    def test_a_folder_that_may_not_be_written_is_a_sentence(self) -> None:
        self.folder.chmod(0o500)
        self.addCleanup(self.folder.chmod, 0o700)
        with self.assertRaisesRegex(StorageError, "No permission to write"):
            PartialFile(self.folder, ("a",), can_be_checked=False)

    def test_a_partial_file_that_vanished_is_a_sentence(self) -> None:
        partial = self.partial()
        if not IS_POSIX:
            self.skipTest("an open file cannot be removed there")
        (self.folder / "a.txt.lmkpart").unlink()
        for existing in Existing:
            with self.subTest(existing=existing), self.assertRaises(StorageError):
                partial.finish(FinalFile(existing), NEVER)
        self.assertEqual(self.names(), set())
