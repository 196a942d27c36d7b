"""Zeros become holes where a file arrives, and nothing else does."""

from __future__ import annotations

import os
import random
from pathlib import Path

from roles.disk.arriving_file import ArrivingFile
from roles.disk.partial_file import FinalFile, PartialFile
from roles.disk.sparse_file import BLOCK, bytes_on_disk, spans
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.settings import Existing
from tests.disks import DiskTestCase, described, some_bytes
from tests.last_steps import LocalDownload
from tests.support import NEVER, LmkTestCase, calls_made

ZEROS = bytes(MIN_CHUNK_SIZE)


class SpansTest(LmkTestCase):
    def spans_of(self, piece: bytes) -> list[tuple[bool, bytes]]:
        return [(is_zero, bytes(span)) for is_zero, span in spans(memoryview(piece))]

    def test_zero_blocks_are_told_apart_from_the_rest(self) -> None:
        data, zeros = some_bytes(BLOCK), bytes(BLOCK)
        for piece, expected in (
            (data, [(False, data)]),
            (zeros, [(True, zeros)]),
            (zeros * 9, [(True, zeros * 9)]),
            (data + zeros, [(False, data), (True, zeros)]),
            (zeros + data + zeros, [(True, zeros), (False, data), (True, zeros)]),
            (data + zeros * 2 + data, [(False, data), (True, zeros * 2), (False, data)]),
            (zeros + b"\0\0", [(True, zeros + b"\0\0")]),
            (zeros[:-1] + b"x", [(False, zeros[:-1] + b"x")]),
            (b"x" + zeros + b"y", [(False, b"x" + zeros + b"y")]),  # they fill no whole block
            (b"x" + zeros, [(False, b"x" + zeros[1:]), (True, b"\0")]),
            (b"", []),
        ):
            with self.subTest(length=len(piece)):
                self.assertEqual(self.spans_of(piece), expected)

    def test_nothing_is_lost_and_no_byte_is_taken_for_a_zero(self) -> None:
        source = random.Random(7)
        parts = [bytes(BLOCK), bytes(BLOCK - 1) + b"x", b"\0", b"y" * 100, source.randbytes(BLOCK)]
        for _ in range(300):
            piece = b"".join(source.choices(parts, k=source.randrange(15)))
            found = self.spans_of(piece)
            self.assertEqual(b"".join(run for _, run in found), piece)
            self.assertFalse(any(any(run) for is_zero, run in found if is_zero))

    def test_ordinary_data_costs_a_few_calls_however_long_it_is(self) -> None:
        chunk = memoryview(b"\xff" * (4 << 20))
        self.assertLess(calls_made(lambda: list(spans(chunk))), 20)


class HolesTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        probe = self.folder / "probe"
        with probe.open("wb") as file:
            file.truncate(1 << 20)
        if bytes_on_disk(probe) or not hasattr(os, "SEEK_DATA"):
            self.skipTest("no holes on this disk")
        probe.unlink()

    def arrived(self, data: bytes, order: list[int] | None = None) -> Path:
        content, _ = described(data)
        file = ArrivingFile(self.folder, ("a",), content)
        self.addCleanup(file.close)
        for index in order if order is not None else range(content.count):
            start = index * MIN_CHUNK_SIZE
            file.write(start, memoryview(data)[start : start + content.length(index)])
        finished = file.finish(FinalFile(Existing.REPLACE, 0), NEVER)
        assert finished is not None
        return finished[0]

    def test_zeros_take_no_room_wherever_they_are_and_whenever_they_come(self) -> None:
        data = some_bytes(MIN_CHUNK_SIZE)
        for content in (
            ZEROS * 4,
            data + ZEROS * 3,
            ZEROS * 3 + data,
            ZEROS + data[:BLOCK] + ZEROS * 2 + data[:10],
        ):
            for is_backwards in (False, True):
                with self.subTest(content=len(content), is_backwards=is_backwards):
                    count = described(content)[0].count
                    order = list(range(count))[:: -1 if is_backwards else 1]
                    path = self.arrived(content, order)
                    self.assertEqual(path.read_bytes(), content)
                    used = sum(
                        any(content[at : at + BLOCK]) for at in range(0, len(content), BLOCK)
                    )
                    self.assertLessEqual(bytes_on_disk(path), (used + 2) * BLOCK)

    def test_zeros_replace_what_an_earlier_run_left_there(self) -> None:
        data = some_bytes(MIN_CHUNK_SIZE) + ZEROS * 2
        (self.folder / "a.lmkpart").write_bytes(some_bytes(len(data), 2))
        self.assertEqual(self.arrived(data).read_bytes(), data)

    def test_zeros_that_came_before_the_end_are_known_after_a_restart(self) -> None:
        data = some_bytes(MIN_CHUNK_SIZE) + ZEROS * 3
        content, digests = described(data)
        file = ArrivingFile(self.folder, ("a",), content)
        for index in (1, 3):
            file.write(index * MIN_CHUNK_SIZE, memoryview(ZEROS))
        file.close()
        file = ArrivingFile(self.folder, ("a",), content)
        self.addCleanup(file.close)
        self.assertEqual(file.recheck(digests, NEVER), 0b1110)

    def test_what_is_given_on_from_a_hole_is_zeros(self) -> None:
        content, _ = described(ZEROS * 2)
        file = ArrivingFile(self.folder, ("a",), content)
        self.addCleanup(file.close)
        file.write(MIN_CHUNK_SIZE, memoryview(ZEROS))
        self.assertEqual(file.read(MIN_CHUNK_SIZE, MIN_CHUNK_SIZE), ZEROS)

    def test_members_of_packs_have_holes_too(self) -> None:
        files = {"d/a": bytes(200_000), "d/b": some_bytes(1000), "d/c": ZEROS[:-1]}
        self.assertIsNone(LocalDownload(files, {}, [[*files]]).run(self.folder))
        for path, data in files.items():
            self.assertEqual((self.folder / path).read_bytes(), data)
        used = sum(bytes_on_disk(self.folder / path) for path in files)
        self.assertLessEqual(used, 2 * BLOCK)

    def test_files_of_originals_have_holes_too(self) -> None:
        partial = PartialFile(self.folder, ("a",), can_be_checked=False)
        for offset in range(0, 100 * 5_120, 10 * 5_120):
            partial.write(offset, memoryview(bytes(10 * 5_120)))
        self.assertIsNotNone(partial.finish(FinalFile(Existing.SKIP), NEVER))
        path = self.folder / "a"
        self.assertEqual(path.read_bytes(), bytes(100 * 5_120))
        self.assertLessEqual(bytes_on_disk(path), BLOCK)
