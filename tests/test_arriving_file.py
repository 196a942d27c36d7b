"""A content that arrives: what is good on the disk is found again, and nothing else is believed."""

from __future__ import annotations

import errno
import os
import random
import socket
import stat
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from unittest import mock

from roles.disk import arriving_file, chunk_digests, partial_file
from roles.disk.arriving_file import ArrivingFile
from roles.disk.partial_file import FinalFile
from roles.values.content import Content, content_of
from roles.values.errors import DiskFullError, FileChangedError, StorageError
from roles.values.settings import Existing
from tests.connections import over
from tests.disks import DiskTestCase, described, needs_a_small_disk, needs_posix, some_bytes
from tests.support import LIMIT_S, NEVER, STOPPED

DATA = some_bytes(1_000_000)  # four chunks, the last one shorter
CONTENT, DIGESTS = described(DATA)
CHUNK = CONTENT.chunk_size
STORED = ("a", "b", "x.bin")
MTIME = 1_234_567_890

# Writes chunks in an order of its own and names each that is written, until it is killed.
WRITER = """
import random, sys
from pathlib import Path
from roles.disk.arriving_file import ArrivingFile
from roles.values.content import Content
size, chunk_size = 64 << 20, 1 << 18
content = Content(bytes(32), size, chunk_size)
arriving = ArrivingFile(Path(sys.argv[1]), ("big",), content)
order = list(range(content.count))
random.Random(5).shuffle(order)
for index in order:
    piece = memoryview(random.Random(index).randbytes(chunk_size))
    for start in range(0, chunk_size, 65536):
        arriving.write(index * chunk_size + start, piece[start : start + 65536])
    sys.stdout.write(f"{index}\\n")
    sys.stdout.flush()
"""
HOLDER = """
import sys
from pathlib import Path
from roles.disk.arriving_file import ArrivingFile
from tests.connections import over
from roles.values.content import Content
arriving = ArrivingFile(Path(sys.argv[1]), ("a", "b", "x.bin"), Content(bytes(32), 10, 1 << 18))
sys.stdout.write("claimed\\n")
sys.stdout.flush()
sys.stdin.read()
"""


