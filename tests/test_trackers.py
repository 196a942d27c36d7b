"""The trackers of the network: how long a command looks for them, and which one it uses."""

from __future__ import annotations

import os
import time
import unittest
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from roles.program.profile import Profile
from roles.values.addresses import Address
from roles.values.errors import StorageError, TrackerSilentError, UserInputError
from roles.values.events import Post, RoleEvent, RoleStopped, TrackersFound
from roles.values.findings import FoundTracker
from roles.values.settings import Failover
from tests.support import at_once
from tests.terminals import printed
from ui.terminal import trackers
from ui.terminal.output import Output
from ui.terminal.session import Session
from ui.terminal.trackers import ChosenTracker, chosen_tracker

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
            mock.patch.object(trackers, "found_trackers", return_value=found),
            mock.patch.object(trackers, "can_ask", return_value=answer is not None),
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


class TrackersTest(unittest.TestCase):
    def test_each_has_a_line_ours_first(self) -> None:
        seen = printed(lambda output: trackers.print_trackers([ORIGINAL, OURS], output))
        self.assertEqual(
            seen.out,
            "192.168.1.5:12500      lab-pc-01\n192.168.1.3:12500      (original)\n",
        )

    def test_json_says_which_is_an_original(self) -> None:
        seen = printed(lambda output: trackers.print_trackers([OURS], output), as_json=True)
        expected = {"event": "tracker", "name": "lab-pc-01", "address": "192.168.1.5:12500"}
        self.assertEqual(seen.events, [expected | {"original": False, "private": False}])

    def test_private_rooms_are_named_as_such_and_come_after_open_ones(self) -> None:
        private = FoundTracker(Address("192.168.1.2", 12500), "", False, is_private=True)
        seen = printed(lambda output: trackers.print_trackers([private, OURS], output))
        self.assertEqual(
            seen.out,
            "192.168.1.5:12500      lab-pc-01\n192.168.1.2:12500      (private)\n",
        )

    def test_none_is_an_error(self) -> None:
        with self.assertRaisesRegex(TrackerSilentError, "Name one of another network with --trac"):
            trackers.print_trackers([], Output())

    def test_it_asks_nobody_when_discovery_is_off(self) -> None:
        with (
            mock.patch.dict(os.environ, LMK_DISCOVER="off"),
            self.assertRaisesRegex(UserInputError, "LMK_DISCOVER"),
        ):
            trackers.run(Namespace(), Profile(Path(), Path()), Output())


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
            mock.patch.object(trackers, "FIND_S", seconds),
        ):
            return trackers.found_trackers(Output(), for_all=for_all)

    def test_it_ends_early_when_one_of_ours_answered(self) -> None:
        role = Answers(TrackersFound((ORIGINAL, OURS)))
        with at_once():
            self.assertEqual(self.search(role, 60), (ORIGINAL, OURS))
        self.assertTrue(role.is_stopped)

    def test_the_newest_answer_counts_and_all_have_their_time(self) -> None:
        role, began = Answers(TrackersFound((OURS,)), TrackersFound((OURS, ORIGINAL))), time.time()
        self.assertEqual(self.search(role, 0.7, for_all=True), (OURS, ORIGINAL))
        self.assertGreater(time.time() - began, 0.6)

    def test_nobody_is_found_where_nobody_answers_or_nobody_can_be_asked(self) -> None:
        refused = StorageError("This computer has no network.")
        for events in ((), (RoleStopped(),), (RoleStopped(refused),)):
            with self.subTest(events=events):
                self.assertEqual(self.search(Answers(*events), 0.1), ())
