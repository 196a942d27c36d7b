"""Turns to be sent to: so many at once, in the order in which they came."""

from __future__ import annotations

import threading
import time

from roles.web.sending_turns import SendingTurns
from tests.role_test import RoomTest
from tests.support import wait_until


class SendingTurnsTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.most = 2
        self.stopping = threading.Event()
        self.turns = SendingTurns(lambda: self.most, 0.0)
        self.order = list[int]()

    def begin(self, number: int) -> None:
        """Have a thread wait for a turn."""

        def wait() -> None:
            if self.turns.take(self.stopping) is not None:
                self.order.append(number)

        waiting = len(self.turns._waiting)
        thread = threading.Thread(target=wait, name="lmk-test")
        self.addCleanup(thread.join)
        self.addCleanup(self.stopping.set)
        thread.start()
        wait_until(lambda: len(self.turns._waiting) > waiting or number in self.order)

    def test_no_more_than_that_have_one_and_the_others_wait_in_order(self) -> None:
        for number in range(4):
            self.begin(number)
        wait_until(lambda: len(self.order) == 2)
        for count in (3, 4):
            self.turns.give_back()
            wait_until(lambda count=count: len(self.order) == count)  # type: ignore[misc]
        self.assertEqual(self.order[2:], [2, 3])

    def test_a_turn_is_over_only_if_others_wait(self) -> None:
        began = self.turns.take(self.stopping)
        assert began is not None
        self.assertFalse(self.turns.is_over(began))
        self.begin(1)
        wait_until(lambda: self.order == [1])
        self.assertFalse(self.turns.is_over(began))
        self.begin(2)
        self.assertTrue(self.turns.is_over(began))
        self.assertFalse(SendingTurns(lambda: 2, 60.0).is_over(time.monotonic()))

    def test_turns_are_over_when_fewer_are_allowed(self) -> None:
        began = [self.turns.take(self.stopping) for _ in range(2)]
        self.most = 1
        assert began[0] is not None
        self.assertTrue(self.turns.is_over(began[0]))
        self.turns.give_back()
        self.assertFalse(self.turns.is_over(began[0]))

    def test_a_wait_ends_when_the_program_stops(self) -> None:
        self.most = 0
        self.stopping.set()
        self.assertIsNone(self.turns.take(self.stopping))
        self.assertFalse(self.turns._waiting)
