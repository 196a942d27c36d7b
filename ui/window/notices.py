"""Sentences in the window, with buttons where there is something to decide; never a dialog.

It does not know what they are about.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Any

from ui.window.theme import Theme


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    act: Callable[[], None]


class NoticeArea(ttk.Frame):
    """Takes no room until there is something to show. Notices stack; Escape closes the newest."""

    def __init__(self, parent: tk.Misc, theme: Theme, *, row: int, **place: Any) -> None:
        """`row` of its parent's grid is its place; `place` are more options of grid()."""
        super().__init__(parent)
        self.grid(row=row, column=0, sticky="ew", **place)
        self.grid_remove()
        self._theme = theme
        self._bars: dict[str, ttk.Frame] = {}
        self._focus_before: tk.Misc | None = None

    def say(self, sentence: str, *, tone: str = "Plain", key: str = "") -> None:
        """Show a sentence that can be closed; it replaces one with the same key."""
        self._show(sentence, tone, key or sentence, ())

    def ask(
        self,
        question: str,
        choices: Sequence[Choice],
        *,
        key: str,
        tone: str = "Plain",
        takes_focus: bool = True,
    ) -> None:
        """Show a question; Escape closes it undecided.

        The first choice gets the focus if the user has just asked for something.
        """
        bar = self._show(question, tone, key, choices)
        if takes_focus:
            bar.winfo_children()[1].winfo_children()[0].focus_set()

    def change(self, key: str, sentence: str) -> bool:
        """Say something else in a notice that is there; False if there is none."""
        bar = self._bars.get(key)
        if bar is not None:
            label = bar.winfo_children()[0]
            assert isinstance(label, ttk.Label)
            label.configure(text=sentence)
        return bar is not None

    def close(self, key: str) -> None:
        bar = self._bars.pop(key, None)
        if bar is None:
            return
        had_focus = str(self.focus_get() or "").startswith(str(bar))
        bar.destroy()
        if not self._bars:
            self.grid_remove()
        if had_focus and self._focus_before is not None and self._focus_before.winfo_exists():
            self._focus_before.focus_set()

    def close_newest(self) -> bool:
        """What Escape does; False if there was none."""
        if not self._bars:
            return False
        self.close(next(reversed(self._bars)))
        return True

    def has(self, key: str) -> bool:
        return key in self._bars

    def _show(self, sentence: str, tone: str, key: str, choices: Sequence[Choice]) -> ttk.Frame:
        self.close(key)
        if choices:
            self._focus_before = self.focus_get()
        px = self._theme.px
        bar = ttk.Frame(self, style="Tint.TFrame", padding=(px(12), px(8)))
        label = ttk.Label(bar, text=sentence, style=f"{tone}.Tint.TLabel", justify="left")
        label.grid(row=0, column=0, sticky="w")
        buttons = ttk.Frame(bar, style="Tint.TFrame")
        for choice in choices or (Choice("Close", lambda: None),):
            decide = partial(self._decide, key, choice)
            button = ttk.Button(buttons, text=choice.label, command=decide)
            button.pack(side="left", padx=(px(8), 0))
        buttons.grid(row=0, column=1, sticky="e")
        bar.columnconfigure(0, weight=1)
        bar.bind("<Configure>", lambda _event: self._wrap(bar, label, buttons))
        bar.pack(fill="x", pady=(px(8), 0))
        self._bars[key] = bar
        self.grid()
        return bar

    def _wrap(self, bar: ttk.Frame, label: ttk.Label, buttons: ttk.Frame) -> None:
        px = self._theme.px
        room = bar.winfo_width() - px(24)
        if buttons.winfo_reqwidth() * 2 > room:  # below the text if the buttons need half the width
            buttons.grid(row=1, column=0, sticky="e", pady=(px(8), 0))
        else:
            buttons.grid(row=0, column=1, sticky="e", pady=0)
            room -= buttons.winfo_reqwidth()
        # Tk may draw a line some pixels longer than it has measured it.
        label.configure(wraplength=max(room - px(8), px(120)))

    def _decide(self, key: str, choice: Choice) -> None:
        self.close(key)
        choice.act()
