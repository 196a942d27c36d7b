"""A field for one of the two speed limits. It takes effect at once, for everything that runs."""

from __future__ import annotations

import tkinter as tk

from roles.net.throttle import Throttle, Throttles
from roles.values.settings import parse_rate
from ui.window.fields import TextField
from ui.window.settings_keeper import SettingsKeeper
from ui.window.theme import Theme

WIDTH = 10  # letters: "2.5 MB/s"


def throttles_of(settings: SettingsKeeper) -> Throttles:
    """The limits of the whole program, from its settings."""
    now = settings.now
    return Throttles(Throttle(parse_rate(now.up_limit)), Throttle(parse_rate(now.down_limit)))


class LimitField(TextField):
    """`setting` is the field of ProgramSettings."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        settings: SettingsKeeper,
        throttle: Throttle,
        setting: str,
    ) -> None:
        self._settings, self._throttle, self._setting = settings, throttle, setting
        text = tk.StringVar(parent, getattr(settings.now, setting))
        super().__init__(parent, theme, text, placeholder="none", width=WIDTH, commit=self._take)

    def _take(self) -> None:
        limit = self.read(parse_rate)
        if not self.problem:
            self._throttle.set_limit(limit)
            self._settings.change(**{self._setting: self.variable.get().strip()})
