"""A closed lock with the word “Private”, wherever a private room is named."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui.window.theme import Theme


class PrivateMark(ttk.Label):
    def __init__(self, parent: tk.Misc, theme: Theme, ground: str = "") -> None:
        """`ground`: what is behind it, as in the names of the theme's styles."""
        super().__init__(parent, text="Private", compound="left", style=f"{ground}TLabel")
        theme.show_picture(self, "private")
