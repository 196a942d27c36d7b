"""Which trackers answered."""

from __future__ import annotations

import unittest

from roles.joining.found_trackers import FORGET_S, MAX_FOUND, FoundTrackers
from roles.values.addresses import Address
from roles.values.events import FoundTracker


def ours(host: str, name: str = "pc", port: int = 12500) -> FoundTracker:
    return FoundTracker(Address(host, port), name, is_original=False)


class FoundTrackersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.trackers = FoundTrackers()

    def note(self, tracker: FoundTracker, now: float = 0.0, *, is_own: bool = False) -> bool:
        return self.trackers.note(tracker, is_own=is_own, now=now)

    def test_only_the_first_answer_and_a_changed_one_are_news(self) -> None:
        self.assertTrue(self.note(ours("10.0.0.1")))
        self.assertFalse(self.note(ours("10.0.0.1"), 1.0))
        self.assertTrue(self.note(ours("10.0.0.1", "other"), 2.0))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.1", "other"),))

    def test_ours_come_first_then_by_name(self) -> None:
        original = FoundTracker(Address("10.0.0.1", 12500), "", is_original=True)
        for tracker in (original, ours("10.0.0.3", "b"), ours("10.0.0.4", "a")):
            self.note(tracker)
        self.assertEqual(
            self.trackers.trackers(), (ours("10.0.0.4", "a"), ours("10.0.0.3", "b"), original)
        )

    def test_what_was_found_at_an_own_address_goes_with_it(self) -> None:
        self.note(ours("10.0.0.1"), is_own=True)
        self.note(ours("10.0.0.2"))
        self.assertFalse(self.trackers.forget(["10.0.0.2", "10.0.0.9"]))
        self.assertTrue(self.trackers.forget(["10.0.0.1"]))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.2"),))

    def test_who_is_silent_for_long_is_forgotten(self) -> None:
        self.note(ours("10.0.0.1"), 0.0)
        self.note(ours("10.0.0.2"), 50.0)
        self.assertFalse(self.trackers.expire(now=FORGET_S))
        self.assertTrue(self.trackers.expire(now=FORGET_S + 1))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.2"),))
        self.assertTrue(self.note(ours("10.0.0.1"), FORGET_S + 2))

    def test_a_tracker_of_this_computer_is_shown_once_where_others_reach_it(self) -> None:
        self.assertTrue(self.note(ours("127.0.0.1"), 0.0, is_own=True))
        self.assertTrue(self.note(ours("10.0.0.9"), 50.0, is_own=True))
        self.assertFalse(self.note(ours("127.0.0.1"), 51.0, is_own=True))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.9"),))
        self.note(ours("127.0.0.1", port=12511), 52.0, is_own=True)
        self.assertEqual(len(self.trackers.trackers()), 2)
        self.note(ours("127.0.0.1"), 60.0, is_own=True)
        self.assertTrue(self.trackers.expire(now=50.0 + FORGET_S + 1))
        self.assertIn(ours("127.0.0.1"), self.trackers.trackers())

    def test_a_flood_of_answers_ends(self) -> None:
        for number in range(MAX_FOUND + 10):
            self.note(ours(f"10.0.1.{number}"))
        self.assertEqual(len(self.trackers.trackers()), MAX_FOUND)
