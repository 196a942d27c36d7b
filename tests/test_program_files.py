"""What a tracker can give away of its own program."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from unittest import mock

from roles.web import program_files
from roles.web.program_files import FROM_SOURCE, UNREADABLE, ProgramFiles, own_files
from tests.support import LIMIT_S, LmkTestCase, wait_until

BYTES = b"#!/usr/bin/env python3\nPK"


class ProgramFilesTest(LmkTestCase):
    def write(self, name: str, data: bytes = BYTES) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def read(self, *found: tuple[Path, str, str]) -> ProgramFiles:
        programs = ProgramFiles(found)
        programs.start()
        wait_until(lambda: programs.is_read, LIMIT_S)
        programs.join()
        return programs

    def test_from_source_there_is_none(self) -> None:
        self.assertEqual(own_files(), ())
        programs = ProgramFiles()
        self.assertTrue(programs.is_read)
        self.assertEqual((programs.files, programs.obstacle), ((), FROM_SOURCE))

    def test_an_archive_gives_itself_away(self) -> None:
        archive = self.write("renamed by its user.pyz")
        inside = archive / "roles" / "web" / "program_files.py"
        with mock.patch.object(program_files, "__file__", str(inside)):
            ((path, kind, runs_on),) = own_files()
        self.assertEqual((path, kind), (archive.resolve(), "pyz"))
        self.assertIn("Python", runs_on)

    def packed(self, unpacked: str, platform: str = "linux") -> tuple[tuple[Path, str, str], ...]:
        with (
            mock.patch.object(sys, "_MEIPASS", str(self.folder / unpacked), create=True),
            mock.patch.object(sys, "executable", str(self.folder / "lmktorrent (1)")),
            mock.patch.object(sys, "platform", platform),
        ):
            return own_files()

    def test_the_packed_program_gives_itself_away_and_what_it_carries_for_other_systems(
        self,
    ) -> None:
        (executable, kind, _), carried = self.packed("_MEIx")
        self.assertEqual((executable.name, kind), ("lmktorrent (1)", "unix"))
        self.assertEqual(carried[:2], (self.folder / "_MEIx" / "lmktorrent.pyz", "pyz"))
        (_, kind, runs_on), _ = self.packed("_MEIx", "win32")
        self.assertEqual((kind, runs_on), ("windows", "Windows"))

    def test_a_program_that_is_a_folder_gives_what_it_carries(self) -> None:
        ((path, kind, _),) = self.packed("_internal")
        self.assertEqual((path.parent.name, kind), ("_internal", "pyz"))

    def test_they_are_read_once_with_their_digests(self) -> None:
        path = self.write("lmktorrent (1)")
        programs = self.read((path, "unix", "Linux"), (self.write("a", b"b"), "windows", "Windows"))
        assert programs.files is not None
        first, second = programs.files
        self.assertEqual(first.name, "lmktorrent")
        self.assertEqual(second.name, "lmktorrent.exe")
        self.assertEqual((first.data, first.size), (BYTES, len(BYTES)))
        self.assertEqual(first.sha256, hashlib.sha256(BYTES).hexdigest())
        path.unlink()
        programs.start()
        self.assertIs(programs.files[0], first)

    def test_a_file_that_cannot_be_read_is_left_out(self) -> None:
        with self.assertLogs("roles.web", "WARNING"):
            programs = self.read((self.folder / "gone", "unix", "Linux"))
        self.assertEqual((programs.files, programs.obstacle), ((), UNREADABLE))

    def test_what_is_too_large_for_this_program_is_left_out(self) -> None:
        self.enterContext(mock.patch.object(program_files, "MAX_BYTES", len(BYTES) - 1))
        self.assertEqual(self.read((self.write("a"), "unix", "Linux")).files, ())
