"""Light or dark colours, or as the system."""

from __future__ import annotations

from unittest import mock

from roles.values.program_settings import Appearance
from tests.windows import AppWindowTest
from ui.window.system_theme import is_system_dark


class AppearanceChoiceTest(AppWindowTest):
    @property
    def is_dark(self) -> bool:
        return self.window._context.theme.is_dark

    def test_the_choice_is_kept(self) -> None:
        window = self.open_window()
        window.appearance.choose(Appearance.DARK)
        self.pump_until(lambda: not window._context.settings.is_writing)
        self.assertEqual(self.kept()["appearance"], "dark")

    def test_as_the_system_means_what_that_answers_unless_another_choice_comes_first(self) -> None:
        window = self.open_window()
        with mock.patch.object(window._context.pump, "in_background") as in_background:
            window.appearance.choose(Appearance.SYSTEM)
        work, then = in_background.call_args.args
        self.assertIs(work, is_system_dark)
        then(True)
        self.assertTrue(self.is_dark)
        window.appearance.choose(Appearance.LIGHT)
        then(True)
        self.assertFalse(self.is_dark)
