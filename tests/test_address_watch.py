"""Whether this computer's addresses changed, or it slept: a clock and a system that tests turn."""

from __future__ import annotations

import unittest

from roles.net.address_watch import CUT_OFF_S, LATE_S, LOOK_S, AddressWatch
from roles.values.events import NetworkChanged

OLD, NEW = "10.77.0.1", "10.77.0.11"


class AddressWatchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now, self.slept_s = 1_000.0, 0.0
        self.addresses: tuple[str, ...] | None = (OLD,)
        self.watch = AddressWatch(self.read, lambda: self.now, lambda: self.now + self.slept_s)

    def read(self) -> tuple[str, ...]:
        if self.addresses is None:
            raise OSError("no descriptor left")
        return self.addresses

    def look(self, after_s: float = LOOK_S) -> NetworkChanged | None:
        self.now += after_s
        return self.watch.look()

    def test_while_nothing_changes_nothing_is_told(self) -> None:
        for _ in range(100):
            self.assertIsNone(self.look(0.2))

    def test_an_address_that_goes_and_one_that_comes_are_told_once(self) -> None:
        self.addresses = (NEW,)
        self.assertEqual(self.look(), NetworkChanged((OLD,), (NEW,)))
        self.assertIsNone(self.look())

    def test_the_system_is_asked_once_a_second_however_often_it_looks(self) -> None:
        self.addresses = (NEW,)
        changes = [self.look(0.1) for _ in range(10)]
        self.assertEqual(changes[:9], [None] * 9)
        self.assertIsNotNone(changes[9] or self.look(0.1))

    def test_a_second_address_that_comes_first_ends_nothing(self) -> None:
        self.addresses = (OLD, NEW)
        self.assertEqual(self.look(), NetworkChanged(come=(NEW,)))
        self.addresses = (NEW,)
        self.assertEqual(self.look(), NetworkChanged(gone=(OLD,)))

    def test_the_last_address_cuts_it_off_for_a_while(self) -> None:
        self.addresses = ()
        self.assertEqual(self.look(), NetworkChanged((OLD,), is_cut_off=True))
        self.assertTrue(self.watch.is_cut_off)
        self.now += CUT_OFF_S
        self.assertFalse(self.watch.is_cut_off)

    def test_the_next_address_ends_that(self) -> None:
        self.addresses = ()
        self.look()
        self.addresses = (NEW,)
        self.assertEqual(self.look(), NetworkChanged(come=(NEW,)))
        self.assertFalse(self.watch.is_cut_off)

    def test_a_computer_that_never_had_a_network_is_not_cut_off(self) -> None:
        self.addresses = ()
        self.watch = AddressWatch(self.read, lambda: self.now, lambda: self.now)
        self.assertIsNone(self.look())
        self.assertFalse(self.watch.is_cut_off)

    def test_a_system_without_an_answer_has_changed_nothing(self) -> None:
        self.addresses = None
        self.assertIsNone(self.look())
        self.addresses = (OLD,)
        self.assertIsNone(self.look())

    def test_a_role_may_begin_as_late_as_it_likes(self) -> None:
        self.assertIsNone(self.look(600.0))

    def test_a_look_that_comes_late_is_told_for_others_may_have_forgotten_this_program(
        self,
    ) -> None:
        self.look()
        change = self.look(LATE_S + 1)
        self.assertEqual(change, NetworkChanged(held_up_s=LATE_S + 1))
        self.assertIsNone(self.look(LATE_S - 1))

    def test_a_sleep_in_which_the_clock_stood_still_is_told_as_one(self) -> None:
        self.look()
        self.slept_s = 60.0
        change = self.look(0.2)
        assert change is not None
        self.assertTrue(change.has_slept)
        self.assertEqual(self.watch.awake_until, self.now - 0.2)
        self.assertAlmostEqual(change.held_up_s, 60.2)
        self.assertIsNone(self.look())
