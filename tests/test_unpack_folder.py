"""The folder that the packed program runs from: live ones are spared, stale ones swept."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import unittest
from pathlib import Path

from tests.support import LmkTestCase
from ui.packed.unpack_folder import LOCK_NAME, MOST_SWEPT, hold, own_unpack_folder, sweep


class SweepTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.own = self.unpacked("_MEIown")

    def unpacked(self, name: str) -> Path:
        """As the packer leaves it: files, and folders in it."""
        folder = self.folder / name
        (folder / "data" / "deep").mkdir(parents=True)
        (folder / "data" / "deep" / "file").write_bytes(bytes(100))
        (folder / "library.so").write_bytes(bytes(100))
        return folder

    def held(self, folder: Path) -> list[int]:
        descriptors = hold(folder)
        self.addCleanup(self.let_go, descriptors)
        return descriptors

    def let_go(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def killed(self, name: str) -> Path:
        """One whose process is gone."""
        folder = self.unpacked(name)
        self.let_go(hold(folder))
        return folder

    def test_what_a_killed_run_left_is_removed(self) -> None:
        stale = [self.killed("_MEI1"), self.killed("_MEI2")]
        self.assertEqual(sweep(self.folder, self.own), 2)
        self.assertEqual([folder for folder in stale if folder.exists()], [])

    def test_the_lock_goes_with_a_process_that_is_killed_outright(self) -> None:
        folder = self.unpacked("_MEIkilled")
        program = (
            "import sys; from pathlib import Path; from ui.packed.unpack_folder import hold\n"
            "hold(Path(sys.argv[1])); print('held', flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(folder)],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline().strip(), b"held")
            self.assertEqual(sweep(self.folder, self.own), 0)
            process.kill()
            process.wait()
            self.assertEqual(sweep(self.folder, self.own), 1)

    def test_a_live_neighbour_and_the_own_folder_stay_whole(self) -> None:
        neighbour = self.unpacked("_MEIlive")
        self.held(neighbour)
        self.held(self.own)
        self.assertEqual(sweep(self.folder, self.own), 0)
        for folder in (neighbour, self.own):
            self.assertTrue((folder / "data" / "deep" / "file").is_file())

    def test_folders_of_other_packed_programs_are_never_touched(self) -> None:
        for name in ("_MEIforeign", "other"):
            self.unpacked(name)
        foreign = self.unpacked("_MEIsame_lock_name")
        (foreign / LOCK_NAME).write_text("not our words")
        other_name = self.killed("tmpabc")
        self.assertEqual(sweep(self.folder, self.own), 0)
        self.assertTrue((foreign / "library.so").is_file())
        self.assertTrue((other_name / "library.so").is_file())

    def test_one_that_is_just_being_locked_is_spared(self) -> None:
        begun = self.unpacked("_MEIbegun")
        (begun / LOCK_NAME).touch()
        self.assertEqual(sweep(self.folder, self.own), 0)
        self.assertTrue((begun / "library.so").is_file())

    @unittest.skipIf(os.name == "nt", "links need rights there")
    def test_no_link_is_followed(self) -> None:
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "precious").touch()
        stale = self.killed("_MEIstale")
        (stale / "link").symlink_to(outside)
        (stale / "data" / "link").symlink_to(outside)
        linked = self.killed("elsewhere")
        (self.folder / "_MEIlink").symlink_to(linked)
        forged = self.unpacked("_MEIforged")
        (forged / LOCK_NAME).symlink_to(linked / LOCK_NAME)
        self.assertEqual(sweep(self.folder, self.own), 1)
        self.assertTrue((outside / "precious").is_file())
        self.assertTrue((linked / "library.so").is_file())
        self.assertTrue((forged / "library.so").is_file())

    @unittest.skipIf(os.name == "nt", "there are no such things")
    def test_a_pipe_in_place_of_the_lock_holds_nobody_up(self) -> None:
        os.mkfifo(self.unpacked("_MEIpipe") / LOCK_NAME)
        self.assertEqual(sweep(self.folder, self.own), 0)

    @unittest.skipUnless(hasattr(os, "geteuid") and os.geteuid() == 0, "root gives files away")
    def test_folders_of_other_users_are_left_alone(self) -> None:
        stale = self.killed("_MEItheirs")
        os.chown(stale, 12345, 12345)
        self.assertEqual(sweep(self.folder, self.own), 0)
        self.assertTrue((stale / "library.so").is_file())

    def test_one_start_removes_no_more_than_is_good_for_it(self) -> None:
        for number in range(MOST_SWEPT + 2):
            self.killed(f"_MEI{number}")
        self.assertEqual(sweep(self.folder, self.own), MOST_SWEPT)
        self.assertEqual(sweep(self.folder, self.own), 2)

    def test_a_sweep_that_was_cut_off_goes_on_with_the_next(self) -> None:
        stale = self.killed("_MEIhalf")
        (stale / "library.so").unlink()
        self.assertEqual(sweep(self.folder, self.own), 1)

    def test_a_folder_that_cannot_be_looked_through_is_no_matter(self) -> None:
        self.assertEqual(sweep(self.folder / "gone", self.own), 0)

    def test_one_that_cannot_be_locked_is_said_in_the_log_and_no_more(self) -> None:
        with self.assertLogs("ui.packed.unpack_folder", "WARNING"):
            self.held(self.folder / "gone")


class OwnFolderTest(LmkTestCase):
    def test_from_source_there_is_none(self) -> None:
        self.assertIsNone(own_unpack_folder())

    def test_a_program_in_one_folder_unpacks_nothing(self) -> None:
        self.addCleanup(delattr, sys, "_MEIPASS")
        sys._MEIPASS = "/opt/lmktorrent/_internal"  # type: ignore[attr-defined]
        self.assertIsNone(own_unpack_folder())
        sys._MEIPASS = "/tmp/_MEI00004546WEylZ4"  # type: ignore[attr-defined]
        self.assertEqual(own_unpack_folder(), Path("/tmp/_MEI00004546WEylZ4"))
