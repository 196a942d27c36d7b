"""The line at the bottom of the window: how fast, what runs, and which colours."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from roles.values.settings import Appearance
from ui import wording
from ui.window.theme import Theme

_LABELS = {
    Appearance.SYSTEM: "Colours: as the system",
    Appearance.LIGHT: "Colours: light",
    Appearance.DARK: "Colours: dark",
}


class StatusLine(ttk.Frame):
    """Always visible."""

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
        menu = tk.Menu(self._colours, tearoff=False, relief="flat", borderwidth=1)
        for appearance in Appearance:
            menu.add_radiobutton(
                label=_LABELS[appearance].removeprefix("Colours: ").capitalize(),
                value=appearance.value,
                variable=self._chosen,
                command=lambda: choose(Appearance(self._chosen.get())),
            )
        self._menu = menu
        self._colours.configure(menu=menu)
        self._health.pack(side="left")
        self._colours.pack(side="right")
        self._up.pack(side="right", padx=(px(12), px(16)))
        self._down.pack(side="right")
        theme.follow(lambda: self._recolour(theme))

    def show(self, *, down: float, up: float, health: str) -> None:
        """Rates in bytes per second, and one sentence."""
        self._down.configure(text=f"↓ {wording.rate(down)}" if wording.rate(down) else "")
        self._up.configure(text=f"↑ {wording.rate(up)}" if wording.rate(up) else "")
        self._health.configure(text=health)

    @property
    def text(self) -> str:
        """Everything that it shows."""
        labels = (self._health, self._down, self._up)
        return " ".join(str(label.cget("text")) for label in labels).strip()

    def show_appearance(self, chosen: Appearance) -> None:
        """Show which colours are chosen."""
        self._chosen.set(chosen.value)
        self._colours.configure(text=_LABELS[chosen])

    def _recolour(self, theme: Theme) -> None:
        colours = theme.colours
        self._menu.configure(
            background=colours.card,
            foreground=colours.text,
            activebackground=colours.accent,
            activeforeground=colours.on_accent,
            selectcolor=colours.text,
        )
