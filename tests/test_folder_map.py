"""The bar of a whole folder, made of the bitmaps of its files."""

from __future__ import annotations

import unittest

from roles.downloads.folder_map import PARTS, ContentPieces, FolderMap
from roles.downloads.wanted import WantedFile, WantedPack
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.list_lines import FileLine
from roles.values.watched import ALL_HERE, NOT_KNOWN

CHUNK = MIN_CHUNK_SIZE


def line(path: str, size: int) -> FileLine:
    content = Content(path.encode().ljust(32, b"."), size, CHUNK)
    return FileLine(path, size, content)


def wanted(file: FileLine, offset: int = 0) -> WantedFile:
    assert file.content is not None
    return WantedFile(file.path, (file.path,), file.content, offset=offset)


class FolderMapTest(unittest.TestCase):
    def setUp(self) -> None:
        self.files = [line("a", 1 * CHUNK), line("b/big", 8 * CHUNK), line("c", 1 * CHUNK)]
        self.paths = {file.path for file in self.files}

    def map_of(self, below: str = "", missing: set[str] | None = None) -> FolderMap:
        return FolderMap(self.files, below, self.paths if missing is None else missing)

    def test_nothing_is_here_at_first_and_nobody_is_known_to_have_it(self) -> None:
        found = self.map_of().pieces(())
        self.assertEqual((len(found.have), set(found.have)), (PARTS, {0}))
        self.assertEqual(set(found.holders), {NOT_KNOWN})
        self.assertEqual((found.chunks_here, found.chunks, found.coming), (0, 10, 0))

    def test_files_stand_one_after_another_by_path_with_their_share_of_the_bar(self) -> None:
        found = self.map_of(missing={"b/big"}).pieces(())
        self.assertEqual(found.have, bytes([255] * 100 + [0] * 800 + [255] * 100))
        self.assertEqual(found.chunks_here, 2)

    def test_what_ends_is_here_from_then_on_and_counts_once(self) -> None:
        folder = self.map_of()
        for _ in range(2):
            folder.has("c")
            folder.has("not one of it")
        self.assertEqual(folder.pieces(()).have[-100:], bytes([255] * 100))
        self.assertEqual(folder.pieces(()).chunks_here, 1)

    def test_a_file_on_its_way_shows_its_chunks_and_how_many_have_each(self) -> None:
        file = wanted(self.files[1])
        held = (0xFF, 0x0F, 0x00)
        found = self.map_of().pieces([ContentPieces(file, 0b11, 0b100, held)])
        self.assertEqual(found.have[:400], bytes([0] * 100 + [255] * 200 + [0] * 100))
        self.assertEqual(found.coming, ((1 << 100) - 1) << 300)
        self.assertEqual(set(found.holders[100:500]), {2})
        self.assertEqual(set(found.holders[500:900]), {1})
        self.assertEqual(found.chunks_here, 2)

    def test_who_has_it_stays_known_when_the_file_has_come(self) -> None:
        folder = self.map_of()
        folder.pieces([ContentPieces(wanted(self.files[1]), 0, 0, (0xFF,) * 3)])
        folder.has("b/big")
        found = folder.pieces(())
        self.assertEqual(set(found.holders[100:900]), {3})
        self.assertEqual(set(found.have[100:900]), {ALL_HERE})

    def test_only_a_part_of_the_folder_may_be_meant(self) -> None:
        found = self.map_of("b/").pieces([ContentPieces(wanted(self.files[0]), 1, 0, ())])
        self.assertEqual((found.chunks_here, found.chunks), (0, 8))

    def test_more_files_than_parts_and_a_part_is_here_when_all_of_its_files_are(self) -> None:
        names = [f"{number:05}" for number in range(3_000)]
        files = [line(name, 10) for name in names]
        folder = FolderMap(files, "", set(names))
        folder.has("00000")
        self.assertEqual(folder.pieces(()).have[0], 255 // 3)
        for name in names:
            folder.has(name)
        self.assertEqual(set(folder.pieces(()).have), {255})

    def test_fewer_bytes_than_parts_and_empty_files(self) -> None:
        folder = FolderMap([line("a", 3), line("b", 0), line("c", 4)], "", {"a", "b", "c"})
        folder.has("b")
        folder.has("c")
        self.assertEqual(folder.pieces(()).have, bytes([0, 0, 0, 255, 255, 255, 255]))
        self.assertEqual(FolderMap([line("b", 0)], "", set()).pieces(()).have, b"")

    def test_small_files_that_come_in_a_pack_are_on_their_way(self) -> None:
        files = [line(name, 1_000) for name in "abcd"]
        pack = WantedPack(
            Content(bytes(32), 4_000, CHUNK),
            tuple(wanted(file, number * 1_000) for number, file in enumerate(files)),
        )
        folder = FolderMap(files, "", set("abcd"))
        found = folder.pieces([ContentPieces(pack, 0, 1, ())])
        self.assertEqual(found.coming.bit_count(), PARTS)

    def test_the_edges_of_the_parts_leave_no_byte_out(self) -> None:
        for size in (999, 1_000, 1_001, 7 * CHUNK + 13):
            with self.subTest(size=size):
                folder = FolderMap([line("a", size)], "", {"a"})
                folder.has("a")
                self.assertEqual(sum(folder._have), size)
                self.assertEqual(set(folder.pieces(()).have), {255})