class ArrivingFileTestCase(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "target"
        self.part = self.target / "a" / "b" / "x.bin.lmkpart"
        self.final = self.target / "a" / "b" / "x.bin"

    def arriving(self, folder: Path | None = None, content: Content = CONTENT) -> ArrivingFile:
        arriving = ArrivingFile(folder or self.target, STORED, content)
        self.addCleanup(arriving.close)
        return arriving

    def whole(self, data: bytes = DATA, content: Content = CONTENT) -> ArrivingFile:
        arriving = self.arriving(content=content)
        arriving.write(0, memoryview(data))
        return arriving

    def left(self, data: bytes) -> None:
        """What an earlier run left."""
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self.part.write_bytes(data)

    def finished(self, existing: Existing = Existing.SKIP) -> tuple[str, bool]:
        result = self.whole().finish(FinalFile(existing, 0), NEVER)
        assert result is not None
        self.assertEqual(result[0].read_bytes(), DATA)
        return result[0].name, result[1]


class ResumeTest(ArrivingFileTestCase):
    def test_what_an_earlier_run_left_is_kept_and_found(self) -> None:
        first = self.arriving()
        first.write(CHUNK, memoryview(DATA)[CHUNK : 2 * CHUNK])
        first.write(3 * CHUNK, memoryview(DATA)[3 * CHUNK :])
        first.close()
        second = self.arriving()
        self.assertEqual(second.recheck(DIGESTS, NEVER), 0b1010)
        second.write(0, memoryview(DATA)[:CHUNK])
        second.write(2 * CHUNK, memoryview(DATA)[2 * CHUNK : 3 * CHUNK])
        self.assertEqual(second.recheck(DIGESTS, NEVER), CONTENT.all_chunks)
        second.finish(FinalFile(Existing.SKIP, 0), NEVER)
        self.assertEqual(self.final.read_bytes(), DATA)

    def test_what_was_left_is_found_with_a_second_thread_and_without_one(self) -> None:
        self.left(DATA)
        self.enterContext(mock.patch.object(chunk_digests, "WORTH_A_THREAD", 1))
        arriving = self.arriving()
        self.assertEqual(arriving.recheck(DIGESTS, NEVER), CONTENT.all_chunks)
        with mock.patch("threading.Thread.start", side_effect=RuntimeError("no thread left")):
            self.assertEqual(arriving.recheck(DIGESTS, NEVER), CONTENT.all_chunks)

    def test_nothing_was_left(self) -> None:
        self.assertEqual(self.arriving().recheck(DIGESTS, NEVER), 0)

    def test_what_is_too_long_is_cut_and_too_short_is_known(self) -> None:
        self.left(DATA + b"more")
        arriving = self.arriving()
        self.assertEqual(self.part.stat().st_size, len(DATA))
        self.assertEqual(arriving.recheck(DIGESTS, NEVER), CONTENT.all_chunks)
        arriving.close()
        self.left(DATA[: 2 * CHUNK + 5])
        self.assertEqual(self.arriving().recheck(DIGESTS, NEVER), 0b0011)

    def test_what_was_cut_off_is_missing_though_the_chunk_before_was_the_same(self) -> None:
        data = some_bytes(CHUNK) * 4
        content, digests = described(data)
        self.left(data[: 3 * CHUNK + 1000])
        self.assertEqual(self.arriving(content=content).recheck(digests, NEVER), 0b0111)

    def test_a_single_flipped_bit_is_found(self) -> None:
        damaged = bytearray(DATA)
        damaged[2 * CHUNK + 77] ^= 16
        self.left(bytes(damaged))
        self.assertEqual(self.arriving().recheck(DIGESTS, NEVER), 0b1011)

    def test_holes_are_no_chunks_unless_zeros_belong_there(self) -> None:
        data = bytes(CHUNK) + some_bytes(CHUNK) + bytes(CHUNK) + bytes(10)
        content, digests = described(data)
        self.part.parent.mkdir(parents=True)
        with self.part.open("wb") as file:
            file.seek(CHUNK)
            file.write(data[CHUNK : 2 * CHUNK])
        self.assertEqual(self.arriving(content=content).recheck(digests, NEVER) & 0b1110, 0b0010)
        self.part.unlink()
        with self.part.open("wb") as file:
            file.truncate(len(data))
        arriving = ArrivingFile(self.target, STORED, content)
        self.addCleanup(arriving.close)
        self.assertEqual(arriving.recheck(digests, NEVER), 0b1101)

    def test_a_large_file_is_read_by_two_threads(self) -> None:
        piece = some_bytes(CHUNK)
        data = piece * 100
        content, digests = described(data)
        self.left(data[: 50 * CHUNK] + bytes(CHUNK) + data[51 * CHUNK :])
        arriving, names = self.arriving(content=content), set[str]()
        read = arriving.file.read_into

        def read_into(offset: int, room: memoryview) -> int:
            names.add(threading.current_thread().name)
            return read(offset, room)

        with mock.patch.object(arriving.file, "read_into", read_into):
            found = arriving.recheck(digests, NEVER)
        self.assertEqual(found, content.all_chunks & ~(1 << 50))
        self.assertIn("lmk-check", names)

    def test_checking_ends_when_it_is_told_to(self) -> None:
        self.left(DATA)
        self.assertEqual(self.arriving().recheck(DIGESTS, STOPPED), 0)

    def test_a_fault_in_one_of_them_ends_both_threads(self) -> None:
        data = bytes(some_bytes(CHUNK) * 100)
        content, digests = described(data)
        self.left(data)
        arriving, read_at = self.arriving(content=content), list[int]()
        read, is_main_at_it = arriving.file.read_into, threading.Event()

        def read_into(offset: int, room: memoryview) -> int:
            read_at.append(offset)
            if threading.current_thread() is not threading.main_thread():
                is_main_at_it.wait(LIMIT_S)
            else:
                is_main_at_it.set()
                raise ValueError("no more")
            return read(offset, room)

        with (
            mock.patch.object(arriving.file, "read_into", read_into),
            self.assertRaisesRegex(ValueError, "no more"),
        ):
            arriving.recheck(digests, NEVER)
        self.assertLess(len(read_at), content.count)

    def test_a_place_that_cannot_be_read_is_a_chunk_that_is_missing(self) -> None:
        self.left(DATA)
        arriving = self.arriving()
        read = arriving.file.read_into

        def read_into(offset: int, room: memoryview) -> int:
            if offset == CHUNK:
                raise OSError(errno.EIO, "bad place")
            return read(offset, room)

        with mock.patch.object(arriving.file, "read_into", read_into):
            self.assertEqual(arriving.recheck(DIGESTS, NEVER), 0b1101)

    def test_a_process_killed_while_it_wrote_leaves_what_it_said_and_nothing_wrong(self) -> None:
        data = b"".join(random.Random(index).randbytes(1 << 18) for index in range(256))
        content, digests = described(data)
        for count in (1, 40, 90):
            process = self.process(WRITER, str(self.target))
            said = {int(self.line_of(process)) for _ in range(count)}
            process.kill()
            process.wait()
            arriving = ArrivingFile(self.target, ("big",), content)
            self.addCleanup(arriving.close)
            found = arriving.recheck(digests, NEVER)
            for index in range(content.count):
                is_there = (
                    arriving.read(index << 18, 1 << 18) == data[index << 18 : index + 1 << 18]
                )
                self.assertEqual(bool(found >> index & 1), is_there)
            self.assertTrue(all(found >> index & 1 for index in said))
            arriving.discard()


class PlaceTest(ArrivingFileTestCase):
    def test_its_folders_are_made(self) -> None:
        arriving = self.arriving()
        self.assertEqual(arriving.path, self.part)
        self.assertTrue(self.part.is_file())
        self.assertTrue(arriving.is_in_place)

    @needs_posix
    def test_a_link_on_the_way_is_not_followed(self) -> None:
        outside = self.folder / "outside"
        outside.mkdir()
        self.target.mkdir()
        (self.target / "a").symlink_to(outside, target_is_directory=True)
        with self.assertRaisesRegex(
            StorageError, "a is a link to another place, but must be a folder"
        ):
            self.arriving()
        (self.target / "a").unlink()
        (self.target / "a").mkdir()
        (self.target / "a" / "b").symlink_to("nowhere")
        with self.assertRaisesRegex(StorageError, "b is a link to another place"):
            self.arriving()
        self.assertEqual(self.tree(outside), {})

    @needs_posix
    def test_the_folder_that_the_user_chose_may_be_a_link(self) -> None:
        (self.folder / "real").mkdir()
        self.target.symlink_to(self.folder / "real")
        self.assertEqual(self.finished(), ("x.bin", False))
        self.assertEqual((self.folder / "real" / "a" / "b" / "x.bin").read_bytes(), DATA)

    @needs_posix
    def test_a_folder_that_became_a_link_while_it_arrived_leads_nobody_elsewhere(self) -> None:
        outside = self.folder / "outside" / "b"
        outside.mkdir(parents=True)
        (outside / "x.bin.lmkpart").write_bytes(b"victim")
        arriving = self.whole()
        (self.target / "a").rename(self.target / "moved")
        (self.target / "a").symlink_to(self.folder / "outside")
        self.assertFalse(arriving.is_in_place)
        with self.assertRaisesRegex(StorageError, "link to another place"):
            arriving.finish(FinalFile(Existing.REPLACE, 0), NEVER)
        with self.assertRaises(StorageError):
            arriving.discard()
        self.assertEqual(self.tree(outside), {"x.bin.lmkpart": b"victim"})

    def test_a_file_where_a_folder_must_be_is_a_sentence(self) -> None:
        self.target.mkdir()
        (self.target / "a").write_bytes(b"mine")
        with self.assertRaisesRegex(StorageError, "a is a file, but must be a folder"):
            self.arriving()
        with self.assertRaisesRegex(StorageError, "must be a folder"):
            self.arriving(self.target / "a")
        self.assertEqual(self.tree(self.target), {"a": b"mine"})

    def test_another_program_that_downloads_it_is_waited_for(self) -> None:
        process = self.process(HOLDER, str(self.target))
        self.assertEqual(self.line_of(process), "claimed\n")
        with self.assertRaisesRegex(StorageError, "Another LMKtorrent is downloading x.bin"):
            self.arriving()
        process.kill()
        process.wait()
        self.arriving()

    def test_a_source_that_is_still_open_holds_no_lock(self) -> None:
        arriving = self.whole()
        source = arriving.open_source()
        arriving.close()
        again = self.arriving()
        self.assertEqual(again.recheck(DIGESTS, NEVER), CONTENT.all_chunks)
        source.close()

    @needs_posix
    def test_a_second_name_of_a_whole_file_is_not_written_to(self) -> None:
        self.final.parent.mkdir(parents=True)
        self.final.write_bytes(DATA)
        os.link(self.final, self.part)
        arriving = self.arriving()
        arriving.write(0, memoryview(b"other"))
        self.assertEqual(self.final.read_bytes(), DATA)


class WriteTest(ArrivingFileTestCase):
    def test_writing_to_a_closed_one_is_a_sentence_and_hits_no_other_file(self) -> None:
        arriving = self.arriving()
        arriving.close()
        with (self.folder / "other").open("wb") as other:
            with self.assertRaisesRegex(StorageError, "cannot be written"):
                arriving.write(0, memoryview(b"late"))
            self.assertEqual(os.fstat(other.fileno()).st_size, 0)

    @needs_a_small_disk
    def test_a_full_disk_is_known_as_full_and_goes_on_when_there_is_room(self) -> None:
        disk = self.small_disk("1m")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(700_000))
        arriving = self.arriving(disk)
        view = memoryview(DATA)[: 3 * CHUNK]
        with self.assertRaisesRegex(DiskFullError, "is full. Free some space"):
            for start in range(0, len(view), CHUNK):
                arriving.write(start, view[start : start + CHUNK])
        ballast.unlink()
        have = arriving.recheck(DIGESTS, NEVER)
        self.assertEqual(have, 0b0001)
        arriving.write(CHUNK, view[CHUNK:])
        arriving.write(3 * CHUNK, memoryview(DATA)[3 * CHUNK :])
        result = arriving.finish(FinalFile(Existing.SKIP, 0), NEVER)
        assert result is not None
        self.assertEqual(result[0].read_bytes(), DATA)

    @needs_a_small_disk
    def test_a_disk_that_may_not_be_written_is_a_sentence_and_keeps_what_came(self) -> None:
        disk = self.small_disk("3m")
        arriving = ArrivingFile(disk, STORED, CONTENT)
        arriving.write(0, memoryview(DATA))
        arriving.close()
        self.make_read_only(disk)
        with self.assertRaisesRegex(StorageError, "Read-only file system"):
            self.arriving(disk)
        with self.assertRaisesRegex(StorageError, "Read-only file system"):
            ArrivingFile(disk, ("new", "x"), CONTENT)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        self.assertEqual(self.arriving(disk).recheck(DIGESTS, NEVER), CONTENT.all_chunks)


