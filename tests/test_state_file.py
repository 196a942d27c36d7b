"""Files of the profile: replaced whole, and what damage or a kill does to them."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import sys
import threading
import unittest
from unittest import mock

from roles.disk import state_file
from roles.disk.state_file import StateFile, write_whole
from roles.values.errors import StorageError
from tests.support import LIMIT_S, LmkTestCase


class StateFileTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "a" / "state.json"
        self.path.parent.mkdir()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())

    def test_what_was_written_is_read(self) -> None:
        self.path.parent.rmdir()
        file = StateFile(self.path)
        file.write(json.dumps([{"a": 1}]).encode())
        self.assertEqual(file.read(), [{"a": 1}])
        self.assertEqual(file.notice, "")

    def test_no_file_is_nothing_and_no_complaint(self) -> None:
        with self.assertNoLogs(level=logging.WARNING):
            file = StateFile(self.path)
            self.assertIsNone(file.read())
        self.assertEqual((file.notice, self.names()), ("", []))

    def test_a_damaged_file_is_nothing_is_said_and_is_kept_before_it_is_written_over(self) -> None:
        for content in (
            *(b"{", b"\xff", b"[" * 100_000, b"[" + b"9" * 5000 + b"]", b"\0" * 9),
            *(b"null", b'{"a": 1, "a": 2}', b"\xff\xfe{"),
        ):
            with self.subTest(content=content[:9]):
                self.path.write_bytes(content)
                file = StateFile(self.path)
                with self.assertLogs(level=logging.WARNING) as logs:
                    self.assertIsNone(file.read())
                self.assertEqual(len(logs.records), 1)
                self.assertRegex(file.notice, "is damaged .* is kept as state.json.damaged")
                file.write(b"[]")
                kept = self.path.with_name("state.json.damaged")
                self.assertEqual(kept.read_bytes(), content)
                kept.unlink()

    def test_an_empty_one_is_said_and_there_is_nothing_to_keep(self) -> None:
        self.path.touch()
        file = StateFile(self.path)
        with self.assertLogs(level=logging.WARNING):
            self.assertIsNone(file.read())
        self.assertIn("is empty", file.notice)
        self.assertEqual(self.names(), ["state.json"])
        file.write(b"[]")

    def test_what_is_newer_is_kept_under_a_name_that_says_so(self) -> None:
        self.path.write_bytes(b'{"version": 9}')
        file = StateFile(self.path)
        self.assertIsNotNone(file.read())
        with self.assertLogs(level=logging.WARNING):
            file.keep_aside("is of version 9", is_newer=True)
        self.assertIn("is of version 9. It is kept as state.json.newer", file.notice)
        file.write(b"{}")
        self.assertEqual(self.path.with_name("state.json.newer").read_bytes(), b'{"version": 9}')

    def test_a_file_too_large_to_be_ours_is_neither_read_nor_written_over(self) -> None:
        self.path.touch()
        os.truncate(self.path, 65 * 1024 * 1024)
        file = StateFile(self.path)
        with self.assertLogs(level=logging.WARNING) as logs:
            self.assertIsNone(file.read())
        self.assertIn("too large", logs.output[0])
        with self.assertRaisesRegex(StorageError, "too large"):
            file.write(b"[]")
        self.assertEqual(self.path.stat().st_size, 65 * 1024 * 1024)

    def test_a_folder_in_its_place_is_nothing(self) -> None:
        with self.assertLogs(level=logging.WARNING):
            self.assertIsNone(StateFile(self.folder).read())


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

    @unittest.skipUnless(os.name == "posix", "permissions")
    def test_others_who_may_read_it_may_do_so_afterwards(self) -> None:
        path = self.folder / "state.json"
        path.write_bytes(b"old")
        path.chmod(0o644)
        write_whole(path, b"new")
        self.assertEqual(path.read_bytes(), b"new")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o644)
        StateFile(path, is_secret=True).write(b"code")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_one_that_is_marked_read_only_stays_as_it_is(self) -> None:
        path = self.folder / "state.json"
        path.write_bytes(b"old")
        path.chmod(0o444)
        self.addCleanup(path.chmod, 0o644)  # else Windows could not remove it
        with self.assertRaisesRegex(StorageError, "state.json cannot be written .*read-only"):
            write_whole(path, b"new")
        self.assertEqual(path.read_bytes(), b"old")
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["state.json"])

    @unittest.skipUnless(os.name == "posix", "links")
    def test_a_link_stays_a_link(self) -> None:
        there, path = self.folder / "there", self.folder / "state.json"
        there.write_bytes(b"old")
        path.symlink_to(there)
        write_whole(path, b"new")
        self.assertTrue(path.is_symlink())
        self.assertEqual(there.read_bytes(), b"new")

    @unittest.skipUnless(sys.platform == "linux", "descriptors are counted in /proc")
    def test_a_temporary_file_that_cannot_be_emptied_is_closed(self) -> None:
        path = self.folder / "state.json"
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a count, no paths
        refused = OSError(errno.EIO, "Input/output error")
        with mock.patch("os.ftruncate", side_effect=refused):
            write_whole(path, b"new")
        self.assertEqual(path.read_bytes(), b"new")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)  # noqa: PTH208

    def test_two_that_write_at_once_leave_one_whole_file_and_nothing_else(self) -> None:
        path = self.folder / "state.json"
        contents = [bytes([number]) * 50_000 for number in range(8)]

        def write(content: bytes) -> None:
            for _ in range(10):
                write_whole(path, content, is_synced=False)

        threads = [
            threading.Thread(target=write, args=(content,), name="lmk-w") for content in contents
        ]
        with mock.patch.object(state_file, "_PATIENCE_S", LIMIT_S):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertIn(path.read_bytes(), contents)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["state.json"])
