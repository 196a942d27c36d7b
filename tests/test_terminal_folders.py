"""Folders by the command line, from one process to another."""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import ClassVar

from tests.disks import DiskTestCase, needs_a_small_disk
from tests.programs import RunningCommand, run
from tests.support import random_file, wait_until
from tests.test_command_line import Room, open_room

SMALL_FILES = 40
FILES = SMALL_FILES + 3


class FolderTest(DiskTestCase):
    """All tests are in one room, which they leave as it was."""

    standing: ClassVar[Room]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lmk-test-")))
        fill(folder / "shared")
        cls.standing = cls.enterClassContext(open_room(folder))

    def setUp(self) -> None:
        super().setUp()
        self.shared, self.target = self.standing.shared, self.folder / "target"

    def get(self, *arguments: str) -> tuple[int, str, str]:
        result = run(
            *("get", *arguments, "--tracker", self.standing.place, "--to", str(self.target)),
            *("--bind", "127.0.0.1:0"),
            folder=self.folder,
        )
        return result.returncode, result.stdout, result.stderr

    def assert_came(self, below: str = "", *, arrives_in: str = "shared") -> None:
        """Everything below this path is there, and nothing else."""
        self.assertEqual(contents(self.target / arrives_in), contents(self.shared, below))
        if arrives_in:
            self.assertEqual([one.name for one in self.target.iterdir()], [arrives_in])

    def test_the_list_has_one_line_for_the_folder(self) -> None:
        result = run("list", "--tracker", self.standing.place, folder=self.folder)
        self.assertRegex(result.stdout, rf"\Ashared/  {FILES} files  ")
        self.assertIn(f"{FILES} files in 1 folder", result.stdout)

    def test_a_folder_comes_whole_and_is_summed_up(self) -> None:
        code, out, error = self.get("shared/")
        self.assertEqual(code, 0)
        self.assertNotIn("lmktorrent: ", error)  # a slow machine shows progress there
        self.assertRegex(
            out, rf"shared/: {FILES} files downloaded and checked \(\S+ MB\) in \d+ s\n"
        )
        self.assertEqual(len(out.splitlines()), 2)
        self.assert_came()

    def test_a_sub_folder_comes_with_all_below_it(self) -> None:
        for name in ("many", "shared/many/"):
            with self.subTest(name=name):
                self.assertEqual(self.get(name)[0], 0)
                self.assert_came("many/")

    def test_one_file_of_a_folder_comes_alone(self) -> None:
        code, out, _ = self.get("deep/er/big.bin")
        self.assertEqual(code, 0)
        self.assertIn("deep/er/big.bin: Done, checked (3.0 MB)", out)
        self.assert_came("deep/er/big.bin", arrives_in="")

    def test_json_has_each_file_once(self) -> None:
        code, out, _ = self.get("--all", "--json")
        events = [json.loads(line) for line in out.splitlines()]
        files = [event for event in events if event["event"] == "file"]
        self.assertEqual({event["name"] for event in files}, set(contents(self.shared)))
        self.assertEqual(len(files), FILES)
        self.assertEqual({event["download"] for event in files}, {events[-2]["download"]})
        counts = {"done": FILES, "skipped": 0, "failed": 0, "renamed": 0}
        last = {"event": "ended", **counts, "exit_code": code}
        self.assertEqual(events[-1], last)

    def test_the_same_again_skips_all(self) -> None:
        self.get("shared")
        code, out, _ = self.get("shared")
        self.assertEqual(code, 0)
        self.assertIn(f"{FILES} files already here and identical", out)
        self.assert_came()

    def test_the_same_command_goes_on_where_it_was_killed(self) -> None:
        self.stop(signal.SIGKILL)
        code, out, error = self.get("--all")
        self.assertEqual(code, 0, out + error)
        self.assert_came()

    def test_ctrl_c_keeps_what_came_and_says_so(self) -> None:
        lines = self.stop(signal.SIGINT)
        self.assertIn("What was downloaded is kept: the same command resumes there.", lines)
        self.assertEqual(self.get("--all")[0], 0)
        self.assert_came()

    @needs_a_small_disk
    def test_a_disk_that_is_full_exits_with_4_also_when_some_came(self) -> None:
        self.target = self.small_disk()
        code, out, error = self.get("many/", "deep/")
        self.assertEqual(code, 4, out + error)
        self.assertRegex(error, f"The disk is full. Free .* for {self.target} or")
        self.assert_came("many/")

    @needs_a_small_disk
    def test_a_disk_that_is_full_is_waited_for_if_that_is_wanted(self) -> None:
        self.target = self.small_disk()
        hog = self.target / "hog"
        hog.write_bytes(bytes(1_000_000))
        with RunningCommand(
            *("get", "many/", "--wait-for-space", "--tracker", self.standing.place),
            *("--to", self.target, "--bind", "127.0.0.1:0"),
            folder=self.folder,
        ) as leecher:
            leecher.wait_for("is full. Free .* The download continues once there is room")
            hog.unlink()
            leecher.wait_for("downloaded and checked")

    def stop(self, number: int) -> list[str]:
        """End a download of everything in the middle; returns what it said."""
        with RunningCommand(
            *("get", "--all", "--down", "300K", "--tracker", self.standing.place),
            *("--to", self.target, "--bind", "127.0.0.1:0"),
            folder=self.folder,
        ) as leecher:
            wait_until(lambda: self.target.is_dir() and any(self.target.iterdir()))
            leecher.signal(number)
        return leecher.lines


def fill(shared: Path) -> None:
    (shared / "many").mkdir(parents=True)
    (shared / "deep" / "er").mkdir(parents=True)
    for number in range(SMALL_FILES):
        random_file(shared / "many" / f"{number}.txt", 2_000 + number, seed=number)
    random_file(shared / "deep" / "er" / "big.bin", 3_000_000, seed=100)
    random_file(shared / "été.txt", 6_000, seed=101)
    (shared / "empty").touch()


def contents(folder: Path, below: str = "") -> dict[str, bytes]:
    """Path to content of all files whose path starts so."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if path.is_file() and name.startswith(below)
    }
