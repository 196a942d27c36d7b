"""The record of downloads under way: what was written is read, and nothing else ends a start."""

from __future__ import annotations

import json
import os
import random
import unittest
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from roles.disk.download_record import (
    MAX_DOWNLOADS,
    RECORD_NAME,
    DownloadRecord,
    RecordedDownload,
    decode_download,
    encode_download,
)
from roles.values.errors import StorageError
from roles.values.settings import Existing
from tests.support import LmkTestCase

ROOT = Path(Path.cwd().anchor)
ONE = RecordedDownload(
    tracker="192.0.2.7",
    folder=ROOT / "home" / "x" / "Übungen",
    key="folder:notes/“a”",
    title="notes",
    existing=Existing.KEEP_BOTH,
    shares=("00112233445566aa", "lmk1001122334455"),
    is_paused=True,
    home="lesson (2)",
    first=("b", "slides/"),
)
TWO = RecordedDownload("", ROOT / "tmp", "share:00", "All", Existing.SKIP)


def load_record(folder: Path) -> tuple[RecordedDownload, ...]:
    return DownloadRecord(folder).load()


def save_record(folder: Path, downloads: Iterable[RecordedDownload]) -> None:
    DownloadRecord(folder).save(downloads)


class DownloadRecordTest(LmkTestCase):
    def damaged(self, content: bytes) -> None:
        (self.folder / RECORD_NAME).write_bytes(content)
        with self.assertLogs(level="WARNING"):
            self.assertEqual(load_record(self.folder), ())

    def saved(self, *downloads: RecordedDownload) -> bytes:
        save_record(self.folder, downloads)
        return (self.folder / RECORD_NAME).read_bytes()

    def test_what_is_saved_is_loaded(self) -> None:
        for downloads in ((), (ONE,), (ONE, TWO)):
            save_record(self.folder / "new", downloads)
            self.assertEqual(load_record(self.folder / "new"), downloads)
        left = [path.name for path in (self.folder / "new").iterdir()]
        self.assertEqual(left, [RECORD_NAME])

    def test_without_a_record_there_are_none_and_nothing_is_logged(self) -> None:
        with self.assertNoLogs(level="WARNING"):
            self.assertEqual(load_record(self.folder), ())
            self.assertEqual(load_record(self.folder / "missing"), ())

    @unittest.skipUnless(os.name == "posix", "names are bytes")
    def test_a_folder_whose_name_is_no_utf_8_is_kept(self) -> None:
        odd = replace(ONE, folder=Path(os.fsdecode(b"/tmp/\xff")))
        save_record(self.folder, [odd])
        self.assertEqual(load_record(self.folder), (odd,))

    def test_one_of_an_earlier_version_goes_straight_to_the_target_folder(self) -> None:
        row = encode_download(ONE)
        del row["home"], row["first"]
        self.assertEqual(decode_download(row), replace(ONE, home="", first=()))

    def test_an_impossible_order_of_files_is_damage(self) -> None:
        for first in ("a", [1], ["x" * 9_000], ["x"] * 1_001, None):
            with self.subTest(first=first):
                self.assertIsNone(decode_download({**encode_download(ONE), "first": first}))

    def test_a_folder_that_leads_elsewhere_is_damage(self) -> None:
        for home in ("..", "a/b", "/etc", 5, None, "x.lmkpart"):
            with self.subTest(home=home):
                self.assertIsNone(decode_download({**encode_download(ONE), "home": home}))

    def test_the_text_is_ascii(self) -> None:
        self.assertTrue(self.saved(ONE).isascii())

    def test_a_damaged_one_is_none(self) -> None:
        whole = self.saved(ONE, TWO)
        for content in (
            b"",
            bytes(500),
            whole[:-20],
            b"\xff" + whole,
            b"[" * 100_000,
            b"null1",
            b"9" * 10_000,
        ):
            with self.subTest(content=content[:20]):
                self.damaged(content)

    def test_one_of_a_later_version_or_another_program_is_none(self) -> None:
        values: list[object] = [[], {}, 7, {"lmk": 2, "downloads": []}, {"lmk": 1, "downloads": {}}]
        for value in values:
            with self.subTest(value=value):
                self.damaged(json.dumps(value).encode())

    def test_what_can_be_read_of_a_damaged_one_is_taken_and_all_of_it_is_kept(self) -> None:
        record = json.loads(self.saved(ONE, TWO))
        record["downloads"].insert(1, {**record["downloads"][0], "existing": "ask"})
        text = json.dumps(record).encode()
        (self.folder / RECORD_NAME).write_bytes(text)
        file = DownloadRecord(self.folder)
        with self.assertLogs(level="WARNING"):
            self.assertEqual(file.load(), (ONE, TWO))
        self.assertIn("downloads.json.damaged", file.notice)
        file.save([ONE])
        self.assertEqual((self.folder / "downloads.json.damaged").read_bytes(), text)

    def test_a_newer_one_is_kept_under_another_name(self) -> None:
        text = b'{"lmk": 2, "downloads": [], "rooms": [1]}'
        (self.folder / RECORD_NAME).write_bytes(text)
        file = DownloadRecord(self.folder)
        with self.assertLogs(level="WARNING"):
            self.assertEqual(file.load(), ())
        self.assertIn("is of version 2. It is kept as downloads.json.newer", file.notice)
        file.save([ONE])
        self.assertEqual((self.folder / "downloads.json.newer").read_bytes(), text)
        self.assertEqual(load_record(self.folder), (ONE,))

    def test_every_impossible_field_is_refused(self) -> None:
        good = encode_download(ONE)
        wrong: dict[str, list[object]] = {
            "tracker": [None, 1, "x" * 10_000],
            "folder": ["", "relative", 1, None, str(ROOT) + "\0"],
            "key": [None, []],
            "title": [{}],
            "existing": ["ask", None, 0],
            "shares": [None, "abc", [1], ["x"] * 9],
            "paused": [0, "no", None],
        }
        for field, values in wrong.items():
            for value in values:
                with self.subTest(field=field, value=value):
                    self.assertIsNone(decode_download({**good, field: value}))
            with self.subTest(missing=field):
                row = {name: kept for name, kept in good.items() if name != field}
                self.assertIsNone(decode_download(row))

    def test_no_more_are_taken_than_anybody_asks_for(self) -> None:
        self.saved(*[ONE] * (MAX_DOWNLOADS + 1))
        self.assertEqual(len(load_record(self.folder)), MAX_DOWNLOADS)

    def test_flipped_bits_never_end_the_start(self) -> None:
        whole, dice = self.saved(ONE, TWO), random.Random(7)
        with self.assertLogs(level="WARNING"):
            for _ in range(300):
                damaged = bytearray(whole)
                damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
                (self.folder / RECORD_NAME).write_bytes(damaged)
                for download in load_record(self.folder):
                    self.assertTrue(download.folder.is_absolute())
                    self.assertTrue(download.title.isprintable())

    @unittest.skipUnless(os.name == "posix", "pipes")
    def test_a_folder_or_a_pipe_of_that_name_is_not_waited_for(self) -> None:
        for make in (os.mkfifo, os.mkdir):
            make(self.folder / RECORD_NAME)
            with self.assertLogs(level="WARNING"):
                self.assertEqual(load_record(self.folder), ())
            (os.unlink if make is os.mkfifo else os.rmdir)(self.folder / RECORD_NAME)

    def test_a_folder_that_cannot_be_made_is_a_sentence(self) -> None:
        (self.folder / "file").touch()
        with self.assertRaisesRegex(StorageError, "cannot be written"):
            save_record(self.folder / "file" / "below", [ONE])
