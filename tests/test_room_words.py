"""What is said of the computers of a room: the columns of a table have tests of their own."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.computers import computers_of, summary_of
from roles.values.participants import Participant, Status
from roles.values.room_words import computer_order, counts, how_far
from tests.lesson import lesson

NOW = 1_000.0
GIVING = Participant(Address("192.168.1.5", 12501), 0.0, name="teacher", files=3)
DOWNLOADING = Participant(Address("192.168.1.7", 12501), 0.0, is_leecher=True, name="lab-pc-07")


class RoomWordsTest(unittest.TestCase):
    def test_each_computer_is_counted_once(self) -> None:
        self.assertEqual(
            counts(summary_of(computers_of(lesson(NOW).participants, now=NOW))),
            "31 computers: 21 done · 4 downloading · 2 waiting · 1 failed · 1 sharing · "
            "1 not begun · 1 silent",
        )
        self.assertEqual(counts(summary_of(())), "")

    def test_the_summary_counts_those_that_download(self) -> None:
        self.assertEqual(
            how_far(summary_of(computers_of((GIVING,), now=0.0))),
            "Nobody has joined to download yet.",
        )
        status = Status("downloading", machine="a" * 16, size=1_000, have=400, seconds_left=60)
        moving = replace(DOWNLOADING, status=status)
        failed = replace(DOWNLOADING, status=Status("failed", machine="b" * 16))
        self.assertEqual(
            how_far(summary_of(computers_of((GIVING, moving, failed), now=0.0))),
            "0 of 2 done, the last one in 60 s; 1 needs help.",
        )

    def test_computers_are_sorted_by_their_numbers_and_those_without_a_name_come_last(self) -> None:
        names = ["", "pc-10", "PC-9", "pc-100"]
        self.assertEqual(
            sorted(names, key=lambda name: computer_order(name, "10.0.0.7:12501")),
            ["PC-9", "pc-10", "pc-100", ""],
        )
