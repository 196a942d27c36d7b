"""Who is in the room of another computer's tracker."""

from __future__ import annotations

import time
import unittest
from unittest import mock

from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, TrackerSilentError
from roles.values.events import RoleStopped, RoomChanged
from roles.values.participants import Participant
from ui.window.room_watch import AGAIN_S, RoomWatch

TRACKER = Address("192.168.1.2", 12500)
OTHER_TRACKER = Address("192.168.1.3", 12500)
STUDENT = Address("192.168.1.7", 12502)


class RoomWatchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.context = mock.Mock()
        self.start = self.context.roles.start
        self.room = RoomWatch(self.context)

    def test_a_tracker_is_asked_once_until_nobody_wants_to_know(self) -> None:
        self.room.watch(None)
        self.start.assert_not_called()
        self.room.watch(TRACKER)
        self.room.watch(TRACKER)
        self.start.assert_called_once()
        self.room.watch(None)
        self.start.return_value.stop.assert_called_once_with()
        _, take = self.start.call_args.args
        take(RoleStopped())
        self.room.watch(TRACKER)
        self.assertEqual(self.start.call_count, 2)

    def test_a_tracker_that_cannot_tell_is_left_alone_for_a_while(self) -> None:
        self.context.codes.of.return_value = ""
        self.room.watch(TRACKER)
        _, take = self.start.call_args.args
        take(RoleStopped(TrackerSilentError("It runs an original tracker.")))
        self.room.watch(TRACKER)
        self.start.assert_called_once()
        later = time.monotonic() + AGAIN_S
        with mock.patch.object(time, "monotonic", return_value=later):
            self.room.watch(TRACKER)
        self.assertEqual(self.start.call_count, 2)
        take(RoleStopped(TrackerSilentError("It runs an original tracker.")))
        self.room.watch(Address("192.168.1.3", 12500))
        self.assertEqual(self.start.call_count, 3)

    def test_when_another_tracker_counts_that_one_is_asked_instead(self) -> None:
        self.room.watch(TRACKER)
        _, take = self.start.call_args.args
        take(RoomChanged((Participant(STUDENT, time.monotonic(), is_leecher=True),)))
        self.room.watch(OTHER_TRACKER)
        self.start.return_value.stop.assert_called_once_with()
        take(RoleStopped())
        self.room.watch(OTHER_TRACKER)
        self.context.codes.of.assert_called_with(OTHER_TRACKER)
        self.assertEqual(self.room.computers, ())

    def test_it_knows_whom_the_tracker_told_last(self) -> None:
        self.assertEqual(self.room.computers, ())
        self.room.watch(TRACKER)
        _, take = self.start.call_args.args
        student = Participant(STUDENT, time.monotonic(), is_leecher=True, name="lab-pc-07")
        take(RoomChanged((student,)))
        self.assertEqual([computer.name for computer in self.room.computers], ["lab-pc-07"])

    def test_a_code_that_is_refused_is_noted(self) -> None:
        self.context.codes.of.return_value = "482177305"
        self.room.watch(TRACKER)
        _, take = self.start.call_args.args
        refusal = CodeRefusedError("The code is wrong.")
        take(RoleStopped(refusal))
        self.context.codes.refused.assert_called_once_with(TRACKER, "482177305", refusal)
