"""Files of the profile: replaced whole, and what damage or a kill does to them."""

from __future__ import annotations

import json
import logging
import os
import stat
import unittest

from roles.base.state_file import read_state, write_whole
from roles.values.errors import StorageError
from tests.support import LmkTestCase


class StateFileTest(LmkTestCase):
    def test_what_was_written_is_read(self) -> None:
        path = self.folder / "a" / "state.json"
        write_whole(path, json.dumps([{"a": 1}]).encode())
        self.assertEqual(read_state(path), [{"a": 1}])

    def test_no_file_is_nothing_and_no_complaint(self) -> None:
        with self.assertNoLogs(level=logging.WARNING):
            self.assertIsNone(read_state(self.folder / "none"))

    def test_a_damaged_file_is_nothing_and_one_line_in_the_log(self) -> None:
        path = self.folder / "state.json"
        for content in (b"", b"{", b"\xff", b"[" * 100_000, b"[" + b"9" * 5000 + b"]", b"\0" * 9):
            with self.subTest(content=content[:9]):
                path.write_bytes(content)
                with self.assertLogs(level=logging.WARNING) as logs:
                    self.assertIsNone(read_state(path))
                self.assertEqual(len(logs.records), 1)

    def test_a_file_too_large_to_be_ours_is_not_read(self) -> None:
        path = self.folder / "state.json"
        path.touch()
        os.truncate(path, 65 * 1024 * 1024)
        with self.assertLogs(level=logging.WARNING) as logs:
            self.assertIsNone(read_state(path))
        self.assertIn("too large", logs.output[0])

    def test_a_folder_in_its_place_is_nothing(self) -> None:
        with self.assertLogs(level=logging.WARNING):
            self.assertIsNone(read_state(self.folder))


class WriteWholeTest(LmkTestCase):
    def test_the_old_file_is_replaced_whole_and_nothing_else_is_left(self) -> None:
        path = self.folder / "state.json"
        path.write_bytes(b"a much longer old content")
        write_whole(path, b"new")
        self.assertEqual(path.read_bytes(), b"new")
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["state.json"])

    def test_when_it_cannot_be_replaced_the_old_one_and_nothing_else_is_left(self) -> None:
        path = self.folder / "state.json"
        path.mkdir()
        (path / "inside").touch()
        with self.assertRaisesRegex(StorageError, "cannot be written"):
            write_whole(path, b"new")
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["state.json"])
        with self.assertRaises(StorageError):
            write_whole(path / "inside" / "x", b"new")

    @unittest.skipUnless(os.name == "posix", "permissions")
    def test_only_its_owner_may_read_it(self) -> None:
        path = self.folder / "state.json"
        write_whole(path, b"new")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
