"""The room of a tracker as rows of the window's table."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.events import RoomChanged
from roles.values.participants import Participant, Status, TransferStatus
from ui.room_columns import in_window

ADDRESS = Address("10.0.0.7", 12501)
COURSE = TransferStatus("Course", 40, 100, 1.0, "downloading")
LEECHER = Participant(
    ADDRESS,
    96.0,
    is_leecher=True,
    name="lab-pc-07",
    status=Status("downloading", down=2_000_000, transfers=(COURSE,)),
    is_reachable=True,
)
ORIGINAL = Participant(Address("10.0.0.8", 12501), 99.0, is_original=True, files=3)


class RoomRowsTest(unittest.TestCase):
    def test_everyone_has_a_row_with_a_cell_for_each_column(self) -> None:
        columns = in_window(lambda: 100.0)
        self.assertEqual(
            [tuple(column.text(one) for column in columns) for one in (LEECHER, ORIGINAL)],
            [
                (
                    "lab-pc-07",
                    "10.0.0.7:12501",
                    "Leecher",
                    "Downloading",
                    "40 % of Course",
                    "",
                    "2.0 MB/s",
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