class FinishTest(ArrivingFileTestCase):
    def test_it_gets_its_name_its_time_and_nothing_else_is_left(self) -> None:
        self.assertEqual(
            self.whole().finish(FinalFile(Existing.SKIP, MTIME), NEVER), (self.final, False)
        )
        self.assert_tree(self.target, {"a": None, "a/b": None, "a/b/x.bin": DATA})
        self.assertEqual(self.final.stat().st_mtime, MTIME)

    def test_without_a_time_it_has_that_of_its_arrival(self) -> None:
        self.whole().finish(FinalFile(Existing.SKIP, None), NEVER)
        self.assertGreater(self.final.stat().st_mtime, MTIME)

    @needs_posix
    def test_the_executable_bit_is_set_for_those_whom_the_umask_lets_read(self) -> None:
        for umask, mode in ((0o022, 0o755), (0o027, 0o750), (0o077, 0o700)):
            with self.subTest(umask=oct(umask)):
                before = os.umask(umask)
                try:
                    self.whole().finish(
                        FinalFile(Existing.REPLACE, MTIME, is_executable=True), NEVER
                    )
                finally:
                    os.umask(before)
                self.assertEqual(stat.S_IMODE(self.final.stat().st_mode), mode)
                self.assertEqual(self.final.stat().st_mtime, MTIME)
        self.whole().finish(FinalFile(Existing.REPLACE, 0), NEVER)
        self.assertFalse(self.final.stat().st_mode & 0o111)

    def test_an_impossible_time_fails_no_file(self) -> None:
        self.assertIsNotNone(self.whole().finish(FinalFile(Existing.SKIP, 1 << 40), NEVER))
        self.assertIsNotNone(self.whole().finish(FinalFile(Existing.KEEP_BOTH, 1 << 80), NEVER))

    def test_an_empty_file_is_finished_at_once(self) -> None:
        empty = content_of(0, b"")
        arriving = self.arriving(content=empty)
        self.assertEqual(arriving.recheck(b"", NEVER), 0)
        arriving.finish(FinalFile(Existing.SKIP, MTIME), NEVER)
        self.assertEqual(self.final.read_bytes(), b"")

    def test_one_that_another_program_cut_short_is_not_finished(self) -> None:
        arriving = self.whole()
        os.truncate(self.part, 10)
        with self.assertRaisesRegex(StorageError, "Another program changed"):
            arriving.finish(FinalFile(Existing.SKIP, 0), NEVER)
        self.assertFalse(self.final.exists())

    @needs_posix
    def test_a_folder_that_is_gone_is_a_sentence(self) -> None:
        arriving = self.whole()
        (self.target / "a").rename(self.folder / "elsewhere")
        self.assertFalse(arriving.is_in_place)
        with self.assertRaisesRegex(StorageError, "cannot be written"):
            arriving.finish(FinalFile(Existing.SKIP, 0), NEVER)
        arriving.discard()

    def test_discarding_and_closing_may_be_done_twice(self) -> None:
        arriving = self.whole()
        arriving.close()
        arriving.close()
        self.assertTrue(self.part.exists())
        again = self.whole()
        again.discard()
        again.discard()
        self.assertFalse(self.part.exists())
        self.assertFalse(again.is_in_place)

    @needs_posix
    def test_where_only_closed_files_are_renamed_a_failed_rename_keeps_it_open(self) -> None:
        with (
            mock.patch.object(partial_file, "CLOSES_FIRST", True),
            mock.patch.object(arriving_file, "CLOSES_FIRST", True),
        ):
            arriving = self.whole()
            source = arriving.open_source()
            with (
                mock.patch.object(partial_file, "give_name", side_effect=PermissionError),
                self.assertRaisesRegex(StorageError, "No permission"),
            ):
                arriving.finish(FinalFile(Existing.SKIP, MTIME), NEVER)
            self.assertTrue(arriving.is_in_place)
            with self.assertRaisesRegex(StorageError, "Another LMKtorrent"):
                self.arriving()
            source.check()
            finished = arriving.finish(FinalFile(Existing.SKIP, MTIME), NEVER)
            self.assertEqual(finished, (self.final, False))
            self.assertEqual(self.final.stat().st_mtime, MTIME)
            source.check()
            self.arriving().discard()


