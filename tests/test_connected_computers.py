"""The computers that are connected for a download."""

from __future__ import annotations

import unittest

from roles.values.addresses import Address
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.events import DownloadChanged, DownloadState, Source, Upload
from roles.values.watched import Watched, WatchedPeer
from ui import connected_computers

CONTENT = Content(bytes(32), 4 * MIN_CHUNK_SIZE, MIN_CHUNK_SIZE)
TEACHER, STUDENT = Address("10.0.0.1", 12501), Address("10.0.0.7", 12501)
MB = 1_000_000


def holder(address: Address, name: str, has: int | None = None, **rest: object) -> WatchedPeer:
    everything = {"rate": 0.0, "coming": 0, "is_sending": False, **rest}
    return WatchedPeer(address, name, has, **everything)  # type: ignore[arg-type]


def watched(*holders: WatchedPeer, have: int = 0) -> Watched:
    return Watched("a", "", CONTENT, have, 0, holders, None)


class ConnectedComputersTest(unittest.TestCase):
    def test_several_connections_to_one_computer_are_one_row(self) -> None:
        told = watched(
            holder(TEACHER, "Teacher", 0b1111, rate=2.0 * MB, is_sending=True),
            holder(TEACHER, "Teacher", None, rate=1.0 * MB),
            holder(STUDENT, "Student", 0b0011, position=2),
        )
        teacher, student = connected_computers.of_swarm(told, ())
        self.assertEqual((teacher.percent, teacher.down, teacher.state), (100, 3 * MB, "Sending"))
        self.assertEqual((student.percent, student.state), (50, "In the queue (position 2)"))

    def test_what_a_computer_takes_from_here_stands_beside_what_it_sends(self) -> None:
        upload = Upload(Address(STUDENT.host, 50_000), "a", 1, 0, 4.0 * MB, "Student")
        told = watched(holder(STUDENT, "Student", 0b1, rate=5.0, is_sending=True))
        [student] = connected_computers.of_swarm(told, (upload,))
        self.assertEqual((student.up, student.state), (4 * MB, "Sending and taking"))

    def test_a_damaged_piece_and_nothing_to_give_are_said(self) -> None:
        told = watched(
            holder(TEACHER, "Teacher", 0b1111, damaged=1, damaged_again_s=1.6, is_sending=True),
            holder(STUDENT, "Student", 0b0001),
            have=0b0001,
        )
        teacher, student = connected_computers.of_swarm(told, ())
        self.assertEqual((teacher.state, teacher.is_bad), ("Damaged piece, retry in 2 s", True))
        self.assertEqual(student.state, "Has nothing that you lack")

    def test_the_holders_of_a_piece_are_named(self) -> None:
        told = watched(holder(TEACHER, "Teacher", 0b1111), holder(STUDENT, "", 0b0001))
        self.assertEqual(connected_computers.holders_of(told, 0), ["10.0.0.7:12501", "Teacher"])
        self.assertEqual(connected_computers.holders_of(told, 3), ["Teacher"])

    def test_originals_say_nothing_of_what_they_have(self) -> None:
        source = Source(TEACHER, 5, 2.0, is_sending=True, computer="")
        download = DownloadChanged("a", DownloadState.DOWNLOADING, 9, 3, 2.0, 3.0, (source,))
        [row] = connected_computers.of_originals(download)
        self.assertEqual((row.percent, row.state), (None, "Sending"))
