"""The field for a tracker: typed, or one of those that were found or answered before."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui.window.fields import ChoiceField
from ui.window.labels import Sentence
from ui.window.theme import Theme
from ui.window.tracker_choice import TrackerChoice


class TrackerField(ChoiceField):
    """Shown in two tabs, for one choice."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, trackers: TrackerChoice, commit: Callable[[], object]
    ) -> None:
        super().__init__(parent, theme, trackers.text, commit)
        self._trackers = trackers
        self.advice = Sentence(self, tone="Warning")
        self.advice.grid(row=2, column=0, sticky="ew")
        trackers.follow(self._changed)

    def _changed(self) -> None:
        self.offer(tuple(self._trackers.offers))
        self.say_empty(self._trackers.empty_means)
        self.advice.say(self._trackers.advice)

    def _chosen(self) -> None:
        line = self.variable.get()
        self.variable.set(self._trackers.offers.get(line, line))
        self.entry.selection_clear()
        self.commit()

    def _text_changed(self) -> None:
        super()._text_changed()
        self.advice.say(self._trackers.advice)
