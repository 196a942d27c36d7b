"""A bar of one picture, whose columns each have a colour."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from ui.window.theme import Theme
from ui.window.tooltip import Tooltip

REDRAW_MS = 250  # at most four times a second


class ColourBar(ttk.Frame):
    """`colours` gives the colours for a number of columns; it is asked again after show()."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        height: int,
        colours: Callable[[int], Sequence[str]],
        text_at: Callable[[float], str],
    ) -> None:
        """`height` in pixels at 96 dpi. `text_at` says what is at a part, 0 to 1, of the bar."""
        super().__init__(parent)
        self._colours, self._height = colours, theme.px(height)
        self._picture = tk.PhotoImage(master=self, width=1, height=self._height)
        self._label = tk.Label(self, image=self._picture, borderwidth=0, padx=0, pady=0)
        self._label.place(x=0, y=0, relwidth=1, relheight=1)
        self.configure(height=self._height)
        self._timer = ""
        self._is_due = False
        self._drawn: Sequence[str] = ()
        self.tooltip = Tooltip(
            self._label, theme, lambda x, _y: text_at(x / max(self.winfo_width(), 1))
        )
        self.bind("<Configure>", lambda _event: self.show())
        theme.follow(self.show)

    def show(self) -> None:
        """What it shows has changed."""
        if self._timer:
            self._is_due = True
        else:
            self._timer = self.after(REDRAW_MS, self._look_again)
            self._draw()

    def _look_again(self) -> None:
        self._timer = ""
        if self._is_due:
            self._is_due = False
            self.show()

    def _draw(self) -> None:
        width = self.winfo_width()
        if width <= 1:
            return
        colours = self._colours(width)
        if colours == self._drawn:
            return
        self._drawn = colours
        if self._picture.width() != width:
            self._picture.configure(width=width)
        # One row of colours is repeated down to the bottom.
        self._picture.put("{" + " ".join(colours) + "}", to=(0, 0, width, self._height))
