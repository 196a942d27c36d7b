"""The room of a tracker as rows: who is there, what they do, and what keeps them."""

from __future__ import annotations

import unittest
from typing import Any

from roles.values.addresses import Address
from roles.values.events import ListedSeeder, RoomChanged, RoomMember, SeederState, Transfer
from ui.window.room_rows import MEMBER_COLUMNS, member_row, room_rows, seeder_row, seeders_in

PLACE = Address("10.0.0.7", 12501)


def member(**changes: Any) -> RoomMember:
    everything: dict[str, Any] = {
        "name": "lab-pc-07",
        "address": PLACE,
        "is_leecher": True,
        "state": "downloading",
        "up": 0,
        "down": 2_000_000,
        "reason": "",
        "transfers": (),
        "is_reachable": True,
        "last_ping": 96.0,
        **changes,
    }
    return RoomMember(**everything)


class MemberRowTest(unittest.TestCase):
    def test_what_a_member_says_of_itself(self) -> None:
        transfers = (Transfer("Course", 40, 100, 1.0, "downloading"), Transfer("b", 0, 9, 0.0, ""))
        row = member_row(member(transfers=transfers), 100.0)
        self.assertEqual(
            row.cells,
            (
                "lab-pc-07",
                "10.0.0.7:12501",
                "Leecher",
                "Downloading",
                "40 % of Course, +1",
                "",
                "2.0 MB/s",
                "0:04 ago",
            ),
        )
        self.assertEqual(len(row.cells), len(MEMBER_COLUMNS))
        self.assertEqual(len(row.keys), len(MEMBER_COLUMNS))

    def test_the_reason_stands_with_the_state(self) -> None:
        row = member_row(member(state="waiting", reason="disk full"), 100.0)
        self.assertEqual((row.cells[3], row.tone), ("Waiting: disk full", "Warning"))
        stuck = (Transfer("Course", 0, 1, 0.0, "in line", "every slot is taken"),)
        row = member_row(member(state="", transfers=stuck), 100.0)
        self.assertEqual(row.cells[3], "every slot is taken")

    def test_a_firewall_is_said(self) -> None:
        row = member_row(member(is_reachable=False), 100.0)
        self.assertEqual(row.cells[3], "Downloading, behind a firewall")

    def test_words_from_the_wire_are_escaped_and_cut(self) -> None:
        hostile = member(
            name="pc\u202e" * 50,
            state="x" * 1_000,
            reason="a\nb",
            transfers=(Transfer("t\u202e" * 99, 0, 1, 0.0, ""),),
        )
        for cell in member_row(hostile, 100.0).cells:
            self.assertNotIn("\u202e", cell)
            self.assertNotIn("\n", cell)
            self.assertLess(len(cell), 200)

    def test_an_original_seeder_stays_in_the_room_and_nobody_is_there_twice(self) -> None:
        original = ListedSeeder(Address("10.0.0.8", 12501), True, None, 3, 99.0)
        same = ListedSeeder(PLACE, False, SeederState.AVAILABLE, 5, 99.0)
        rows = room_rows((member(),), (original, same), 100.0)
        self.assertEqual(list(rows), ["10.0.0.7:12501", "10.0.0.8:12501"])
        self.assertEqual(
            rows["10.0.0.8:12501"].cells,
            ("", "10.0.0.8:12501", "Seeder", "Original program", "3 files", "", "", "now"),
        )

    def test_each_seeder_counts_once_and_no_leecher(self) -> None:
        seeder = member(address=Address("10.0.0.9", 12501), is_leecher=False)
        same = ListedSeeder(seeder.address, False, SeederState.AVAILABLE, 5, 99.0)
        original = ListedSeeder(Address("10.0.0.8", 12501), True, None, 3, 99.0)
        room = RoomChanged((same, original), (), 0, members=(member(), seeder))
        self.assertEqual(seeders_in(room), 2)

    def test_those_without_a_name_come_last(self) -> None:
        nameless = seeder_row(ListedSeeder(PLACE, True, None, 0, 99.0), 100.0)
        self.assertGreater(str(nameless.keys[0]), str(member_row(member(name="zz"), 100.0).keys[0]))
