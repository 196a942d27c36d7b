"""Shown in place of rows: that there are none, why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from tkinter import ttk

from ui.window.notices import Choice
from ui.window.theme import Theme


class EmptyState:
    """Fills the `empty` frame of a table."""

    def __init__(self, frame: ttk.Frame, theme: Theme, steps: Sequence[Choice] = ()) -> None:
        px = theme.px
        loudness = "Title" if steps else "Strong"
        self._title = ttk.Label(frame, style=f"{loudness}.Card.TLabel", justify="center")
        self._text = ttk.Label(
            frame, style="Muted.Card.TLabel", justify="center", wraplength=px(520)
        )
        self._title.pack()
        self._gap = (px(4), 0)
        if steps:
            row = ttk.Frame(frame, style="Card.TFrame")
            row.pack(pady=(px(12), 0))
            for number, step in enumerate(steps):
                button = ttk.Button(row, text=step.label, command=step.act)
                button.pack(side="left", padx=(px(8) if number else 0, 0))

    def say(self, title: str, text: str) -> None:
        self._title.configure(text=title)
        self._text.configure(text=text)
        if text:
            self._text.pack(after=self._title, pady=self._gap)
        else:
            self._text.pack_forget()
