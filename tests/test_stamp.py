"""Times and rights of what arrives: those of the share, in every year that the disk knows."""

from __future__ import annotations

import errno
import os
import stat
from unittest import mock

from roles.disk.stamp import stamp
from roles.sharing.folder_tree import scan_tree
from roles.sharing.holdings import FileHolding
from roles.values.list_lines import FileLine, decode_line
from tests.disks import DiskTestCase, described, needs_posix
from tests.last_steps import LocalDownload
from tests.support import NEVER

YEARS = {
    "the beginning": 0,
    "a second before": -1,
    "the day before": -86_400,
    "1906": -2_000_000_000,
    "2001": 1_000_000_000,
    "after 2^32": (1 << 32) + 5,
    "after 2^63 ns": 9_223_372_037,
    "2446": 15_000_000_000,
}


class TimesTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        probe = self.folder / "probe"
        probe.touch()
        self.years = {}
        for year, time in YEARS.items():
            os.utime(probe, (time, time))
            if probe.stat().st_mtime_ns == time * 10**9:  # else this disk has no such time
                self.years[year] = time
        probe.unlink()
        self.assertIn("2001", self.years)

    def test_files_folders_and_members_of_packs_have_the_times_of_their_share(self) -> None:
        for number, (year, time) in enumerate(self.years.items()):
            with self.subTest(year=year):
                files = {"big": bytes(300_000), "d/e/1": b"1", "d/e/2": b"2", "d/empty": b""}
                lesson = LocalDownload(
                    files, {"d": time, "d/e": time, "none": time}, [["d/e/1", "d/e/2"]], time
                )
                target = self.folder / str(number)
                self.assertIsNone(lesson.run(target))
                for path in (*files, "d", "d/e", "none"):
                    self.assertEqual((target / path).stat().st_mtime_ns, time * 10**9, path)

    def test_a_seeder_tells_them_all(self) -> None:
        content, digests = described(b"x")
        for year, time in self.years.items():
            with self.subTest(year=year):
                (self.folder / "d").mkdir(exist_ok=True)
                (self.folder / "d/x").write_bytes(b"x")
                os.utime(self.folder / "d/x", (time, time))
                os.utime(self.folder / "d", (time, time))
                tree = scan_tree(self.folder, NEVER)
                self.assertEqual([folder.mtime for folder in tree.folders], [time])
                line = decode_line(FileHolding(self.folder, tree.files[0], content, digests).line)
                assert isinstance(line, FileLine)
                self.assertEqual(line.mtime, time)

    def test_a_part_of_a_second_before_1970_is_rounded_as_the_system_does(self) -> None:
        os.utime(self.folder, ns=(-1_500_000_000, -1_500_000_000))
        (self.folder / "d").mkdir()
        os.utime(self.folder / "d", ns=(-1_500_000_000, -1_500_000_000))
        self.assertEqual(scan_tree(self.folder, NEVER).folders[0].mtime, -2)

    def test_a_time_that_no_disk_has_costs_nothing_but_itself(self) -> None:
        for time in (10**15 - 1, 1 - 10**15):
            target = self.folder / str(time)
            self.assertIsNone(LocalDownload({"a": b"a"}, {"d": time}, mtime=time).run(target))
            self.assertEqual((target / "a").read_bytes(), b"a")
            self.assertTrue((target / "d").is_dir())

    def test_a_disk_that_keeps_no_times_is_no_reason_to_fail(self) -> None:
        for error in (OSError(errno.EPERM, "no"), OverflowError("too large")):
            with mock.patch("os.utime", side_effect=error):
                stamp(self.folder, mtime=5)

    @needs_posix
    def test_who_may_read_may_run_what_is_executable_and_nothing_else_changes(self) -> None:
        path = self.folder / "run"
        for before, after in ((0o640, 0o750), (0o600, 0o700), (0o444, 0o555)):
            path.write_bytes(b"")
            path.chmod(before)
            descriptor = os.open(path, os.O_RDONLY)
            stamp(descriptor, mtime=5, is_executable=True)
            os.close(descriptor)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), after)
            self.assertEqual(path.stat().st_mtime, 5)
            path.unlink()
