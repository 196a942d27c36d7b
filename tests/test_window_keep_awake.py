"""No sleep while something is on its way."""

from __future__ import annotations

import sys
import unittest
from unittest import mock

from tests.support import LIMIT_S, LmkTestCase
from ui.window import keep_awake
from ui.window.keep_awake import KeepAwake


@unittest.skipIf(sys.platform == "win32", "Windows needs no helper")
class KeepAwakeTest(LmkTestCase):
    def awake(self, *command: str) -> KeepAwake:
        commands = {"linux": command, "darwin": command}
        self.enterContext(mock.patch.object(keep_awake, "_COMMANDS", commands))
        return KeepAwake({})

    def test_a_helper_lives_as_long_as_something_is_on_its_way(self) -> None:
        self.enterContext(mock.patch.object(keep_awake, "END_S", LIMIT_S))
        awake = self.awake("cat")
        awake.hold(True)
        helper = awake._helper
        assert helper is not None
        awake.hold(True)
        self.assertIs(awake._helper, helper)
        self.assertIsNone(helper.poll())
        awake.hold(False)
        self.assertEqual(helper.returncode, 0)
        self.assertFalse(awake.is_held)

    def test_a_helper_that_does_not_end_is_ended(self) -> None:
        self.enterContext(mock.patch.object(keep_awake, "END_S", 0.05))
        awake = self.awake("sleep", "600")
        awake.hold(True)
        helper = awake._helper
        assert helper is not None
        awake.hold(False)
        self.assertIsNotNone(helper.returncode)

    def test_a_system_without_such_a_program_is_asked_once(self) -> None:
        awake = self.awake("no-such-program-anywhere")
        awake.hold(True)
        self.assertFalse(awake.is_held)
        with mock.patch("subprocess.Popen") as popen:
            awake.hold(True)
        popen.assert_not_called()
