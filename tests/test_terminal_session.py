"""A command's session: what it changes of the process is as it was afterwards."""

from __future__ import annotations

import signal
import sys
import unittest

from roles.values.errors import LmkError
from ui.terminal.session import SWITCH_S, Session


class SessionTest(unittest.TestCase):
    def test_threads_change_seldom_within_it_and_as_before_afterwards(self) -> None:
        before = sys.getswitchinterval()
        self.assertNotAlmostEqual(before, SWITCH_S)
        with Session():
            self.assertAlmostEqual(sys.getswitchinterval(), SWITCH_S)
        self.assertAlmostEqual(sys.getswitchinterval(), before)

    def test_a_command_that_fails_leaves_nothing_of_it_either(self) -> None:
        before, handler = sys.getswitchinterval(), signal.getsignal(signal.SIGINT)
        with self.assertRaises(LmkError), Session():
            raise LmkError("it failed")
        self.assertAlmostEqual(sys.getswitchinterval(), before)
        self.assertIs(signal.getsignal(signal.SIGINT), handler)
