"""What the columns of a room say of everyone in it: who, what they do, and what keeps them."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.events import RoomChanged
from roles.values.participants import Participant, Status, TransferStatus
from ui.columns import Column
from ui.room_columns import (
    COMPUTER,
    HAS,
    IN_TERMINAL,
    NAME,
    STATE,
    STATE_WITH_REASON,
    WHY_IT_WAITS,
    in_window,
)

ADDRESS = Address("10.0.0.7", 12501)
LEECHER = Participant(
    ADDRESS,
    96.0,
    is_leecher=True,
    name="lab-pc-07",
    status=Status("downloading", down=2_000_000),
    is_reachable=True,
)
ORIGINAL = Participant(ADDRESS, 99.0, is_original=True, files=3)


def saying(
    state: str = "",
    *,
    name: str = "lab-pc-07",
    reason: str = "",
    transfers: tuple[TransferStatus, ...] = (),
) -> Participant:
    return replace(LEECHER, name=name, status=Status(state, reason=reason, transfers=transfers))


def text(column: Column[Participant], one: Participant) -> str:
    return column.text(one)


class RoomColumnsTest(unittest.TestCase):
    def test_everyone_has_a_cell_for_each_column_of_the_window(self) -> None:
        leecher = saying("downloading", transfers=(TransferStatus("Course", 40, 100, 1.0, ""),))
        original = replace(ORIGINAL, address=Address("10.0.0.8", 12501))
        columns = in_window(lambda: 100.0)
        self.assertEqual(
            [tuple(column.text(one) for column in columns) for one in (leecher, original)],
            [
                (
                    "lab-pc-07",
                    "10.0.0.7:12501",
                    "Leecher",
                    "Downloading",
                    "40 % of Course",
                    "",
                    "",
                    "0:04 ago",
                ),
                (
                    *("", "10.0.0.8:12501", "Seeder", "Original program", "3 files", "", ""),
                    "now",
                ),
            ],
        )

    def test_only_seeders_count_as_seeders(self) -> None:
        seeder = replace(LEECHER, address=Address("10.0.0.9", 12501), is_leecher=False)
        self.assertEqual(RoomChanged((LEECHER, seeder, ORIGINAL)).seeder_count, 2)

    def test_a_leecher_has_a_part_of_all_that_it_fetches(self) -> None:
        course = TransferStatus("Course", 40, 100, 1.0, "downloading")
        self.assertEqual(text(HAS, LEECHER), "")
        self.assertEqual(text(HAS, saying(transfers=(course,))), "40 % of Course")
        whole = TransferStatus("b", 60, 60, 0.0, "done")
        self.assertEqual(text(HAS, saying(transfers=(whole, course))), "62 % of Course and 1 more")

    def test_a_seeder_has_the_files_that_it_offers(self) -> None:
        self.assertEqual(text(HAS, ORIGINAL), "3 files")
        self.assertEqual(text(HAS, replace(ORIGINAL, files=0)), "")

    def test_those_with_least_come_first_and_seeders_after_all_leechers(self) -> None:
        some = saying(transfers=(TransferStatus("a", 9, 100, 1.0, ""),))
        whole = saying(transfers=(TransferStatus("a", 100, 100, 1.0, ""),))
        keys = [HAS.key(one) for one in (LEECHER, some, whole, ORIGINAL)]
        self.assertEqual(keys, sorted(keys, key=float))
        self.assertEqual(len(set(keys)), 4)

    def test_the_reason_stands_with_the_state_or_in_a_column_of_its_own(self) -> None:
        full = saying("waiting", reason="disk full")
        self.assertEqual(text(STATE_WITH_REASON, full), "Waiting: disk full")
        self.assertEqual((text(STATE, full), text(WHY_IT_WAITS, full)), ("Waiting", "disk full"))
        stuck = (TransferStatus("Course", 0, 1, 0.0, "in line", "every slot is taken"),)
        self.assertEqual(text(STATE_WITH_REASON, saying(transfers=stuck)), "every slot is taken")

    def test_a_firewall_is_said(self) -> None:
        behind = replace(LEECHER, is_reachable=False)
        self.assertEqual(text(STATE_WITH_REASON, behind), "Downloading, behind a firewall")
        self.assertEqual(text(WHY_IT_WAITS, behind), "cannot be reached from outside")
        both = replace(behind, status=Status("waiting", reason="disk full"))
        self.assertEqual(text(WHY_IT_WAITS, both), "disk full; cannot be reached from outside")

    def test_a_seeder_without_a_free_slot_says_what_that_means(self) -> None:
        away = replace(LEECHER, is_leecher=False, status=Status("away"))
        self.assertEqual(text(STATE, away), "Away: every slot is taken")
        self.assertEqual(text(STATE, replace(away, is_leecher=True)), "Away")
        self.assertEqual(text(STATE, ORIGINAL), "Original program")

    def test_those_without_a_name_come_last_and_are_called_by_their_address(self) -> None:
        self.assertEqual((text(COMPUTER, ORIGINAL), text(NAME, ORIGINAL)), ("", str(ADDRESS)))
        self.assertGreater(str(COMPUTER.key(ORIGINAL)), str(COMPUTER.key(saying(name="zz"))))

    def test_words_from_the_wire_are_escaped_and_cut(self) -> None:
        hostile = saying(
            name="pc\u202e" * 50,
            state="x" * 1_000,
            reason="a\nb",
            transfers=(TransferStatus("t\u202e" * 99, 0, 1, 0.0, ""),),
        )
        for column in (*in_window(lambda: 100.0), *IN_TERMINAL):
            cell = text(column, hostile)
            with self.subTest(column=column.title):
                self.assertNotIn("\u202e", cell)
                self.assertNotIn("\n", cell)
                self.assertLess(len(cell), 200)
