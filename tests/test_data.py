"""The files that come with the program, to try it with: data/."""

from __future__ import annotations

import csv
import struct
import unicodedata
import unittest
import wave
import zlib
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
NAMES = {
    "empty.txt",
    "many-chunks.bin",
    "read me first.txt",
    "swarm.png",
    "table.csv",
    "tone.wav",
    "Überraschung – été.txt",
}
MAX_TOTAL_BYTES = 400_000  # a checkout stays small
LMK1_CHUNK_BYTES = 5_120  # written out, for these files were made to fit this number


class DataTest(unittest.TestCase):
    def test_the_folder_holds_these_files_and_no_others(self) -> None:
        found = {unicodedata.normalize("NFC", path.name) for path in DATA.iterdir()}
        self.assertEqual(found, NAMES)

    def test_one_name_has_letters_outside_ascii_each_as_one_code_point(self) -> None:
        name = next(path.name for path in DATA.glob("*berraschung*"))
        self.assertFalse(name.isascii())
        self.assertEqual(name, unicodedata.normalize("NFC", name))

    def test_all_together_are_small(self) -> None:
        total = sum(path.stat().st_size for path in DATA.iterdir())
        self.assertLess(total, MAX_TOTAL_BYTES)

    def test_one_file_is_empty(self) -> None:
        self.assertEqual((DATA / "empty.txt").read_bytes(), b"")

    def test_one_file_has_40_chunks_the_last_of_them_short(self) -> None:
        whole, rest = divmod((DATA / "many-chunks.bin").stat().st_size, LMK1_CHUNK_BYTES)
        self.assertEqual(whole, 39)
        self.assertGreater(rest, 0)

    def test_no_two_chunks_of_that_file_are_equal(self) -> None:
        content = (DATA / "many-chunks.bin").read_bytes()
        starts = range(0, len(content), LMK1_CHUNK_BYTES)
        chunks = {content[start : start + LMK1_CHUNK_BYTES] for start in starts}
        self.assertEqual(len(chunks), len(starts))

    def test_the_texts_are_utf_8_and_the_first_one_names_every_file(self) -> None:
        texts = {path.name: path.read_text(encoding="utf-8") for path in DATA.glob("*.txt")}
        for name in NAMES:
            with self.subTest(name=name):
                self.assertIn(name, texts["read me first.txt"])

    def test_the_picture_is_a_whole_png(self) -> None:
        content = (DATA / "swarm.png").read_bytes()
        self.assertEqual(content[:8], b"\x89PNG\r\n\x1a\n")
        kinds, bodies, place = [], {}, 8
        while place < len(content):
            (length,) = struct.unpack_from(">I", content, place)
            kind = content[place + 4 : place + 8]
            bodies[kind] = content[place + 8 : place + 8 + length]
            (checksum,) = struct.unpack_from(">I", content, place + 8 + length)
            self.assertEqual(checksum, zlib.crc32(kind + bodies[kind]))
            kinds.append(kind)
            place += 12 + length
        self.assertEqual(kinds, [b"IHDR", b"IDAT", b"IEND"])
        width, height = struct.unpack_from(">II", bodies[b"IHDR"])
        self.assertEqual(len(zlib.decompress(bodies[b"IDAT"])), height * (1 + 3 * width))

    def test_the_sound_is_16_bit_mono_and_neither_silent_nor_clipped(self) -> None:
        with wave.open(str(DATA / "tone.wav"), "rb") as sound:
            self.assertEqual((sound.getnchannels(), sound.getsampwidth()), (1, 2))
            frames = sound.readframes(sound.getnframes())
        loudest = max(abs(sample) for (sample,) in struct.iter_unpack("<h", frames))
        self.assertTrue(10_000 < loudest < 32_000, loudest)

    def test_each_row_of_the_table_fills_each_column(self) -> None:
        with (DATA / "table.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        self.assertGreater(len(rows), 5)
        for row in rows:
            with self.subTest(row=row):
                self.assertEqual(len(row), len(header))
                self.assertTrue(all(row))
