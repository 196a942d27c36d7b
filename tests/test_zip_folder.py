"""A folder out of the program's own .pyz."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

from roles.program.profile import is_zipped
from roles.program.zip_folder import member_of, unpacked
from roles.values.errors import StorageError
from tests.programs import ROOT, environment
from tests.support import LmkTestCase

PRINT_PLACES = """
import sys
sys.path.insert(0, sys.argv[1])
from roles.program.profile import bundled_folder, folder_beside_program, is_zipped
folder = bundled_folder("data")
print(is_zipped(), folder_beside_program(), folder, (folder / "inner" / "a.txt").read_text())
"""


class ZipFolderTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        # Only the program's end would remove what this process unpacks.
        self.addCleanup(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = str(self.folder)

    def archive(self) -> Path:
        path = self.folder / "program.pyz"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("data/inner/a.txt", "content")
            file.writestr("database.txt", "not of data/")
            for source in (ROOT / "roles").rglob("*.py"):
                file.write(source, source.relative_to(ROOT).as_posix())
        return path

    def test_all_of_the_folder_and_nothing_else_is_unpacked_once(self) -> None:
        archive = self.archive()
        folder = unpacked(archive, "data")
        self.assertEqual((folder / "inner" / "a.txt").read_text(), "content")
        self.assertEqual([path.name for path in folder.parent.iterdir()], ["data"])
        self.assertEqual(unpacked(archive, "data"), folder)

    def test_what_cannot_be_unpacked_is_a_sentence_and_is_tried_again(self) -> None:
        with self.assertRaisesRegex(StorageError, r"cannot be unpacked \(No such file"):
            unpacked(self.folder / "gone.pyz", "data")
        archive = self.archive()
        lacking = FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
        with (
            mock.patch("tempfile.mkdtemp", side_effect=lacking),
            self.assertRaisesRegex(StorageError, "No usable temporary.*TMPDIR"),
        ):
            unpacked(archive, "data")
        self.assertTrue(unpacked(archive, "data").is_dir())

    def test_one_file_is_read_without_unpacking(self) -> None:
        archive = self.archive()
        self.assertEqual(member_of(archive, "data/inner/a.txt"), b"content")
        with self.assertRaises(FileNotFoundError):
            member_of(archive, "data/none.txt")
        self.assertEqual([path.name for path in self.folder.iterdir()], [archive.name])

    def test_from_source_the_program_is_no_archive(self) -> None:
        self.assertFalse(is_zipped())

    def test_a_zipped_program_finds_its_folders_and_leaves_none(self) -> None:
        archive = self.archive()
        temporary = self.folder / "temporary"
        temporary.mkdir()
        ran = subprocess.run(
            [sys.executable, "-c", PRINT_PLACES, str(archive)],
            cwd=self.folder,
            env=environment(TMPDIR=str(temporary), TEMP=str(temporary)),
            capture_output=True,
            text=True,
            check=True,
        )
        zipped, beside, folder, content = ran.stdout.split()
        self.assertEqual((zipped, Path(beside), content), ("True", self.folder, "content"))
        self.assertEqual(Path(folder).parents[1], temporary)
        self.assertEqual(list(temporary.iterdir()), [])
