"""How long a command looks for trackers, and whom it finds."""

from __future__ import annotations

import time
import unittest

from roles.values.addresses import Address
from roles.values.errors import StorageError
from roles.values.events import FoundTracker, Post, RoleEvent, RoleStopped, TrackersFound
from tests.support import at_once
from ui.terminal.tracker_search import search

OURS = FoundTracker(Address("192.168.1.5", 12500), "lab-pc-01", False)
ORIGINAL = FoundTracker(Address("192.168.1.3", 12500), "", True)


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
    def test_it_ends_early_when_one_of_ours_answered(self) -> None:
        role = Answers(TrackersFound((ORIGINAL, OURS)))
        with at_once():
            self.assertEqual(search(role, 60, for_all=False), (ORIGINAL, OURS))
        self.assertTrue(role.is_stopped)

    def test_the_newest_answer_counts_and_all_have_their_time(self) -> None:
        role, began = Answers(TrackersFound((OURS,)), TrackersFound((OURS, ORIGINAL))), time.time()
        self.assertEqual(search(role, 0.7, for_all=True), (OURS, ORIGINAL))
        self.assertGreater(time.time() - began, 0.6)

    def test_nobody_is_found_where_nobody_answers_or_nobody_can_be_asked(self) -> None:
        refused = StorageError("This computer has no network.")
        for events in ((), (RoleStopped(),), (RoleStopped(refused),)):
            with self.subTest(events=events):
                self.assertEqual(search(Answers(*events), 0.1, for_all=False), ())
