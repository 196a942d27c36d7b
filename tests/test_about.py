"""The version is written once, and said everywhere."""

from __future__ import annotations

import unittest

from roles import __version__
from tests.support import widget_texts
from tests.windows import AppWindowTest
from ui.about import version_line


class AboutTest(unittest.TestCase):
    def test_the_line_has_the_version_of_the_roles(self) -> None:
        self.assertTrue(version_line().startswith(f"lmktorrent {__version__} (Python "))

    def test_the_version_is_numbers_as_windows_wants_it(self) -> None:
        self.assertRegex(__version__, r"^\d+\.\d+\.\d+$")


class LogTabTest(AppWindowTest):
    def test_the_log_tab_says_which_program_this_is(self) -> None:
        window = self.open_window()
        self.assertIn(version_line(), widget_texts(window.log))
