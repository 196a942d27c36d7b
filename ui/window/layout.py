"""What several tabs are made of: groups of buttons, a choice, a note in place of rows."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from tkinter import ttk
from typing import TypeVar

from ui.window.keyboard import tab_in_order
from ui.window.notices import Choice
from ui.window.theme import Theme

BETWEEN = 24  # pixels at 96 dpi, the least between two groups of buttons
T = TypeVar("T")
WRAP = 520  # pixels at 96 dpi, of a note's text


def show_if(widget: tk.Widget, is_shown: bool) -> None:
    """Show the widget at its place in the grid, or hide it."""
    if is_shown != bool(widget.grid_info()):
        if is_shown:
            widget.grid()
        else:
            widget.grid_remove()


def switch(
    parent: tk.Misc,
    theme: Theme,
    variable: tk.Variable,
    texts: Mapping[T, str],
    changed: Callable[[], None],
) -> dict[T, ttk.Radiobutton]:
    """Buttons beside each other, one for each value; the chosen one is pressed."""
    buttons = dict[T, ttk.Radiobutton]()
    for value, text in texts.items():
        buttons[value] = button = ttk.Radiobutton(
            parent,
            text=text,
            value=value,
            variable=variable,
            command=changed,
            style="Switch.Toolbutton",
            width=theme.letters(text),
        )
        button.pack(side="left")
    return buttons


class ButtonRow(ttk.Frame):
    """Two groups of buttons, children of `left` and `right`; the right one moves below the left one
    where there is no room for both.
    """

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


class EmptyNote(ttk.Frame):
    """A title, a text and buttons in place of rows."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, steps: Sequence[Choice], *, ground: str = ""
    ) -> None:
        super().__init__(parent, style=f"{ground}TFrame")
        px = theme.px
        self._gap = px(8 if steps else 4)
        loudness = "Title" if steps else "Strong"
        self._title = ttk.Label(self, style=f"{loudness}.{ground}TLabel", justify="center")
        self._text = ttk.Label(
            self, style=f"Muted.{ground}TLabel", justify="center", wraplength=px(WRAP)
        )
        self.steps = ttk.Frame(self, style=f"{ground}TFrame")
        for row, part in enumerate((self._title, self._text, self.steps)):
            part.grid(row=row, column=0)
        for number, step in enumerate(steps):
            button = ttk.Button(self.steps, text=step.label, command=step.act)
            button.grid(row=0, column=number, padx=(px(8) if number else 0, 0), pady=(px(16), 0))
        show_if(self.steps, bool(steps))

    def say(self, title: str, text: str) -> None:
        self._title.configure(text=title)
        self._text.configure(text=text)
        self._text.grid(pady=(self._gap, 0))
        show_if(self._text, bool(text))
