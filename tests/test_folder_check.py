"""Trying whether a folder can be written."""

from __future__ import annotations

import errno
import os
import unittest
from pathlib import Path
from unittest import mock

from roles.disk.folder_check import free_space_for, try_folder
from roles.values.errors import DiskFullError, StorageError
from tests.support import LmkTestCase


class FolderCheckTest(LmkTestCase):
    def left(self) -> list[str]:
        return [path.name for path in self.folder.rglob("*")]

    def test_a_folder_that_can_be_written_is_left_as_it_was(self) -> None:
        self.assertLess(abs(try_folder(self.folder)), 60.0)
        self.assertEqual(self.left(), [])

    def test_a_folder_that_does_not_exist_is_not_created(self) -> None:
        try_folder(self.folder / "Downloads" / "LMKtorrent")
        self.assertGreater(free_space_for(self.folder / "Downloads" / "LMKtorrent"), 0)
        self.assertEqual(self.left(), [])

    @unittest.skipUnless(os.name == "posix", "names of up to 255 bytes")
    def test_a_name_that_no_folder_can_have_fails(self) -> None:
        with self.assertRaisesRegex(StorageError, "cannot be written .File name too long"):
            try_folder(self.folder / ("x" * 300))
        self.assertEqual(self.left(), [])

    def test_a_file_in_its_place_is_named(self) -> None:
        (self.folder / "lessons").write_bytes(b"")
        with self.assertRaisesRegex(StorageError, "lessons is a file"):
            try_folder(self.folder / "lessons" / "today")

    @unittest.skipUnless(hasattr(os, "geteuid") and os.geteuid() != 0, "root may write anywhere")
    def test_a_folder_without_permission_fails(self) -> None:
        self.folder.chmod(0o500)
        self.addCleanup(self.folder.chmod, 0o700)
        with self.assertRaisesRegex(StorageError, "No permission"):
            try_folder(self.folder)

    def test_a_full_disk_fails_and_nothing_stays(self) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        with (
            mock.patch("roles.disk.disk_calls.sync", side_effect=full),
            self.assertRaises(DiskFullError),
        ):
            try_folder(self.folder)
        self.assertEqual(self.left(), [])

    def test_a_disk_that_refuses_the_folder_fails(self) -> None:
        refused = PermissionError(errno.EACCES, "Permission denied")
        with (
            mock.patch.object(Path, "mkdir", side_effect=refused),
            self.assertRaisesRegex(StorageError, "No permission to write"),
        ):
            try_folder(self.folder)

    def test_the_clock_of_the_disk_is_compared(self) -> None:
        with mock.patch("roles.disk.folder_check.time.time", lambda: 1000.0):
            self.assertGreater(try_folder(self.folder), 1_000_000_000.0)
