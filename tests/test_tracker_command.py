"""What `tracker` says of the room, a line each or as a table."""

from __future__ import annotations

import unittest
from typing import Any

from roles.values.addresses import Address
from roles.values.events import NetworkChanged, RoleEvent, RoomChanged
from roles.values.participants import Participant, Status
from tests.terminals import printed
from ui.terminal.output import Output
from ui.terminal.tracker_command import TABLE_S, TrackerReport, room_table

HERE = Address("127.0.0.1", 12501)
TEACHER = Address("192.168.1.5", 12501)
PUPIL = Address("192.168.1.7", 12501)
ORIGINAL = Address("192.168.1.9", 12501)


def seeder(address: Address, name: str = "", files: int = 0, **more: Any) -> Participant:
    return Participant(address, 0.0, name=name, files=files, **more)


def room(*participants: Participant) -> RoomChanged:
    return RoomChanged(participants)


LEECHER = Participant(
    PUPIL,
    0.0,
    is_leecher=True,
    name="lab-pc-07",
    status=Status("downloading", (), 4_000_000, 3_400_000),
)


class TrackerReportTest(unittest.TestCase):
    def told(self, *rooms: RoleEvent) -> list[str]:
        def work(output: Output) -> None:
            report = TrackerReport(output)
            for one in rooms:
                report.tell(one)

        return printed(work).out.splitlines()

    def test_a_seeder_has_a_line_when_it_comes_and_when_it_goes(self) -> None:
        self.assertEqual(
            self.told(room(seeder(TEACHER, "teacher", 10_000)), room()),
            [
                "teacher (192.168.1.5:12501) offers 10,000 files",
                "teacher (192.168.1.5:12501) has left",
            ],
        )

    def test_one_on_this_computer_is_called_by_its_port(self) -> None:
        here = room(seeder(HERE, "lab-pc-01", 1))
        self.assertEqual(self.told(here), ["this computer, port 12501 offers 1 file"])

    def test_a_leecher_is_said_to_be_one(self) -> None:
        self.assertEqual(
            self.told(room(LEECHER), room(LEECHER), room()),
            [
                "lab-pc-07 (192.168.1.7:12501) joined as a leecher",
                "lab-pc-07 (192.168.1.7:12501) has left",
            ],
        )

    def test_who_cannot_be_reached_is_told_once(self) -> None:
        behind = seeder(TEACHER, "teacher", is_reachable=False)
        lines = self.told(room(behind), room(behind))
        self.assertEqual(lines, ["teacher (192.168.1.5:12501) cannot be reached from outside"])

    def test_with_another_address_of_this_computer_others_type_another_one(self) -> None:
        now = Address("10.0.0.11", 12500)
        lines = self.told(NetworkChanged(("10.0.0.1",), ("10.0.0.11",), for_others=now))
        self.assertEqual(lines, ["Others type 10.0.0.11:12500 now."])
        self.assertEqual(self.told(NetworkChanged(held_up_s=9.0, for_others=now)), [])

    def test_the_room_is_shown_every_few_seconds_when_it_changed(self) -> None:
        now = [0.0]

        def work(output: Output) -> list[int]:
            report = TrackerReport(output, shows_room=True, clock=lambda: now[0])
            shown = []
            for changed in (room(LEECHER), room(), None, room(), None):
                if changed is not None:
                    report.tell(changed)
                now[0] += TABLE_S / 2
                report.pass_time()
                shown.append(len(report._table))
            return shown

        seen = printed(work)
        self.assertEqual(seen.out.count("Why it waits"), 2)
        self.assertEqual(seen.result[-1], 1)


class RoomTableTest(unittest.TestCase):
    def test_everyone_has_a_line_and_the_columns_are_straight(self) -> None:
        behind = seeder(
            TEACHER, "teacher", 3, status=Status("available", up=8_000_000), is_reachable=False
        )
        original = seeder(ORIGINAL, is_original=True)
        self.assertEqual(
            room_table(room(LEECHER, original, behind)),
            [
                "Name               Role     State             Has            Up      Down  "
                "Why it waits",
                "teacher            Seeder   Available         3 files  8.0 MB/s            "
                "cannot be reached from outside",
                "192.168.1.9:12501  Seeder   Original program",
                "lab-pc-07          Leecher  Downloading                4.0 MB/s  3.4 MB/s",
            ],
        )

    def test_what_strangers_say_of_themselves_is_made_safe(self) -> None:
        hostile = seeder(PUPIL, "a\nb\x1b[2J", status=Status(reason="x\u202ey" * 99))
        table = room_table(room(hostile))
        self.assertEqual(len(table), 2)
        self.assertTrue(table[1].isprintable())
        self.assertLess(len(table[1]), 150)
