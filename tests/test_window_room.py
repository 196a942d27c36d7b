"""The room of a tracker as rows of the window's table."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.events import RoomChanged
from roles.values.participants import Participant, Status, TransferStatus
from ui.window.room_rows import ROOM_COLUMNS, room_rows

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
        rows = room_rows((LEECHER, ORIGINAL), 100.0)
        self.assertEqual(
            {address: row.cells for address, row in rows.items()},
            {
                "10.0.0.7:12501": (
                    "lab-pc-07",
                    "10.0.0.7:12501",
                    "Leecher",
                    "Downloading",
                    "40 % of Course",
                    "",
                    "2.0 MB/s",
                    "0:04 ago",
                ),
                "10.0.0.8:12501": (
                    *("", "10.0.0.8:12501", "Seeder", "Original program", "3 files", "", ""),
                    "now",
                ),
            },
        )
        for row in rows.values():
            self.assertEqual(len(row.cells), len(ROOM_COLUMNS))
            self.assertEqual(len(row.keys), len(ROOM_COLUMNS))

    def test_who_is_kept_from_going_on_stands_out(self) -> None:
        full = replace(LEECHER, status=Status("waiting", reason="disk full"))
        tones = [room_rows((one,), 100.0)[str(ADDRESS)].tone for one in (LEECHER, full)]
        self.assertEqual(tones, ["Plain", "Warning"])

    def test_only_seeders_count_as_seeders(self) -> None:
        seeder = replace(LEECHER, address=Address("10.0.0.9", 12501), is_leecher=False)
        self.assertEqual(RoomChanged((LEECHER, seeder, ORIGINAL)).seeder_count, 2)
