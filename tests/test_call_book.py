"""Which leechers are called, how many at once, and how soon again."""

from __future__ import annotations

import unittest

from roles.swarm.call_book import AGAIN_S, MAX_CALLS, MAX_UNDER_WAY, UNANSWERED_S, CallBook
from roles.values.addresses import Address


def leechers(count: int) -> list[Address]:
    return [Address("10.0.0.1", 12501 + number) for number in range(count)]


class CallBookTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = CallBook()

    def called(self, count: int, now: float) -> list[Address]:
        return self.book.to_call(leechers(count), (), now=now)

    def test_however_many_are_named_few_are_called_in_a_second_and_all_in_turn(self) -> None:
        called = list[Address]()
        for now in range(10):
            chosen = self.called(40, float(now))
            self.assertLessEqual(len(chosen), MAX_CALLS)
            for address in chosen:
                self.book.ended(address)
            called += chosen
        self.assertEqual(set(called), set(leechers(40)))

    def test_the_same_leecher_is_called_again_after_a_while(self) -> None:
        [one] = self.called(1, 1.0)
        self.book.ended(one)
        self.assertEqual(self.called(1, 0.9 + AGAIN_S), [])
        self.assertEqual(self.called(1, 1.0 + AGAIN_S), [one])

    def test_who_is_connected_or_being_called_is_not_called(self) -> None:
        self.assertEqual(self.book.to_call(leechers(2), leechers(1), now=1.0), leechers(2)[1:])
        self.assertEqual(self.book.to_call(leechers(2), leechers(1), now=60.0), [])

    def test_those_who_do_not_answer_keep_nobody_from_being_called(self) -> None:
        called = list[Address]()
        for call in range(2 * MAX_UNDER_WAY):
            called += self.called(MAX_UNDER_WAY + 5, call * 2 * UNANSWERED_S)
        self.assertEqual(len(called), MAX_UNDER_WAY)
        self.assertEqual(set(called), set(leechers(MAX_UNDER_WAY)))
        self.book.ended(called[0])
        self.assertEqual(len(self.called(MAX_UNDER_WAY + 5, 1e6)), 1)

    def test_when_the_network_changed_whoever_could_not_be_called_is_at_once(self) -> None:
        [one] = self.called(1, 1.0)
        self.book.ended(one)
        self.book.network_changed()
        self.assertEqual(self.called(1, 1.1), [one])


if __name__ == "__main__":
    unittest.main()
