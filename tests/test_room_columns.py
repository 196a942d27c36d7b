"""What the columns of a room say of each computer: what it does, how far, and what is wrong."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from ui.room_columns import (
    COMPUTER,
    HAS,
    IN_TERMINAL,
    IN_WINDOW,
    LEFT,
    REASON,
    STATE,
)

ADDRESS = Address("10.0.0.7", 12501)
LEECHER = Computer(
    "0123456789abcdef",
    "lab-pc-07",
    ADDRESS,
    ParticipantState.DOWNLOADING,
    have=40,
    size=100,
    down=20,
    seconds_left=3.0,
)
GIVING = replace(LEECHER, state=ParticipantState.GIVING, have=0, size=0, down=0, files=3)


class RoomColumnsTest(unittest.TestCase):
    def test_who_downloads_has_a_part_of_all_that_it_asked_for(self) -> None:
        self.assertEqual(HAS.text(replace(LEECHER, title="Course")), "40 % of Course")
        self.assertEqual(HAS.text(LEECHER), "40 %")

    def test_what_is_done_keeps_its_100_percent_also_if_it_was_empty(self) -> None:
        done = replace(LEECHER, state=ParticipantState.DONE, have=100, title="Course")
        self.assertEqual(HAS.text(done), "100 % of Course")
        self.assertEqual(HAS.text(replace(done, have=0, size=0)), "100 % of Course")

    def test_who_only_gives_has_the_files_that_it_offers(self) -> None:
        self.assertEqual(HAS.text(GIVING), "3 files")
        self.assertEqual(HAS.text(replace(GIVING, files=0)), "")

    def test_those_with_least_come_first_and_those_that_give_last(self) -> None:
        some = replace(LEECHER, have=9)
        keys = [
            HAS.key(computer) for computer in (some, LEECHER, replace(LEECHER, have=100), GIVING)
        ]
        self.assertEqual(keys, sorted(keys, key=float))
        self.assertEqual(len(set(keys)), 4)

    def test_silence_and_leaving_are_said_in_place_of_the_state(self) -> None:
        self.assertEqual(STATE.text(LEECHER), "Downloading")
        self.assertEqual(STATE.text(replace(LEECHER, silent_s=20.2)), "Silent for 20 s")
        left = replace(LEECHER, state=ParticipantState.DONE, silent_s=200, has_left=True)
        self.assertEqual(STATE.text(left), "Left, done")
        original = replace(GIVING, is_original=True)
        self.assertEqual(STATE.text(original), "Original program")
        self.assertEqual(STATE.text(replace(original, silent_s=300.0)), "Silent for 5 min")

    def test_those_that_need_help_come_first(self) -> None:
        failed = replace(LEECHER, state=ParticipantState.FAILED)
        silent = replace(LEECHER, state=ParticipantState.DONE, silent_s=60)
        keys = [STATE.key(computer) for computer in (failed, silent, LEECHER, GIVING)]
        self.assertEqual(keys, sorted(keys, key=float))

    def test_a_reason_and_a_firewall_are_said(self) -> None:
        full = replace(LEECHER, state=ParticipantState.WAITING, reason="The disk is full.")
        self.assertEqual(REASON.text(full), "The disk is full.")
        self.assertEqual(
            REASON.text(replace(full, is_reachable=False)), "The disk is full.; behind a firewall"
        )
        self.assertEqual(REASON.text(replace(LEECHER, is_reachable=False)), "behind a firewall")
        self.assertEqual(REASON.text(LEECHER), "")

    def test_the_time_left_is_blank_unless_it_is_known(self) -> None:
        self.assertEqual(LEFT.text(LEECHER), "0:03")
        self.assertEqual(LEFT.text(replace(LEECHER, seconds_left=None)), "")

    def test_those_without_a_name_come_last_and_are_called_by_their_address(self) -> None:
        nameless = replace(LEECHER, name="")
        self.assertEqual(COMPUTER.text(nameless), str(ADDRESS))
        last = replace(LEECHER, name="zz")
        self.assertGreater(str(COMPUTER.key(nameless)), str(COMPUTER.key(last)))

    def test_words_from_the_wire_are_escaped_and_cut(self) -> None:
        hostile = replace(
            LEECHER,
            name="pc\u202e" * 50,
            reason="a\nb" * 200,
            title="t\u202e" * 99,
            is_reachable=False,
        )
        for column in (*IN_WINDOW, *IN_TERMINAL):
            cell = column.text(hostile)
            with self.subTest(column=column.title):
                self.assertNotIn("\u202e", cell)
                self.assertNotIn("\n", cell)
                self.assertLess(len(cell), 200)
