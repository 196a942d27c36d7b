"""Reading files for their digests."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Sequence

from roles.sharing.folder_tree import TreeFile, scan_tree
from roles.sharing.hashing import FileReading, HashingThreads, Reading, SmallFilesReading
from roles.values.content import MIN_CHUNK_SIZE, chunk_size_for
from tests.support import NEVER, LmkTestCase, random_file


def chunk_digests(content: bytes) -> bytes:
    size = chunk_size_for(len(content))
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    return b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)


class HashingTest(LmkTestCase):
    def files(self, sizes: Sequence[int]) -> tuple[TreeFile, ...]:
        (self.folder / "sub").mkdir()
        for number, size in enumerate(sizes):
            random_file(self.folder / "sub" / f"{number:05}", size, number)
        return scan_tree(self.folder, NEVER).files

    def sparse(self, size: int) -> tuple[TreeFile, ...]:
        """One more file, of nothing, and those that are there."""
        (self.folder / "sparse").touch()
        os.truncate(self.folder / "sparse", size)
        return scan_tree(self.folder, NEVER).files

    def content(self, file: TreeFile) -> bytes:
        return (self.folder / file.path).read_bytes()

    def read(self, *readings: Reading, threads: int = 0) -> int:
        hashing = HashingThreads(self.folder, NEVER, threads)
        for reading in readings:
            hashing.add(reading)
        results = list(hashing.run())
        self.assertCountEqual([reading for reading, _, ended in results if ended], readings)
        return sum(size for _, size, _ in results)

    def test_a_file_of_any_size_has_the_digests_of_its_chunks(self) -> None:
        sizes = [1, MIN_CHUNK_SIZE - 1, MIN_CHUNK_SIZE, MIN_CHUNK_SIZE + 1, (33 << 20) + 5]
        files = self.files(sizes)
        readings = [FileReading(file) for file in files]
        self.assertEqual(self.read(*readings), sum(sizes))
        for file, reading in zip(files, readings, strict=True):
            self.assertEqual(reading.digests(), [chunk_digests(self.content(file))])

    def test_without_a_thread_left_it_reads_all_the_same(self) -> None:
        sizes = [10, MIN_CHUNK_SIZE + 1, (17 << 20) + 5]
        readings = [FileReading(file) for file in self.files(sizes)]
        before = threading.stack_size(1 << 46)  # more than there is, so no thread can start
        try:
            self.assertEqual(self.read(*readings), sum(sizes))
        finally:
            threading.stack_size(before)
        for reading in readings:
            content = self.content(reading.files[0])
            self.assertEqual(reading.digests(), [chunk_digests(content)])

    def test_chunks_larger_than_what_is_read_at_once(self) -> None:
        with (self.folder / "sparse").open("wb") as opened:
            opened.seek(1 << 30)
            opened.write(b"end")
        reading = FileReading(scan_tree(self.folder, NEVER).files[0])
        self.read(reading)
        size = chunk_size_for((1 << 30) + 3)
        self.assertEqual(size, 2 << 20)
        zero, end = (hashlib.sha256(chunk).digest() for chunk in (bytes(size), b"end"))
        self.assertEqual(reading.digests(), [zero * 512 + end])

    def test_small_files_joined_have_their_own_digests_and_those_of_all_as_one(self) -> None:
        source = random.Random(4)
        for sizes in (
            [10, 20],
            [MIN_CHUNK_SIZE - 1] * 40,
            [MIN_CHUNK_SIZE // 2] * 32,
            [1] * 1_100,
            [source.randrange(1, MIN_CHUNK_SIZE) for _ in range(100)],
        ):
            with self.subTest(sizes=sizes[:3]):
                self.folder = self.folder / "one more"
                self.folder.mkdir()
                files = self.files(sizes)
                reading = SmallFilesReading(files, is_joined=True)
                self.assertEqual(self.read(reading), sum(sizes))
                contents = [self.content(file) for file in files]
                self.assertEqual(
                    reading.digests(), [hashlib.sha256(content).digest() for content in contents]
                )
                self.assertEqual(reading.joined_digests(), chunk_digests(b"".join(contents)))

    def test_what_is_not_as_it_was_scanned_has_no_digest_and_spoils_only_the_join(self) -> None:
        files = self.files([1_000, 2_000, 3_000, 4_000])
        (self.folder / files[1].path).write_bytes(b"another")
        (self.folder / files[2].path).unlink()
        reading = SmallFilesReading(files, is_joined=True)
        self.read(reading)
        self.assertEqual(
            [digest is None for digest in reading.digests()], [False, True, True, False]
        )
        self.assertIsNone(reading.joined_digests())

    def test_a_large_file_that_changes_while_it_is_read_has_no_digests(self) -> None:
        (file,) = self.sparse(64 << 20)
        reading = FileReading(file)
        hashing = HashingThreads(self.folder, NEVER, 1)
        hashing.add(reading)
        for index, _ in enumerate(hashing.run()):
            if index == 0:
                os.utime(self.folder / file.path, ns=(1, 1))
        self.assertEqual(reading.digests(), [None])

    def test_a_shorter_file_has_no_digests(self) -> None:
        (file,) = self.files([1 << 20])
        os.truncate(self.folder / file.path, 1_000)
        for reading in (FileReading(file), SmallFilesReading([file], is_joined=False)):
            self.read(reading)
            self.assertEqual(reading.digests(), [None])

    def test_an_empty_reading_ends(self) -> None:
        (file,) = self.files([0])
        reading = FileReading(file)
        self.assertEqual(self.read(reading), 0)
        self.assertEqual(reading.digests(), [b""])

    def test_a_small_reading_overtakes_a_large_one(self) -> None:
        self.files([1_000])
        large, small = self.sparse(200 << 20)
        hashing = HashingThreads(self.folder, NEVER, 1)
        first, second = FileReading(large), FileReading(small)
        hashing.add(first)
        ended = list[Reading]()
        for index, (reading, _, has_ended) in enumerate(hashing.run()):
            if index == 0:
                hashing.add(second)
            if has_ended:
                ended.append(reading)
        self.assertEqual(ended, [second, first])

    def test_it_ends_soon_when_it_should(self) -> None:
        (file,) = self.sparse(1 << 40)  # an hour's work
        stop = threading.Event()
        hashing = HashingThreads(self.folder, stop)
        hashing.add(FileReading(file))
        parts = 0
        for _ in hashing.run():
            stop.set()
            parts += 1
        self.assertLess(parts, 100)

    def test_a_reader_that_loses_interest_leaves_no_thread(self) -> None:
        (file,) = self.files([40 << 20])
        hashing = HashingThreads(self.folder, NEVER)
        hashing.add(FileReading(file))
        running = hashing.run()
        next(running)
        running.close()
        names = [thread.name for thread in threading.enumerate()]
        self.assertFalse([name for name in names if name.startswith("lmk-hash")])
