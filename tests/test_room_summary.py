"""The room in a few words: what a teacher believes from them must be true."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from dataclasses import replace

from roles.values.computers import Computer, computers_of
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import ParticipantState
from tests.lesson import SHARE, lesson
from ui.room_summary import Summary, in_need, room_summary

NOW = 1_000.0
MB = 1_000_000


class SummaryTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.room = lesson(NOW)
        self.computers = computers_of(self.room.participants, now=NOW)

    def summary(self, computers: Sequence[Computer], **rest: float) -> Summary:
        return room_summary(
            computers,
            self.room.files,
            self.room.folders,
            file_count=53,
            **rest,
        )

    def test_done_are_counted_of_those_that_get_files(self) -> None:
        summary = self.summary(self.computers)
        self.assertEqual(summary.headline, "21 of 30 done")
        self.assertEqual(summary.what, "lesson2/   53 files, 174 MB")

    def test_the_bar_has_a_part_for_each_state_and_never_more_than_everything(self) -> None:
        parts = self.summary(self.computers).parts
        tones = [tone for tone, _ in parts]
        self.assertEqual(tones, ["Good", "Accent", "Warning", "Bad", "Muted"])
        self.assertLess(sum(share for _, share in parts), 1.0)

    def test_the_end_is_told_for_those_that_come_to_it(self) -> None:
        moving = [
            computer
            for computer in self.computers
            if computer.state is ParticipantState.DOWNLOADING
        ]
        moving = [computer for computer in moving if not computer.is_silent]
        self.assertTrue(self.summary(moving).last.startswith("Last one in about "))
        self.assertTrue(self.summary(self.computers).last.startswith("All but 5 in about "))
        done = [computer for computer in self.computers if computer.state is ParticipantState.DONE]
        self.assertEqual(self.summary(done).last, "Everybody is done")

    def test_one_server_alone_would_send_everything_to_everybody(self) -> None:
        two = [replace(computer, size=60 * MB) for computer in self.computers[1:3]]
        summary = self.summary(two, best_rate=2.0 * MB)
        self.assertEqual(summary.alone, "From one server alone: about 60 s")
        self.assertEqual(self.summary(two[:1], best_rate=2.0 * MB).alone, "")
        self.assertEqual(self.summary(two).alone, "")

    def test_the_rates_are_of_the_room_and_of_this_computer(self) -> None:
        self.assertEqual(
            self.summary(self.computers, from_here=4.2 * MB).rates,
            "7.8 MB/s in the room, 4.2 MB/s from here",
        )

    def test_who_needs_help_is_named_with_the_reason_the_worst_first(self) -> None:
        names = [computer.name for computer in in_need(self.computers)]
        self.assertEqual(names, ["lab-pc-17", "lab-pc-14", "lab-pc-10", "lab-pc-22"])
        self.assertEqual(
            self.summary(self.computers).help,
            "4 need help:  lab-pc-17: the download folder cannot be written  ·  "
            "lab-pc-14: The disk is full. Free 112 MB for Downloads  ·  "
            "lab-pc-10: silent for 40 s  ·  and 1 more",
        )
        self.assertEqual(self.summary(self.computers[:3]).help, "")

    def test_a_size_is_told_only_if_all_files_were_added_up(self) -> None:
        files = (ListedFile("a", 5, share=SHARE),)
        folders = (ListedFolder(SHARE, "big", 2_500, 0),)
        self.assertEqual(
            room_summary((), files, folders, file_count=2_500).what, "big/   2,500 files"
        )
        self.assertEqual(room_summary((), ()).what, "Nothing is shared yet")
