"""The field for a tracker: typed, or one of those that were found or answered before."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.fields import ChoiceField
from ui.window.theme import Theme
from ui.window.tracker_choice import TrackerChoice


class TrackerField(ChoiceField):
    """Shown in two tabs, for one choice."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        trackers: TrackerChoice,
        *,
        commit: Callable[[], None],
    ) -> None:
        super().__init__(
            parent, theme, trackers.text, placeholder=trackers.empty_means, commit=commit
        )
        self._trackers = trackers
        self._commit = commit
        self._advice = ttk.Label(self, style="Warning.TLabel")
        self.entry.bind("<<ComboboxSelected>>", lambda _event: self._chosen())
        self._advice_trace = trackers.text.trace_add("write", lambda *_: self._show_advice())
        trackers.follow(self._changed)

    @property
    def advice(self) -> str:
        """What it asks the user to do."""
        return str(self._advice.cget("text"))

    def _changed(self) -> None:
        if not self.winfo_exists():
            return
        self.offer(tuple(self._trackers.offers))
        self.say_empty(self._trackers.empty_means)
        self._show_advice()

    def _chosen(self) -> None:
        line = self.variable.get()
        self.variable.set(self._trackers.offers.get(line, line))
        self.entry.selection_clear()
        self._commit()

    def _show_advice(self) -> None:
        advice = self._trackers.advice
        self._advice.configure(text=advice)
        if advice:
            self._advice.grid(row=2, column=0, sticky="w")
        else:
            self._advice.grid_remove()

    def _on_destroy(self, event: tk.Event[tk.Misc]) -> None:
        super()._on_destroy(event)
        if event.widget is self:
            self.variable.trace_remove("write", self._advice_trace)
