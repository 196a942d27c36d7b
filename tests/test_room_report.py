"""When the tracker's window is told of the room, and what. See also test_tracker."""

from __future__ import annotations

from unittest import mock

from roles.net.neighbours import Neighbours
from roles.room import room_report
from roles.room.room_report import Limits, RoomReport
from roles.values.addresses import Address
from roles.values.events import RoomChanged
from tests.tracker_tables import TablesTest, pc

SEEDER = Address("10.0.0.1", 12501)


class RoomReportTest(TablesTest):
    def setUp(self) -> None:
        super().setUp()
        self.posted = list[object]()
        neighbours = mock.Mock(spec=Neighbours)
        neighbours.hardware_of.return_value = {}
        self.report = RoomReport(self.registry, self.table, neighbours, self.posted.append)
        limits = mock.patch.object(room_report, "LIMITS", Limits(report_s=0.0, rests=0.0))
        self.enterContext(limits)

    def reported(self) -> list[RoomChanged]:
        """Those since the last call."""
        while self.report.work():
            pass
        reports = [event for event in self.posted if isinstance(event, RoomChanged)]
        self.posted.clear()
        return reports

    def seeder_of_lmk1(self, number: int) -> None:
        origin = pc(number)
        advertised = Address(origin.ip, 12501)
        self.table.add(advertised, origin, now=0.0)

    def test_nothing_is_reported_while_nothing_changes(self) -> None:
        self.assertEqual(len(self.reported()), 1)
        self.assertEqual(self.reported(), [])

    def test_a_change_is_reported_whatever_protocol_it_came_by(self) -> None:
        self.reported()
        self.seeder_of_lmk1(0)
        (room,) = self.reported()
        self.assertEqual([participant.address for participant in room.participants], [SEEDER])
        self.seeder_of_lmk1(1)
        self.assertEqual([len(room.participants) for room in self.reported()], [2])

    def test_pings_alone_are_reported_later(self) -> None:
        self.reported()
        self.registry.pings += 1
        self.assertEqual(self.reported(), [])
        with mock.patch.object(self.report, "_heard_next_at", 0.0):
            self.assertEqual(len(self.reported()), 1)
