"""A field for one of the two speed limits. It takes effect at once, for everything that runs."""

from __future__ import annotations

import tkinter as tk
from typing import Literal

from roles.net.throttle import Throttle, Throttles
from roles.values.settings import ProgramSettings, parse_rate
from ui.window.fields import TextField
from ui.window.workbench import Workbench

WIDTH = 10  # letters: "2.5 MB/s"


def throttles_of(settings: ProgramSettings) -> Throttles:
    up, down = parse_rate(settings.up_limit), parse_rate(settings.down_limit)
    return Throttles(Throttle(up), Throttle(down))


class LimitField(TextField):
    def __init__(self, parent: tk.Misc, bench: Workbench, way: Literal["up", "down"]) -> None:
        throttles = bench.roles.throttles
        self._settings, self._setting = bench.settings, f"{way}_limit"
        self._throttle = throttles.up if way == "up" else throttles.down
        text = bench.settings.variable(parent, self._setting)
        super().__init__(parent, bench.theme, text, self._take, placeholder="none", width=WIDTH)

    def _take(self) -> None:
        limit = self.read(parse_rate)
        if not self.problem:
            self._throttle.set_limit(limit)
            self._settings.change(**{self._setting: self.variable.get().strip()})
