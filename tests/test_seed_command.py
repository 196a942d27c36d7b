"""What `seed` says of the events that its seeder posts."""

from __future__ import annotations

import unittest

from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.events import (
    FolderScanned,
    HashingChanged,
    NetworkChanged,
    ReachabilityChanged,
    RoleEvent,
    RoleStarted,
    SeederState,
    Skipped,
    SkipReason,
    TorrentChanged,
    TrackerAnswered,
    TrackerLost,
    Upload,
    UploadsChanged,
)
from roles.values.listed_file import ListedFile
from tests.terminals import Printed, printed
from ui.terminal.output import Output
from ui.terminal.seed_command import EMPTY_S, READING_S, SeederReport

HERE = Address("127.0.0.1", 12501)
TEACHER = Address("192.168.1.5", 12501)


class SeederReportTest(unittest.TestCase):
    def told(self, *events: tuple[float, RoleEvent]) -> Printed:
        """Each event at its time."""
        now = [0.0]

        def work(output: Output) -> None:
            report = SeederReport(output, clock=lambda: now[0], platform="linux")
            for when, event in events:
                now[0] = when
                report.tell(event)

        return printed(work)

    def test_the_web_address_is_said_again_when_it_changes(self) -> None:
        started = RoleStarted(HERE, TEACHER, web="http://192.168.1.5:12501/")
        moved = NetworkChanged(
            ("192.168.1.5",), ("10.0.0.7",), for_others=Address("10.0.0.7", 12501)
        )
        seen = self.told(
            (0, started), (1, NetworkChanged(has_slept=True, for_others=TEACHER)), (2, moved)
        )
        said = [line for line in seen.out.splitlines() if line.startswith("Browsers")]
        self.assertEqual(
            said, ["Browsers: http://192.168.1.5:12501/", "Browsers: http://10.0.0.7:12501/"]
        )
        self.assertNotIn("Browsers", self.told((0, RoleStarted(HERE, TEACHER)), (1, moved)).out)

    def test_what_was_read_is_said_in_one_line_at_the_end(self) -> None:
        seen = self.told(
            (0, FolderScanned((), 0, 0, is_whole=False)),
            (0, HashingChanged(0, 4_000_000_000, 310)),
            (4, HashingChanged(2_000_000_000, 4_000_000_000, 100)),
            (9, HashingChanged(4_000_000_000, 4_000_000_000, 0)),
            (9, FolderScanned((ListedFile("a", 4_000_000_000),), 1, 0)),
            (10, HashingChanged(4_000_000_000, 4_000_000_000, 0)),
        )
        self.assertEqual(seen.out, "1 file, 4.00 GB. Checked in 9 s; all shared.\n")

    def test_what_was_read_before_is_counted_too(self) -> None:
        files = (ListedFile("known", 300_000_000), ListedFile("new", 30_000_000))
        seen = self.told(
            (0, FolderScanned(files[:1], 1, 0, is_whole=False)),
            (0, HashingChanged(0, 30_000_000, 1)),
            (2, HashingChanged(30_000_000, 30_000_000, 0)),
            (2, FolderScanned(files, 2, 0)),
        )
        self.assertEqual(seen.out, "2 files, 330 MB. Checked in 2 s; all shared.\n")

    def test_a_file_that_changed_is_said_to_be_read_although_the_count_is_the_same(self) -> None:
        folder = FolderScanned((ListedFile("a", 5),), 1, 0)
        seen = self.told(
            (0, folder),
            (1, HashingChanged(0, 5, 1)),
            (2, HashingChanged(5, 5, 0)),
            (2, folder),
        )
        self.assertEqual(
            seen.out, "1 file, 5 bytes.\n1 file, 5 bytes. Checked in 1 s; all shared.\n"
        )

    def test_what_waits_in_sub_folders_for_a_tracker_is_not_called_offered(self) -> None:
        folder = FolderScanned((), 0, 1500, is_listed=False)
        seen = self.told(
            (0, HashingChanged(0, 5, 1500)), (1, HashingChanged(5, 5, 0)), (1, folder), (9, folder)
        )
        self.assertIn("1,500 files in sub-folders not shared yet.", seen.out)
        self.assertNotIn("all shared", seen.out)

    def test_nothing_is_called_offered_before_the_tracker_lists_it(self) -> None:
        files = (ListedFile("a", 5), ListedFile("b", 5))
        seen = self.told(
            (0, FolderScanned((), 0, 0, is_whole=False)),
            (0, HashingChanged(0, 10, 2)),
            (4, HashingChanged(10, 10, 0)),
            (5, FolderScanned(files, 0, 0, is_listed=False)),
            (6, FolderScanned(files, 1, 0, is_listed=False)),
        )
        self.assertEqual(seen.out, "")
        seen = self.told(
            (0, FolderScanned((), 0, 0, is_whole=False)),
            (0, HashingChanged(0, 10, 2)),
            (4, HashingChanged(10, 10, 0)),
            (5, FolderScanned(files, 0, 0, is_listed=False)),
            (60, FolderScanned(files, 2, 0)),
        )
        self.assertEqual(seen.out, "2 files, 10 bytes. Checked in 5 s; all shared.\n")

    def test_a_tracker_that_does_not_take_the_list_is_said_once_with_what_is_missing(self) -> None:
        files = (ListedFile("a", 5), ListedFile("b", 5))
        why = "The tracker 10.0.0.1:12500 does not take the list: no room."
        refused = FolderScanned(files, 1, 0, is_listed=False, refusal=why)
        seen = self.told((0, refused), (3, refused), (9, FolderScanned(files, 2, 0)))
        self.assertEqual(
            seen.err, f"lmktorrent: {why} It lists 1 of 2 files. Trying again until it lists all.\n"
        )
        self.assertEqual(seen.out, "2 files, 10 bytes.\n")

    def test_what_is_not_offered_is_counted_with_the_first_names(self) -> None:
        skipped = (
            Skipped(SkipReason.UNREADABLE, ("secret (Permission denied)",)),
            Skipped(SkipReason.LINK, tuple(f"link {n}" for n in range(1_200))),
        )
        seen = self.told((0, FolderScanned((ListedFile("a", 5),), 1, 0, skipped)))
        self.assertEqual(
            seen.out,
            "1 file, 5 bytes. Not shared: 1 item that cannot be read (secret (Permission denied)),"
            " 1,200 links (link 0, link 1, link 2 and 1,197 more).\n",
        )
        only = FolderScanned((), 0, 0, skipped[:1])
        self.assertIn("Not shared: 1 item that cannot be read", self.told((0, only)).out)

    def test_all_is_said_to_be_read_once_no_file_is_put_off_as_being_written(self) -> None:
        now = [0.0]
        files = (ListedFile("a", 5), ListedFile("fresh", 0))
        events: list[tuple[float, RoleEvent]] = [
            (0, FolderScanned((), 0, 0, is_whole=False)),
            (0, HashingChanged(0, 5, 1)),
            (2, HashingChanged(5, 5, 0)),
            (3, FolderScanned(files[:1], 1, 0, (), is_whole=False)),
            (6, FolderScanned(files, 2, 0, ())),
        ]

        def work(output: Output) -> None:
            report = SeederReport(output, clock=lambda: now[0])
            for when, event in events:
                now[0] = when
                report.pass_time()
                report.tell(event)

        expected = "2 files, 5 bytes. Checked in 6 s; all shared.\n"
        self.assertEqual(printed(work).out, expected)

    def test_a_folder_that_is_known_already_is_not_said_to_be_read(self) -> None:
        self.assertEqual(self.told((0, HashingChanged(5, 5, 0))).out, "")

    def test_where_the_torrent_is_and_why_there_is_none(self) -> None:
        seen = self.told(
            (0, RoleStarted(HERE, TEACHER, web="http://192.168.1.5:12501/")),
            (1, TorrentChanged(hashed=1_000, size=2_000)),
            (2, TorrentChanged("ab" * 20, "/t/0123456789abcdef/lesson.torrent")),
            (3, TorrentChanged()),
            (4, TorrentChanged(problem="There is no torrent.")),
        )
        self.assertIn(
            "Its torrent: http://192.168.1.5:12501/t/0123456789abcdef/lesson.torrent\n", seen.out
        )
        self.assertIn("There is no torrent.", seen.err)

    def test_who_cannot_be_reached_is_told_how_to_open_the_firewall(self) -> None:
        seen = self.told(
            (0, ReachabilityChanged(TEACHER, is_reachable=False)),
            (1, ReachabilityChanged(TEACHER, is_reachable=True)),
            (2, ReachabilityChanged(TEACHER, is_reachable=True)),
        )
        self.assertIn("ufw allow 12501/tcp", seen.err)
        self.assertEqual(seen.out, "Others can connect to this computer now.\n")

    def test_who_takes_what_is_told_but_not_file_by_file(self) -> None:
        def uploads(name: str, position: int = 0) -> UploadsChanged:
            upload = Upload(Address("10.0.0.9", 4000), name, 0, 10, 1.0, "lab-pc-07", position)
            return UploadsChanged(SeederState.CONNECTED, (upload,), 0)

        seen = self.told(
            (0, uploads("")),
            (0, uploads("waiting.txt", position=2)),
            (0, uploads("a.txt")),
            (1, uploads("b.txt")),
            (7, uploads("c.txt")),
            (14, uploads("c.txt")),
        )
        self.assertEqual(seen.out, "lab-pc-07 downloads a.txt\nlab-pc-07 downloads c.txt\n")

    def test_the_same_words_are_not_repeated(self) -> None:
        folder = FolderScanned((ListedFile("a", 5),), 1, 0, ())
        lost = TrackerLost(HERE, TrackerSilentError("No tracker answers."))
        seen = self.told((0, folder), (1, folder), (2, lost), (3, lost))
        self.assertEqual(seen.out.count("1 file"), 1)
        self.assertEqual(seen.err.count("Trying again."), 1)

    def test_files_are_counted_once_the_sub_folders_are_read(self) -> None:
        now = [5.0]
        some = (ListedFile("a", 5), ListedFile("below/b", 5))
        unread = FolderScanned(some[:1], 1, 0, (), is_whole=False)

        def work(output: Output) -> None:
            report = SeederReport(output, clock=lambda: now[0])
            for event in (unread, unread, FolderScanned(some, 2, 0, ()), unread):
                report.tell(event)
                report.pass_time()
                now[0] += READING_S
                report.pass_time()

        self.assertEqual(printed(work).out, "Checking files …\n2 files, 10 bytes.\n")

    def test_of_a_folder_that_is_read_at_once_only_the_count_is_said(self) -> None:
        unread = FolderScanned((), 0, 0, is_whole=False)
        whole = FolderScanned((ListedFile("a", 5),), 1, 0, ())
        self.assertEqual(self.told((0, unread), (0.1, whole)).out, "1 file, 5 bytes.\n")

    def test_a_folder_that_cannot_be_read_is_said_to_be_so_at_once(self) -> None:
        gone = FolderScanned((), 0, 0, (), "The folder is gone.", is_whole=False)
        self.assertEqual(self.told((0, gone)).out, "The folder is gone.\n")

    def test_a_folder_is_said_to_be_empty_when_it_stays_so(self) -> None:
        now = [5.0]
        empty, full = FolderScanned((), 0, 0, ()), FolderScanned((ListedFile("a", 5),), 1, 0, ())

        def work(output: Output) -> None:
            report = SeederReport(output, clock=lambda: now[0])
            for event in (empty, full, empty):
                report.tell(event)
                report.pass_time()
            now[0] += EMPTY_S
            report.pass_time()
            report.pass_time()

        self.assertEqual(printed(work).out, "1 file, 5 bytes.\nNo files, 0 bytes.\n")

    def test_what_an_original_trackers_list_has_no_room_for_is_said(self) -> None:
        files = tuple(ListedFile(f"{number}", 5) for number in range(40))
        folder = (0.0, FolderScanned(files, 30, 0, ()))
        seen = self.told(folder, (1, TrackerAnswered(HERE, is_original=True)))
        self.assertIn("10 of them do not fit into the tracker's list.", seen.out)

    def test_a_role_that_listens_nowhere_says_nothing_of_it(self) -> None:
        self.assertEqual(self.told((0, RoleStarted())).out, "")
        self.assertIn("listening on", self.told((0, RoleStarted(HERE, TEACHER))).out)
