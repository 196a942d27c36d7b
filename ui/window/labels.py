"""A sentence that wraps, and the lock of a private room."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui.window.layout import show_if
from ui.window.theme import Theme


class Sentence(ttk.Label):
    """Wraps within its cell, which it fills (sticky="ew"), and takes no room without a text."""

    def __init__(self, parent: tk.Misc, *, tone: str = "Muted", ground: str = "") -> None:
        self._ground = f".{ground}TLabel"
        super().__init__(parent, style=tone + self._ground, justify="left")
        # Tk may draw a line some pixels longer than it has measured it.
        self.bind("<Configure>", lambda event: self.configure(wraplength=max(1, event.width - 6)))

    def say(self, text: str, tone: str = "") -> None:
        """Show this text, in the colour of this tone; "" for nothing."""
        self.configure(text=text)
        if tone:
            self.configure(style=tone + self._ground)
        show_if(self, bool(text))


def private_mark(parent: tk.Misc, theme: Theme, ground: str = "") -> ttk.Label:
    """A closed lock with the word “Private”, wherever a private room is named."""
    mark = ttk.Label(parent, text="Private", compound="left", style=f"{ground}TLabel")
    theme.show_picture(mark, "private")
    return mark
