"""Which trackers answered."""

from __future__ import annotations

import unittest

from roles.joining.found_trackers import MAX_FOUND, UNANSWERED, FoundTrackers
from roles.values.addresses import Address
from roles.values.findings import FoundTracker


def ours(host: str, name: str = "pc", port: int = 12500) -> FoundTracker:
    return FoundTracker(Address(host, port), name, is_original=False)


class FoundTrackersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.trackers = FoundTrackers()

    def note(self, tracker: FoundTracker, *, is_own: bool = False) -> bool:
        return self.trackers.note(tracker, is_own=is_own)

    def call(self, times: int) -> list[bool]:
        """Whether something has changed with each."""
        return [self.trackers.called() for _ in range(times)]

    def test_only_the_first_answer_and_a_changed_one_are_news(self) -> None:
        self.assertTrue(self.note(ours("10.0.0.1")))
        self.assertFalse(self.note(ours("10.0.0.1")))
        self.assertTrue(self.note(ours("10.0.0.1", "other")))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.1", "other"),))

    def test_what_was_found_at_an_own_address_goes_with_it(self) -> None:
        self.note(ours("10.0.0.1"), is_own=True)
        self.note(ours("10.0.0.2"))
        self.assertFalse(self.trackers.forget(["10.0.0.2", "10.0.0.9"]))
        self.assertTrue(self.trackers.forget(["10.0.0.1"]))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.2"),))

    def test_who_answers_no_call_is_forgotten(self) -> None:
        self.note(ours("10.0.0.1"))
        self.note(ours("10.0.0.2"))
        self.call(1)
        self.note(ours("10.0.0.2"))
        self.assertEqual(self.call(UNANSWERED), [False] * (UNANSWERED - 1) + [True])
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.2"),))
        self.assertTrue(self.note(ours("10.0.0.1")))

    def test_one_is_silent_until_it_answers_the_last_call(self) -> None:
        self.assertFalse(self.trackers.is_one_silent)
        for host in ("10.0.0.1", "10.0.0.2"):
            self.note(ours(host))
        self.assertFalse(self.trackers.is_one_silent)
        self.call(1)
        self.note(ours("10.0.0.1"))
        self.assertTrue(self.trackers.is_one_silent)
        self.note(ours("10.0.0.2"))
        self.assertFalse(self.trackers.is_one_silent)

    def test_a_tracker_of_this_computer_is_shown_once_where_others_reach_it(self) -> None:
        self.assertTrue(self.note(ours("127.0.0.1"), is_own=True))
        self.assertTrue(self.note(ours("10.0.0.9"), is_own=True))
        self.assertFalse(self.note(ours("127.0.0.1"), is_own=True))
        self.assertEqual(self.trackers.trackers(), (ours("10.0.0.9"),))
        self.note(ours("127.0.0.1", port=12511), is_own=True)
        self.assertEqual(len(self.trackers.trackers()), 2)
        self.call(1)
        self.note(ours("127.0.0.1"), is_own=True)
        self.assertTrue(any(self.call(UNANSWERED)))
        self.assertIn(ours("127.0.0.1"), self.trackers.trackers())

    def test_a_flood_of_answers_ends(self) -> None:
        for number in range(MAX_FOUND + 10):
            self.note(ours(f"10.0.1.{number}"))
        self.assertEqual(len(self.trackers.trackers()), MAX_FOUND)
