"""The trackers of the network: how long a command looks for them, and which one it uses."""

from __future__ import annotations

import time
import unittest
from collections.abc import Mapping
from typing import Any
from unittest import mock

from roles.values.addresses import Address
from roles.values.errors import StorageError, UserInputError
from roles.values.events import Post, RoleEvent, RoleStopped, TrackersFound
from roles.values.findings import FoundTracker
from roles.values.settings import Failover
from tests.support import at_once
from tests.terminals import printed
from ui.terminal import tracker_choice
from ui.terminal.output import Output
from ui.terminal.session import Session
from ui.terminal.tracker_choice import ChosenTracker, chosen_tracker

OURS = FoundTracker(Address("192.168.1.5", 12500), "lab-pc-01", False)
OTHER = FoundTracker(Address("192.168.1.4", 12500), "lab-pc-02", False)
ORIGINAL = FoundTracker(Address("192.168.1.3", 12500), "", True)


class TrackerChoiceTest(unittest.TestCase):
    def choose(
        self,
        *found: FoundTracker,
        typed: Address | None = None,
        environment: Mapping[str, str] | None = None,
        answer: str | None = None,
    ) -> tuple[Any, str]:
        """The chosen one, and what was said."""

        with (
            mock.patch.object(tracker_choice, "found_trackers", return_value=found),
            mock.patch.object(tracker_choice, "can_ask", return_value=answer is not None),
            mock.patch.object(Session, "ask", return_value=answer),
        ):
            seen = printed(lambda output: chosen_tracker(typed, output, environment or {}))
        return seen.result, seen.out

    def test_one_that_was_named_is_taken_without_a_search(self) -> None:
        typed = Address("10.0.0.1", 1)
        self.assertEqual(self.choose(OURS, typed=typed), (ChosenTracker(typed, Failover.SAME), ""))
        named = {"LMK_TRACKER": "10.0.0.2:5"}
        expected = ChosenTracker(Address("10.0.0.2", 5), Failover.SAME)
        self.assertEqual(self.choose(OURS, environment=named), (expected, ""))

    def test_without_discovery_it_is_this_computer(self) -> None:
        off, typed = {"LMK_DISCOVER": "off"}, Address("10.0.0.1", 1)
        here = ChosenTracker(Address("127.0.0.1", 12500), Failover.NOWHERE)
        self.assertEqual(self.choose(OURS, environment=off), (here, ""))
        expected = ChosenTracker(typed, Failover.NOWHERE)
        self.assertEqual(self.choose(OURS, typed=typed, environment=off), (expected, ""))

    def test_one_that_is_found_is_taken_and_said(self) -> None:
        said = "Found the tracker lab-pc-01 (192.168.1.5:12500).\n"
        self.assertEqual(self.choose(OURS), (ChosenTracker(OURS.address, Failover.ANY), said))

    def test_without_any_it_is_this_computer_and_that_is_said(self) -> None:
        chosen, said = self.choose()
        self.assertEqual(chosen, ChosenTracker(Address("127.0.0.1", 12500), Failover.ANY))
        self.assertIn("No tracker was found", said)

    def test_of_several_the_first_that_is_ours_is_taken_where_nobody_can_be_asked(self) -> None:
        chosen, said = self.choose(ORIGINAL, OTHER, OURS)
        self.assertEqual(chosen, ChosenTracker(OURS.address, Failover.ANY))
        self.assertIn("Found 3 trackers; using the tracker lab-pc-01", said)

    def test_a_person_is_asked_by_number(self) -> None:
        chosen, said = self.choose(ORIGINAL, OURS, answer="2")
        self.assertEqual(chosen.address, ORIGINAL.address)
        self.assertIn("   2  the original tracker 192.168.1.3:12500\n", said)
        self.assertEqual(self.choose(ORIGINAL, OURS, answer="")[0].address, OURS.address)
        for answer in ("3", "0", "x", "1 2", "1-2"):
            with self.subTest(answer=answer), self.assertRaisesRegex(UserInputError, "1 to 2"):
                self.choose(ORIGINAL, OURS, answer=answer)


class Answers:
    """A role that posts these when it starts, and then nothing."""

    def __init__(self, *events: RoleEvent) -> None:
        self.events = events
        self.is_stopped = False

    def __call__(self, post: Post) -> Answers:
        self._post = post
        return self

    def start(self) -> None:
        for event in self.events:
            self._post(event)

    def stop(self) -> None:
        self.is_stopped = True

    def join(self, timeout_s: float) -> bool:
        return timeout_s >= 0


class SearchTest(unittest.TestCase):
    def search(
        self, role: Answers, seconds: float, *, for_all: bool = False
    ) -> tuple[FoundTracker, ...]:
        with (
            mock.patch("roles.discovery.Discovery", role),
            mock.patch.object(tracker_choice, "FIND_S", seconds),
        ):
            return tracker_choice.found_trackers(Output(), for_all=for_all)

    def test_it_ends_early_when_one_of_ours_answered(self) -> None:
        role = Answers(TrackersFound((ORIGINAL, OURS)))
        with at_once():
            self.assertEqual(self.search(role, 60), (ORIGINAL, OURS))
        self.assertTrue(role.is_stopped)

    def test_the_newest_answer_counts_and_all_have_their_time(self) -> None:
        role = Answers(TrackersFound((OURS,)), TrackersFound((OURS, ORIGINAL)))
        began = time.monotonic()
        self.assertEqual(self.search(role, 0.7, for_all=True), (OURS, ORIGINAL))
        self.assertGreater(time.monotonic() - began, 0.6)

    def test_nobody_is_found_where_nobody_answers_or_nobody_can_be_asked(self) -> None:
        refused = StorageError("This computer has no network.")
        for events in ((), (RoleStopped(),), (RoleStopped(refused),)):
            with self.subTest(events=events):
                self.assertEqual(self.search(Answers(*events), 0.1), ())
