"""Who has a share: seeders first, all in turn, and nobody twice."""

from __future__ import annotations

import unittest

from roles.room.holders import HoldersByShare
from roles.room.registry_entry import Key

ONE, TWO = "0000000000000001", "0000000000000002"


def key(number: int) -> Key:
    return Key(f"10.0.0.{number}", 12501, f"{number:016}")


class HoldersByShareTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.holders = HoldersByShare()

    def join(self, number: int, *shares: str, leecher: bool = False) -> None:
        self.holders.join(key(number), shares, is_leecher=leecher)

    def sample(self, *shares: str, most: int = 99) -> list[tuple[Key, tuple[int, ...]]]:
        return list(self.holders.sample(shares, most))

    def test_each_comes_once_with_the_shares_that_it_has_and_seeders_come_first(self) -> None:
        self.join(1, TWO, leecher=True)
        self.join(2, ONE, TWO)
        self.join(3, ONE)
        found = self.sample(TWO, ONE)
        self.assertEqual(found[-1], (key(1), (0,)))
        self.assertCountEqual(found, [(key(2), (0, 1)), (key(3), (1,)), (key(1), (0,))])
        self.assertEqual(self.sample("f" * 16), [])

    def test_of_many_holders_each_reader_gets_others_until_all_had_their_turn(self) -> None:
        for number in range(30):
            self.join(number, ONE)
        for _ in range(3):
            turns = [self.sample(ONE, most=10) for _ in range(3)]
            self.assertEqual(
                {member for turn in turns for member, _ in turn}, set(map(key, range(30)))
            )

    def test_who_parts_is_gone_and_nobody_else(self) -> None:
        for number in range(5):
            self.join(number, ONE, TWO)
        for number in (0, 4, 2):
            self.holders.part(key(number), (ONE,), is_leecher=False)
        self.assertCountEqual([member for member, _ in self.sample(ONE)], [key(1), key(3)])
        self.assertEqual(len(self.sample(TWO)), 5)

    def test_nothing_is_left_of_a_share_that_nobody_has(self) -> None:
        self.join(1, ONE)
        self.holders.part(key(1), (ONE, TWO), is_leecher=False)
        self.assertEqual(self.holders._rings, {})

    def test_the_state_is_new_after_each_change_and_only_then(self) -> None:
        states = [self.holders.state]

        def is_new() -> bool:
            states.append(self.holders.state)
            return states[-1] not in states[:-1]

        self.join(1, ONE)
        self.assertTrue(is_new())
        self.join(1, ONE)
        self.assertFalse(is_new())
        self.holders.part(key(2), (ONE,), is_leecher=False)
        self.assertFalse(is_new())
        self.holders.part(key(1), (ONE,), is_leecher=False)
        self.assertTrue(is_new())
