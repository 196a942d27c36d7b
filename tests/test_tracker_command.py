"""What `tracker` says of the room, a line each or as a table."""

from __future__ import annotations

import unittest
from dataclasses import replace
from typing import Any

from roles.values.addresses import Address
from roles.values.computers import computers_of
from roles.values.events import (
    Guesser,
    GuessersChanged,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoomChanged,
)
from roles.values.participants import Participant, ParticipantState, Status, TransferStatus
from tests.terminals import on_screen, printed
from ui.qr_code import half_blocks, qr_code
from ui.terminal.colour import painted
from ui.terminal.output import Output
from ui.terminal.room_table import room_table
from ui.terminal.tracker_command import TABLE_S, TrackerReport

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
            report = TrackerReport(output, clock=lambda: 0.0)
            for room in rooms:
                report.tell(room)

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
                "lab-pc-07 (192.168.1.7:12501) joined",
                "lab-pc-07 (192.168.1.7:12501) has left",
            ],
        )

    def test_who_cannot_be_reached_is_told_once(self) -> None:
        behind = seeder(TEACHER, "teacher", is_reachable=False)
        lines = self.told(room(behind), room(behind))
        self.assertEqual(
            lines, ["teacher (192.168.1.5:12501) is behind a firewall: others cannot connect to it"]
        )

    def test_with_another_address_of_this_computer_others_type_another_one(self) -> None:
        now = Address("10.0.0.11", 12500)
        lines = self.told(NetworkChanged(("10.0.0.1",), ("10.0.0.11",), for_others=now))
        self.assertEqual(lines, ["Others type 10.0.0.11:12500 now."])
        self.assertEqual(self.told(NetworkChanged(held_up_s=9.0, for_others=now)), [])

    def test_who_tries_wrong_codes_is_named_once_a_minute(self) -> None:
        told = (
            GuessersChanged((Guesser("10.0.0.9", 1),)),
            GuessersChanged((Guesser("10.0.0.9", 2),)),
        )
        lines = self.told(*told, GuessersChanged(()), told[0])
        self.assertEqual(lines, ["10.0.0.9 is trying wrong codes."] * 2)

    def test_the_address_for_browsers_is_told_if_they_are_served(self) -> None:
        listening, there = Address("0.0.0.0", 12500), Address("10.0.0.1", 12500)
        moved = NetworkChanged(
            ("10.0.0.1",), ("10.0.0.11",), for_others=Address("10.0.0.11", 12500)
        )
        first = "Tracker listening on 0.0.0.0:12500. Others type 10.0.0.1:12500."
        self.assertEqual(
            self.told(RoleStarted(listening, there, web="http://10.0.0.1:12500/"), moved),
            [
                first,
                "Browsers: http://10.0.0.1:12500/",
                "Others type 10.0.0.11:12500 now.",
                "Browsers: http://10.0.0.11:12500/",
            ],
        )
        self.assertEqual(self.told(RoleStarted(listening, there)), [first])

    def test_a_terminal_shows_the_web_address_as_a_code_too(self) -> None:
        there = Address("192.168.1.5", 12500)
        code = half_blocks(qr_code("http://192.168.1.5:12500/"))

        def work(output: Output) -> None:
            started = RoleStarted(there, there, web="http://192.168.1.5:12500/")
            TrackerReport(output).tell(started)

        shown = on_screen(work).getvalue()
        self.assertIn(painted(code[5], "Picture"), shown)
        self.assertIn("http://192.168.1.5:12500/", shown)
        for screen in (on_screen(work, columns=len(code[0])), on_screen(work, rows=len(code))):
            self.assertNotIn(code[5], screen.getvalue())
        self.assertNotIn(code[5], on_screen(work, NO_COLOR="1").getvalue())
        self.assertNotIn(code[5], printed(work).out)
        self.assertIn("http://192.168.1.5:12500/", printed(work).out)

    def test_no_other_device_is_shown_a_code_that_leads_to_itself(self) -> None:
        here = Address("127.0.0.1", 12500)

        def work(output: Output) -> None:
            started = RoleStarted(here, here, web="http://127.0.0.1:12500/")
            TrackerReport(output).tell(started)

        self.assertNotIn("▀", on_screen(work).getvalue())

    def test_what_became_of_a_download_is_told_once(self) -> None:
        def saying(state: ParticipantState, reason: str = "", **more: Any) -> RoomChanged:
            course = TransferStatus("Course", 9_000, 9_000, 0, "")
            status = Status(
                state, reason=reason, transfers=(course,), machine="a" * 16, have=9_000, size=9_000
            )
            return room(replace(LEECHER, status=status, **more))

        who = "lab-pc-07 (192.168.1.7:12501)"
        self.assertEqual(
            self.told(
                saying(ParticipantState.IDLE),
                saying(ParticipantState.DOWNLOADING),
                saying(ParticipantState.WAITING, "The disk is full"),
                saying(ParticipantState.DOWNLOADING),
                saying(ParticipantState.DONE),
                saying(ParticipantState.DONE),
                saying(ParticipantState.FAILED, "No rights"),
                saying(ParticipantState.DONE, has_left=True),
                saying(ParticipantState.DONE, has_left=True),
            ),
            [
                f"{who} joined",
                f"{who} is downloading Course, 9 kB",
                f"{who} is waiting: The disk is full",
                f"{who} downloaded Course, 9 kB",
                f"{who} failed: No rights",
                f"{who} downloaded Course, 9 kB",
                f"{who} has left",
            ],
        )

    def test_a_computer_that_falls_silent_is_told_as_time_passes(self) -> None:
        now = [0.0]

        def work(output: Output) -> None:
            report = TrackerReport(output, clock=lambda: now[0])
            report.tell(room(replace(LEECHER, status=replace(LEECHER.status, machine="a" * 16))))
            for now[0] in (5.0, 13.0, 14.0):
                report.pass_time()

        lines = printed(work).out.splitlines()
        self.assertEqual(lines[1:], ["lab-pc-07 (192.168.1.7:12501) has gone silent"])

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
        self.assertEqual(seen.out.count("Reason"), 2)
        self.assertEqual(seen.result[-1], 2)

    def test_on_a_terminal_the_table_stays_below_and_is_drawn_over_itself(self) -> None:
        now = [0.0]

        def work(output: Output) -> None:
            report = TrackerReport(output, shows_room=True, clock=lambda: now[0])
            for changed in (room(LEECHER), room(LEECHER, seeder(TEACHER, "teacher", 3)), room()):
                now[0] += 10.0
                report.tell(replace_pings(changed, now[0]))
                report.pass_time()

        self.assertEqual(
            on_screen(work).lines,
            [
                "lab-pc-07 (192.168.1.7:12501) joined",
                "teacher (192.168.1.5:12501) offers 3 files",
                "lab-pc-07 (192.168.1.7:12501) has left",
                "teacher (192.168.1.5:12501) has left",
                "Computer  State  Has  Down  Up  Left  Gave  Reason",
                "Nobody has joined to download yet.",
            ],
        )


