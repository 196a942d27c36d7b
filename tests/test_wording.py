"""What several views say in the same words."""

from __future__ import annotations

import unittest

from roles.values.addresses import Address
from roles.values.events import FilesListed, NetworkChanged, TrackerMoved
from roles.values.listed_file import ListedFile, ListedFolder
from ui import wording

SEEDER = Address("10.0.0.7", 12501)


class ComputersTest(unittest.TestCase):
    def test_places(self) -> None:
        here = Address("127.0.0.1", 12500)
        self.assertEqual(wording.place(here), "this computer, port 12500")
        self.assertEqual(wording.place(SEEDER), "10.0.0.7:12501")

    def test_computers(self) -> None:
        self.assertEqual(wording.computer("lab-pc\n7", SEEDER), "lab-pc\\u000a7 (10.0.0.7:12501)")
        self.assertEqual(wording.computer("", SEEDER), "10.0.0.7:12501")


class ListTest(unittest.TestCase):
    def test_a_list_is_summed_up(self) -> None:
        tracker = Address("10.0.0.5", 12500)
        files = (ListedFile("a", 1), ListedFile("b", 1))
        self.assertEqual(
            wording.list_status(FilesListed(tracker, files, (SEEDER,), ())),
            "2 files from 1 seeder",
        )
        nothing = wording.list_status(FilesListed(tracker, (), (), ()))
        self.assertEqual(nothing, "nothing is shared yet")
        folders = (ListedFolder("00" * 8, "Course", 2, 2),)
        self.assertEqual(
            wording.list_status(FilesListed(tracker, files, (SEEDER,), (), folders)),
            "2 files in 1 folder",
        )


class NetworkTest(unittest.TestCase):
    def test_a_firewall_and_what_to_type_on_each_system(self) -> None:
        for platform, command in (
            (
                "win32",
                'netsh advfirewall firewall add rule name="LMKtorrent" dir=in action=allow '
                "protocol=TCP localport=12501",
            ),
            ("linux", "ufw allow 12501/tcp"),
            ("darwin", "System Settings"),
        ):
            with self.subTest(platform=platform):
                sentence = wording.unreachable(SEEDER, platform)
                self.assertIn("Others cannot connect to this computer on TCP 12501", sentence)
                self.assertIn(command, sentence)

    def test_what_happened_to_the_network_and_what_follows(self) -> None:
        old, new = ("10.0.0.1",), ("10.0.0.2", "10.0.0.3")
        for change, said in (
            (NetworkChanged(old, new), "changed from 10.0.0.1 to 10.0.0.2 and 10.0.0.3."),
            (NetworkChanged(come=new), "is on the network as 10.0.0.2 and 10.0.0.3."),
            (NetworkChanged(gone=old), "The address 10.0.0.1 of this computer is gone."),
            (NetworkChanged(old, is_cut_off=True), "off the network: its address 10.0.0.1 is gone"),
            (
                NetworkChanged(old, new, for_others=Address("10.0.0.1", 12501)),
                "10.0.0.1 is gone: 10.0.0.1:12501 cannot be reached until it is back.",
            ),
            (NetworkChanged(held_up_s=61.0, has_slept=True), "This computer slept for 1:01."),
        ):
            with self.subTest(change=change):
                self.assertIn(said, wording.network_changed(change))

    def test_a_program_that_was_held_up_for_a_moment_is_not_spoken_of(self) -> None:
        self.assertEqual(wording.network_changed(NetworkChanged(held_up_s=9.0)), "")

    def test_which_tracker_is_used_from_now_on(self) -> None:
        old, new = Address("10.0.0.1", 12500), Address("10.0.0.2", 12500)
        self.assertEqual(
            wording.tracker_moved(TrackerMoved(old, new, "teacher")),
            "The tracker 10.0.0.1:12500 does not answer; "
            "using teacher (10.0.0.2:12500) from now on.",
        )
        self.assertEqual(
            wording.tracker_moved(TrackerMoved(new, old, "teacher", is_back=True)),
            "The tracker teacher (10.0.0.1:12500) answers again; using it from now on.",
        )

    def test_a_computers_name_fools_nobody(self) -> None:
        here = Address("127.0.0.1", 12500)
        said = wording.tracker_moved(TrackerMoved(here, Address("10.0.0.2", 5), "pc\u202e\n"))
        self.assertIn("pc\\u202e\\u000a", said)
        self.assertIn("The tracker this computer, port 12500", said)
