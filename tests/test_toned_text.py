"""A text and its tone."""

from __future__ import annotations

import unittest

from ui.terminal.colour import painted
from ui.toned_text import TonedText


class TonedTextTest(unittest.TestCase):
    def test_without_a_tone_it_has_no_colour_of_its_own(self) -> None:
        self.assertEqual(painted(*TonedText("3 files")), "3 files")

    def test_its_tone_is_a_colour_on_the_terminal(self) -> None:
        self.assertEqual(painted(*TonedText("Done", "Good")), "\x1b[32mDone\x1b[0m")
