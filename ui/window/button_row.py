"""Buttons in two groups; the right one moves below the left one where there is no room for both."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui.window.keyboard import tab_in_order
from ui.window.theme import Theme

BETWEEN = 24  # pixels at 96 dpi, the least between the groups


class ButtonRow(ttk.Frame):
    """Its buttons are children of `left` and `right`."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent)
        self._theme = theme
        self.left, self.right = ttk.Frame(self), ttk.Frame(self)
        self.left.grid(row=0, column=0, sticky="nw")
        self.columnconfigure(1, weight=1)
        for part in (self, self.left, self.right):
            part.bind("<Configure>", lambda _event: self.after_idle(self._place), add="+")
        tab_in_order(self.left, self.right)

    def _place(self) -> None:
        px, sides = self._theme.px, (self.left, self.right)
        needed = sum(side.winfo_reqwidth() for side in sides) + px(BETWEEN)
        if needed > self.winfo_width():
            self.right.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(px(8), 0))
        else:
            self.right.grid(row=0, column=1, columnspan=1, sticky="ne", pady=0)
