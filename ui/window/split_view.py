"""Two widgets, one above the other, and a sash between them that stays where it was dragged."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.theme import Theme

STEP = 5  # percent, for each press of a key
SASH = 12  # pixels at 96 dpi between them, at most
LOW = 300  # pixels at 96 dpi: below, the lower one takes no more than it needs
LEAST, MOST = 20, 85  # percent of the height for the upper one


class SplitView(ttk.Frame):
    def __init__(
        self, parent: tk.Misc, theme: Theme, percent: int, keep: Callable[[int], None]
    ) -> None:
        """`percent` of the height is the upper widget's; `keep` gets it after each change."""
        super().__init__(parent)
        self._keep = keep
        self.percent = min(max(percent, LEAST), MOST)
        self._panes = ttk.PanedWindow(self, orient="vertical")
        self._panes.pack(fill="both", expand=True)
        self._lower: ttk.Frame | None = None
        self._is_split = self._is_small = False
        self._low, self._sash = theme.px(LOW), theme.px(SASH)
        self._is_dragged = False
        self._least = 0
        self.bind("<Configure>", lambda _event: self.after_idle(self._place))
        self._panes.bind("<ButtonPress-1>", lambda _event: self._pressed(), add="+")
        self._panes.bind("<ButtonRelease-1>", lambda _event: self._dragged(), add="+")

    def hold(self, upper: ttk.Frame, lower: ttk.Frame) -> None:
        self._panes.add(upper, weight=1)
        self._lower = lower
        # The sash moves by itself when the lower one needs more or less.
        lower.bind("<Configure>", lambda _event: self.after_idle(self._place), add="+")
        for widget in (upper, lower):  # created before it, they would be hidden behind it
            widget.lift()

    def show_lower(self, *, is_shown: bool, is_small: bool, least: int) -> None:
        """`is_small`: it takes no more than it needs; `least` is the fewest pixels that it gets."""
        if is_small or self._is_small or least != self._least:  # what it needs may have changed
            self.after_idle(self._place)
        self._is_small, self._least = is_small, least
        if is_shown == self._is_split or self._lower is None:
            return
        self._is_split = is_shown
        if is_shown:
            self._panes.add(self._lower, weight=0)
            self.after_idle(self._place)
        else:
            self._panes.forget(self._lower)

    def move(self, steps: int) -> None:
        """The sash, by some steps down; negative for up."""
        self.percent = min(max(self.percent + steps * STEP, LEAST), MOST)
        self._place()
        self._keep(self.percent)

    def _place(self) -> None:
        height = self.winfo_height()
        if self._is_dragged:
            return
        if self._is_split and self._lower is not None and self._panes.winfo_height() > 1:
            upper = height * self.percent // 100
            if self._is_small or height < self._low:
                needed = max(self._lower.winfo_reqheight(), self._least)
                upper = max(upper, height - needed - self._sash)
            if abs(int(self.tk.call(str(self._panes), "sashpos", 0)) - upper) > 1:
                self.tk.call(str(self._panes), "sashpos", 0, upper)

    def _pressed(self) -> None:
        self._is_dragged = True

    def _dragged(self) -> None:
        self._is_dragged = False
        height = self.winfo_height()
        if not self._is_split or self._is_small or height <= 1:
            return
        percent = round(int(self.tk.call(str(self._panes), "sashpos", 0)) * 100 / height)
        if abs(percent - self.percent) >= 1:
            self.percent = min(max(percent, LEAST), MOST)
            self._keep(self.percent)
            self._place()
