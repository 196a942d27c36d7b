"""What the findings about a computer mean."""

from __future__ import annotations

import unittest
from pathlib import Path

from roles.values.addresses import Address
from roles.values.errors import StorageError, TrackerSilentError
from roles.values.findings import (
    ClockChecked,
    DialBackChecked,
    Finding,
    FolderChecked,
    FoundTracker,
    InterfaceChecked,
    PortChecked,
    SpaceChecked,
    TrackerChecked,
)
from ui.check_words import CheckWords, Outcome, check_words, summary

TRACKER = FoundTracker(Address("10.0.0.5", 12500), "teacher", is_original=False)
FOLDER = Path("/home/ann/lessons")
NOW = 1_800_000_000.0  # in January 2027
TAKEN = "Port 12501 is in use by another program. Stop that program or choose another port."
FINE: tuple[Finding, ...] = (
    InterfaceChecked("eth0", "10.0.0.7", 20, (TRACKER,)),
    TrackerChecked(TRACKER.address, "teacher"),
    PortChecked(12500, is_trackers=True),
    PortChecked(12501, is_trackers=False, is_ours=True),
    DialBackChecked(12501, is_reachable=True),
    FolderChecked(FOLDER),
    SpaceChecked(FOLDER, 5_000_000_000),
    ClockChecked(NOW, 0.2),
)
NOTES: tuple[Finding, ...] = (
    InterfaceChecked("eth0", "10.0.0.7", 20),
    InterfaceChecked("eth0", "10.0.0.7"),  # the search is off
    TrackerChecked(None),
    PortChecked(12501, is_trackers=False, instead=12502, fault=TAKEN),
    DialBackChecked(12501, is_reachable=None, is_here=True),
    DialBackChecked(12501, is_reachable=None),
    SpaceChecked(FOLDER, 500_000_000),
    ClockChecked(0.0, 0.0),
    ClockChecked(NOW, -300.0),
)
FAILURES: tuple[Finding, ...] = (
    InterfaceChecked("", ""),
    InterfaceChecked("eth0", "10.0.0.7", fault="Network is unreachable"),
    TrackerChecked(TRACKER.address, failure=TrackerSilentError("No tracker. Start one there.")),
    PortChecked(12501, is_trackers=False, fault=TAKEN),
    DialBackChecked(12501, is_reachable=False),
    FolderChecked(FOLDER, StorageError("No permission to write it. Choose another folder.")),
    SpaceChecked(FOLDER, 1_000),
    SpaceChecked(FOLDER, -1_000),
)


def words(finding: Finding, platform: str = "linux") -> CheckWords:
    return check_words(finding, platform)


class CheckWordsTest(unittest.TestCase):
    def test_what_is_fine_is_good_and_asks_for_nothing(self) -> None:
        for finding in FINE:
            with self.subTest(finding=finding):
                line = words(finding)
                self.assertEqual((line.outcome, line.remedy), (Outcome.GOOD, ""))

    def test_what_works_all_the_same_is_a_note_that_says_what_to_do(self) -> None:
        for finding in NOTES:
            with self.subTest(finding=finding):
                self.assertIs(words(finding).outcome, Outcome.NOTE)
                self.assertTrue(words(finding).remedy)

    def test_what_keeps_files_from_coming_fails_and_says_what_to_do(self) -> None:
        for finding in FAILURES:
            with self.subTest(finding=finding):
                self.assertIs(words(finding).outcome, Outcome.FAILED)
                self.assertTrue(words(finding).remedy)

    def test_every_text_is_a_sentence(self) -> None:
        for finding in (*FINE, *NOTES, *FAILURES):
            with self.subTest(finding=finding):
                self.assertTrue(words(finding).text.endswith("."))

    def test_an_interface_says_how_often_it_asked_and_who_answered(self) -> None:
        line = words(FINE[0])
        self.assertEqual(line.title, "eth0")
        self.assertIn("asked 20 times, heard 1 tracker: teacher (10.0.0.5:12500)", line.text)

    def test_a_computer_keeps_the_spelling_of_its_name(self) -> None:
        self.assertEqual(words(FINE[1]).text, "teacher (10.0.0.5:12500) answers.")
        here = Address("127.0.0.1", 12500)
        self.assertEqual(words(TrackerChecked(here)).text, "This computer, port 12500 answers.")

    def test_a_taken_port_says_which_one_is_used_instead(self) -> None:
        self.assertIn("12502", words(NOTES[3]).remedy)

    def test_a_firewall_is_opened_by_a_command_of_this_system(self) -> None:
        behind = DialBackChecked(12501, is_reachable=False)
        self.assertIn("sudo ufw allow 12501/tcp", words(behind).remedy)
        self.assertIn("netsh advfirewall", words(behind, "win32").remedy)
        self.assertIn("System Settings", words(behind, "darwin").remedy)

    def test_an_original_tracker_tests_nothing(self) -> None:
        line = words(DialBackChecked(12501, None, is_original=True))
        self.assertIs(line.outcome, Outcome.NOTE)
        self.assertIn("original", line.text)

    def test_a_strangers_name_is_made_safe(self) -> None:
        stranger = FoundTracker(TRACKER.address, "a\x1b[31mb", is_original=False)
        text = words(InterfaceChecked("eth0", "10.0.0.7", 20, (stranger,))).text
        self.assertNotIn("\x1b", text)

    def test_the_end_counts_what_failed_else_the_notes(self) -> None:
        good, note, failed = words(FINE[0]), words(NOTES[0]), words(FAILURES[0])
        self.assertEqual(summary([good]), "This computer is ready.")
        self.assertEqual(summary([good, note]), "Nothing failed; 1 note.")
        self.assertEqual(summary([failed, note]), "1 thing needs to be fixed.")
        self.assertEqual(summary([failed, failed]), "2 things need to be fixed.")