class SourceTest(ArrivingFileTestCase):
    def sent(self, arriving: ArrivingFile, offset: int, length: int) -> bytes:
        link, reader = socket.socketpair()
        source = arriving.open_source()
        with over(link) as connection, reader:
            connection.limit(5)
            count = source.send(connection, offset, length)
            source.check()
            source.close()
            return reader.recv(count)

    def test_it_is_sent_while_it_arrives_and_afterwards(self) -> None:
        arriving = self.arriving()
        arriving.write(CHUNK, memoryview(DATA)[CHUNK : 2 * CHUNK])
        self.assertEqual(self.sent(arriving, CHUNK, 1000), DATA[CHUNK : CHUNK + 1000])
        arriving.write(0, memoryview(DATA))
        arriving.finish(FinalFile(Existing.SKIP, MTIME), NEVER)
        self.assertEqual(self.sent(arriving, 0, 1000), DATA[:1000])
        arriving.close()
        self.assertEqual(self.sent(arriving, 5, 1000), DATA[5:1005])

    def test_a_source_goes_on_over_the_end_of_the_download(self) -> None:
        for existing in (Existing.KEEP_BOTH, Existing.SKIP):  # renamed, and then found there
            with self.subTest(existing=existing):
                arriving = self.whole()
                source = arriving.open_source()
                self.addCleanup(source.close)
                source.check()
                arriving.finish(FinalFile(existing, MTIME), NEVER)
                source.check()
                self.assertEqual(self.sent(arriving, 7, 100), DATA[7:107])

    def test_a_file_that_is_changed_afterwards_is_sent_no_more(self) -> None:
        arriving = self.whole()
        source = arriving.open_source()
        self.addCleanup(source.close)
        arriving.finish(FinalFile(Existing.SKIP, MTIME), NEVER)
        with self.final.open("r+b") as file:
            file.write(b"mine")
        with self.assertRaises(FileChangedError):
            source.check()
        with self.assertRaises(FileChangedError):
            arriving.open_source()
        self.final.unlink()
        with self.assertRaises(FileChangedError):
            arriving.open_source()

    def test_what_was_discarded_or_closed_is_not_sent(self) -> None:
        arriving = self.whole()
        source = arriving.open_source()
        self.addCleanup(source.close)
        arriving.discard()
        with self.assertRaises(FileChangedError):
            source.check()
        with self.assertRaises(FileChangedError):
            arriving.open_source()
        other = self.whole()
        other.close()
        with self.assertRaises(FileChangedError):
            other.open_source()

    @unittest.skipUnless(sys.platform == "linux", "descriptors are counted in /proc")
    def test_no_descriptor_is_left_open(self) -> None:
        def count() -> int:
            return len(list(Path("/proc/self/fd").iterdir()))

        before = count()
        for existing in Existing:
            arriving = self.whole()
            arriving.open_source().close()
            arriving.finish(FinalFile(existing, 0), NEVER)
            arriving.open_source().close()
        self.whole().discard()
        (self.target / "f").touch()
        for _ in range(3):
            with self.assertRaises(StorageError):
                ArrivingFile(self.target, ("f", "x"), CONTENT)
        self.assertEqual(count(), before)
