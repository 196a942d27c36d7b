"""Who is served at once, and what the others hear."""

from __future__ import annotations

import unittest

from roles.lmk1.slots import SLOTS_PER_HOST, SlotTable
from roles.values.events import SeederState


class SlotTableTest(unittest.TestCase):
    def test_as_many_are_served_as_there_are_slots(self) -> None:
        slots = SlotTable(3)
        self.assertEqual([slots.take(f"10.0.0.{n}") for n in range(5)], [True] * 3 + [False] * 2)

    def test_a_slot_that_was_given_back_is_free_again(self) -> None:
        slots = SlotTable(2)
        slots.take("10.0.0.1")
        slots.take("10.0.0.2")
        slots.release("10.0.0.1")
        self.assertTrue(slots.take("10.0.0.3"))
        self.assertFalse(slots.take("10.0.0.1"))

    def test_one_host_cannot_take_all(self) -> None:
        slots = SlotTable(8)
        taken = sum(slots.take("10.0.0.1") for _ in range(8))
        self.assertEqual(taken, SLOTS_PER_HOST)
        self.assertTrue(slots.take("10.0.0.2"))
        slots.release("10.0.0.1")
        self.assertTrue(slots.take("10.0.0.1"))

    def test_this_machine_is_exempt(self) -> None:
        slots = SlotTable(8)
        self.assertEqual(sum(slots.take("127.0.0.1") for _ in range(10)), 8)

    def test_the_state_is_available_connected_and_away(self) -> None:
        slots = SlotTable(2)
        self.assertIs(slots.state(), SeederState.AVAILABLE)
        slots.take("10.0.0.1")
        self.assertIs(slots.state(), SeederState.CONNECTED)
        slots.take("10.0.0.2")
        self.assertIs(slots.state(), SeederState.AWAY)
        slots.release("10.0.0.1")
        self.assertIs(slots.state(), SeederState.CONNECTED)
        slots.release("10.0.0.2")
        self.assertIs(slots.state(), SeederState.AVAILABLE)

    def test_with_one_slot_it_is_connected_while_busy_as_the_original(self) -> None:
        slots = SlotTable(1)
        self.assertTrue(slots.take("10.0.0.1"))
        self.assertIs(slots.state(), SeederState.CONNECTED)
        self.assertFalse(slots.take("10.0.0.2"))
        self.assertFalse(slots.take("127.0.0.1"))

    def test_a_refused_leecher_takes_nothing(self) -> None:
        slots = SlotTable(1)
        slots.take("10.0.0.1")
        slots.take("10.0.0.2")
        slots.release("10.0.0.1")
        self.assertIs(slots.state(), SeederState.AVAILABLE)

    def test_nobody_is_remembered_after_leaving(self) -> None:
        slots = SlotTable(4)
        for number in range(100):
            slots.take(f"10.0.0.{number}")
            slots.release(f"10.0.0.{number}")
        self.assertEqual(len(slots._held), 0)

    def test_slots_that_leechers_of_lmk2_have_are_not_free(self) -> None:
        slots = SlotTable(3)
        self.assertIs(slots.state(taken_elsewhere=1), SeederState.CONNECTED)
        self.assertTrue(slots.take("10.0.0.1", taken_elsewhere=1))
        self.assertTrue(slots.take("10.0.0.2", taken_elsewhere=1))
        self.assertIs(slots.state(taken_elsewhere=1), SeederState.AWAY)
        self.assertFalse(slots.take("10.0.0.3", taken_elsewhere=1))
        self.assertTrue(slots.take("10.0.0.3", taken_elsewhere=0))
