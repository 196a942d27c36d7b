"""How long `get` waits for a tracker and its list: events that a test gives it."""

from __future__ import annotations

import unittest
from typing import Any, cast
from unittest import mock

from roles.leecher import Leecher
from roles.values.addresses import Address
from roles.values.errors import ListNotPassedError, TrackerSilentError
from roles.values.events import (
    FilesListed,
    ListFailed,
    RoleEvent,
    RoleStarted,
)
from roles.values.settings import Failover
from tests.terminals import Printed, folder_of, printed, room
from ui.terminal import get_command, list_command
from ui.terminal.session import Session

TRACKER = Address("10.0.0.5", 12500)
SILENT = ListFailed(TRACKER, TrackerSilentError("No tracker answers."))
EMPTY, FULL = room(), room(folder_of("1" * 16, "lesson", "a"))


class AwaitedListTest(unittest.TestCase):
    def await_list(
        self, failover: Failover, *events: RoleEvent, patience_s: float = 60.0
    ) -> Printed:
        """Give these, one after the other."""
        told = iter(events)
        session = mock.Mock(next_event=lambda: next(told))
        self.leecher = mock.Mock(spec=Leecher)

        def work(output: Any) -> FilesListed:
            return get_command.awaited_list(
                cast("Session", session), self.leecher, output, failover
            )

        with (
            mock.patch.object(get_command, "GIVE_UP_AFTER_S", patience_s),
            mock.patch.object(get_command, "LIST_AGAIN_S", 0.0),
        ):
            return printed(work)

    def test_the_first_list_is_taken_also_an_empty_one(self) -> None:
        for listed in (EMPTY, FULL):
            for failover in Failover:
                self.assertIs(self.await_list(failover, RoleStarted(), listed).result, listed)

    def test_a_tracker_that_was_named_is_not_waited_for(self) -> None:
        with self.assertRaisesRegex(TrackerSilentError, "No tracker answers"):
            self.await_list(Failover.SAME, SILENT, FULL)

    def test_the_list_of_any_tracker_that_answered_is_asked_for_again(self) -> None:
        lost = ListFailed(TRACKER, ListNotPassedError("It hung up."))
        for failover in Failover:
            seen = self.await_list(failover, lost, lost, FULL)
            self.assertIs(seen.result, FULL)
            self.assertEqual(seen.out, "It hung up. Still searching for 60 s.\n")
        self.assertIs(self.await_list(Failover.SAME, lost, EMPTY, FULL).result, EMPTY)
        with self.assertRaises(ListNotPassedError):
            self.await_list(Failover.SAME, lost, lost, patience_s=0.0)

    def test_a_list_that_is_only_shown_is_asked_for_again_as_well(self) -> None:
        lost = ListFailed(TRACKER, ListNotPassedError("It hung up."))
        told = iter((lost, lost, FULL, lost, SILENT))
        session = cast("Session", mock.Mock(next_event=lambda: next(told)))
        self.assertIs(list_command.wait_for_list(session), FULL)
        with self.assertRaisesRegex(TrackerSilentError, "No tracker answers"):
            list_command.wait_for_list(session)
        told = iter((lost, FULL))
        with (
            mock.patch.object(list_command, "LOOKING_ON_S", -1.0),
            self.assertRaises(ListNotPassedError),
        ):
            list_command.wait_for_list(session)

    def test_one_that_is_looked_for_may_start_later_and_its_seeder_later_still(self) -> None:
        seen = self.await_list(Failover.ANY, SILENT, SILENT, EMPTY, FULL)
        self.assertIs(seen.result, FULL)
        self.assertEqual(self.leecher.refresh.call_count, 1)
        self.assertEqual(seen.out, "No tracker answers. Still searching for 60 s.\n")

    def test_it_is_not_waited_for_ever(self) -> None:
        with self.assertRaises(TrackerSilentError):
            self.await_list(Failover.ANY, SILENT, patience_s=0.0)
