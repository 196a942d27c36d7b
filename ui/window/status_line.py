"""The line at the bottom of the window: how fast, what runs, and which colours."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from roles.values.settings import Appearance
from ui import wording
from ui.window.leecher_model import LeecherModel
from ui.window.theme import Theme

_LABELS = {
    Appearance.SYSTEM: "Colours: as the system",
    Appearance.LIGHT: "Colours: light",
    Appearance.DARK: "Colours: dark",
}


class StatusLine(ttk.Frame):
    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        chosen: Appearance,
        choose: Callable[[Appearance], None],
    ) -> None:
        px = theme.px
        super().__init__(parent, style="Strip.TFrame", padding=(px(16), px(4), px(8), px(4)))
        self._down = ttk.Label(self, style="Number.Strip.TLabel")
        self._up = ttk.Label(self, style="Number.Strip.TLabel")
        self._health = ttk.Label(self, style="Strip.TLabel")
        self._chosen = tk.StringVar(self, chosen.value)
        self._colours = ttk.Menubutton(self, text=_LABELS[chosen])
        menu = theme.menu(self._colours)
        for appearance in Appearance:
            menu.add_radiobutton(
                label=_LABELS[appearance].removeprefix("Colours: ").capitalize(),
                value=appearance.value,
                variable=self._chosen,
                command=lambda: choose(Appearance(self._chosen.get())),
            )
        self._colours.configure(menu=menu)
        self._health.pack(side="left")
        self._colours.pack(side="right")
        self._up.pack(side="right", padx=(px(12), px(16)))
        self._down.pack(side="right")

    def show(self, *, down: float, up: float, health: str) -> None:
        """Rates in bytes per second, and one sentence."""
        for label, arrow, rate in ((self._down, "↓", down), (self._up, "↑", up)):
            label.configure(text=f"{arrow} {words}" if (words := wording.rate(rate)) else "")
        self._health.configure(text=health)

    def show_appearance(self, chosen: Appearance) -> None:
        self._chosen.set(chosen.value)
        self._colours.configure(text=_LABELS[chosen])


def health(model: LeecherModel, seeded_files: int | None, seeder_count: int | None) -> str:
    """What runs in this window, in a few words.

    `seeded_files` is None if nothing is seeded, `seeder_count` if no tracker runs.
    """
    parts = []
    if model.unfinished:
        parts.append(f"{wording.count(len(model.unfinished), 'download')} to go")
    elif model.had_count:
        parts.append(f"{wording.count(model.had_count, 'file')} done, checked")
    if seeded_files is not None:
        parts.append(f"seeding {wording.count(seeded_files, 'file')}")
    if seeder_count is not None:
        parts.append(f"tracker of {wording.count(seeder_count, 'seeder')}")
    text = " · ".join(parts)
    return text[:1].upper() + text[1:] if text else "Nothing is running"
