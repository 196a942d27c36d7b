"""The command `trackers`: those of this network, a line each."""

from __future__ import annotations

import os
import unittest
from argparse import Namespace
from pathlib import Path
from unittest import mock

from roles.program.profile import Profile
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError, UserInputError
from roles.values.findings import FoundTracker
from tests.terminals import printed
from ui.terminal import trackers_command
from ui.terminal.output import Output

OURS = FoundTracker(Address("192.168.1.5", 12500), "lab-pc-01", False)
ORIGINAL = FoundTracker(Address("192.168.1.3", 12500), "", True)


class TrackersCommandTest(unittest.TestCase):
    def test_each_has_a_line_ours_first(self) -> None:
        seen = printed(lambda output: trackers_command.print_trackers([ORIGINAL, OURS], output))
        self.assertEqual(
            seen.out,
            "192.168.1.5:12500      lab-pc-01\n192.168.1.3:12500      (original)\n",
        )

    def test_json_says_which_is_an_original(self) -> None:
        seen = printed(lambda output: trackers_command.print_trackers([OURS], output), as_json=True)
        expected = {"event": "tracker", "name": "lab-pc-01", "address": "192.168.1.5:12500"}
        self.assertEqual(seen.events, [expected | {"original": False, "private": False}])

    def test_private_rooms_are_named_as_such_and_come_after_open_ones(self) -> None:
        private = FoundTracker(Address("192.168.1.2", 12500), "", False, is_private=True)
        seen = printed(lambda output: trackers_command.print_trackers([private, OURS], output))
        self.assertEqual(
            seen.out,
            "192.168.1.5:12500      lab-pc-01\n192.168.1.2:12500      (private)\n",
        )

    def test_none_is_an_error(self) -> None:
        with self.assertRaisesRegex(TrackerSilentError, "Name one of another network with --trac"):
            trackers_command.print_trackers([], Output())

    def test_it_asks_nobody_when_discovery_is_off(self) -> None:
        with (
            mock.patch.dict(os.environ, LMK_DISCOVER="off"),
            self.assertRaisesRegex(UserInputError, "LMK_DISCOVER"),
        ):
            trackers_command.run(Namespace(), Profile(Path(), Path()), Output())