def replace_pings(changed: RoomChanged, now: float) -> RoomChanged:
    """As if everyone had just pinged."""
    return RoomChanged(tuple(replace(program, last_ping=now) for program in changed.participants))


class RoomTableTest(unittest.TestCase):
    def test_everyone_has_a_line_and_the_columns_are_straight(self) -> None:
        behind = seeder(
            TEACHER, "teacher", 3, status=Status("giving", up=8_000_000), is_reachable=False
        )
        original = seeder(ORIGINAL, is_original=True)
        self.assertEqual(
            [line.text for line in room_table(computers_of((LEECHER, original, behind), now=0.0))],
            [
                "Computer           State             Has          Down        Up  Left  Gave  "
                "Reason",
                "teacher            Sharing           3 files            8.0 MB/s              "
                "behind a firewall",
                "192.168.1.9:12501  Original program",
                "lab-pc-07          Downloading                3.4 MB/s  4.0 MB/s",
            ],
        )

    def test_the_colour_of_a_line_says_how_it_goes(self) -> None:
        for state, tone in (("failed", "Bad"), ("waiting", "Warning"), ("downloading", "Accent")):
            with self.subTest(state=state):
                program = replace(LEECHER, status=Status(state, machine="a" * 16))
                table = room_table(computers_of((program,), now=0.0))
                self.assertEqual([line.tone for line in table], ["Heading", tone])

    def test_what_strangers_say_of_themselves_is_made_safe(self) -> None:
        hostile = seeder(PUPIL, "a\nb\x1b[2J", status=Status(reason="x\u202ey" * 99))
        table = room_table(computers_of((hostile,), now=0.0))
        self.assertEqual(len(table), 2)
        self.assertTrue(table[1].text.isprintable())
        self.assertLess(len(table[1].text), 150)
