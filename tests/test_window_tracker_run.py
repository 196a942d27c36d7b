"""What a run of the tracker notes of its role's events, and says of them; no window, no role."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import UserInputError
from roles.values.events import (
    CodeChanged,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
)
from roles.values.settings import TrackerSettings
from ui.toned_text import TonedText
from ui.window.running_roles import RunState
from ui.window.tracker_run import ONLY_HERE, TrackerRun

EVERYWHERE = Address("0.0.0.0", 12500)
HERE, THEN = Address("10.9.9.9", 12500), Address("10.9.9.10", 12500)


class TrackerRunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.told = list[RoleEvent]()
        self.run_ = self.started()

    def started(self, settings: TrackerSettings | None = None) -> TrackerRun:
        return TrackerRun(
            mock.Mock(), settings or TrackerSettings(), lambda _run, event: self.told.append(event)
        )

    def said(self, *, other: str = "", is_alone: bool = True) -> TonedText:
        return self.run_.sentence(other=other, is_alone=is_alone)

    def test_programs_here_reach_it_by_loopback_and_others_by_its_address(self) -> None:
        self.run_.take(RoleStarted(EVERYWHERE, HERE, web="http://10.9.9.9:12500/"))
        self.assertIs(self.run_.state, RunState.RUNNING)
        self.assertEqual(self.run_.own, Address(LOOPBACK, 12500))
        self.assertEqual((self.run_.for_others, self.run_.is_only_here), (HERE, False))
        self.run_.take(NetworkChanged(gone=(HERE.host,), come=(THEN.host,), for_others=THEN))
        self.assertEqual((self.run_.for_others, self.run_.web), (THEN, f"http://{THEN}/"))

    def test_one_network_is_missed_until_it_is_back(self) -> None:
        self.run_.take(RoleStarted(HERE, HERE))
        self.run_.take(NetworkChanged(gone=(HERE.host,), for_others=HERE))
        self.assertEqual(self.said()[1], "Bad")
        self.run_.take(NetworkChanged(come=(HERE.host,), for_others=HERE))
        self.assertIn("find it by themselves", self.said()[0])

    def test_the_hint_ends_when_others_are_here(self) -> None:
        self.run_.take(RoleStarted(EVERYWHERE, HERE, note="Port 5 is in use."))
        self.assertEqual(self.said(is_alone=False), ("Port 5 is in use.", "Muted"))

    def test_another_tracker_is_named_unless_this_one_is_for_this_computer_only(self) -> None:
        self.run_.take(RoleStarted(EVERYWHERE, HERE))
        self.assertIn("Teacher-PC runs a tracker too", self.said(other="Teacher-PC")[0])
        only_here = Address(LOOPBACK, 12500)
        self.run_.take(RoleStarted(only_here, only_here))
        self.assertIn("Only this computer can use it", self.said(other="Teacher-PC")[0])

    def test_a_weak_code_is_a_warning(self) -> None:
        self.run_ = self.started(TrackerSettings(offers_here=True))
        self.run_.take(RoleStarted(EVERYWHERE, HERE, code="482177305"))
        self.assertTrue(self.said()[0].endswith(ONLY_HERE))
        self.run_.take(CodeChanged("123456"))
        self.assertEqual(self.said()[1], "Warning")

    def test_nothing_is_left_of_a_room_when_it_has_ended_but_why(self) -> None:
        self.run_.take(RoleStarted(EVERYWHERE, HERE, code="482177305"))
        self.run_.take(RoomChanged(file_count=3))
        self.run_.take(RoleStopped(UserInputError("Port 5 is taken.")))
        self.assertEqual((self.run_.addresses, self.run_.code), ([], ""))
        self.assertEqual(self.run_.room, RoomChanged())
        self.assertEqual(self.said(), ("Port 5 is taken.", "Bad"))
        self.assertEqual(len(self.told), 3)
