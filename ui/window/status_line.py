"""The line at the bottom of the window: how fast, what runs, and the way to the settings."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from roles.values import figures
from roles.values.events import DownloadState
from ui import wording
from ui.window.labels import private_mark
from ui.window.leecher_model import LeecherModel
from ui.window.theme import Theme


class StatusLine(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme, settings: Callable[[], None]) -> None:
        """`settings` shows their page."""
        px, self._theme = theme.px, theme
        super().__init__(parent, style="Strip.TFrame", padding=(px(16), px(4), px(8), px(4)))
        self._down = ttk.Label(self, style="Number.Strip.TLabel")
        self._up = ttk.Label(self, style="Number.Strip.TLabel")
        self._health = ttk.Label(self, style="Strip.TLabel")
        button = ttk.Button(self, text="Settings", style="Strip.Link.TButton", command=settings)
        self._private = private_mark(self, theme, "Strip.")
        self._health.pack(side="left")
        button.pack(side="right")
        self._up.pack(side="right", padx=(px(12), px(16)))
        self._down.pack(side="right")

    def show(self, *, down: float, up: float, health: str, is_private: bool) -> None:
        """Rates in bytes per second, one sentence, and whether the room is a private one."""
        for label, arrow, rate in ((self._down, "↓", down), (self._up, "↑", up)):
            label.configure(text=f"{arrow} {words}" if (words := figures.rate(rate)) else "")
        self._health.configure(text=health)
        if not is_private:
            self._private.pack_forget()
        elif not self._private.winfo_manager():
            px = self._theme.px
            self._private.pack(side="left", padx=(0, px(12)), before=self._health)


def health(model: LeecherModel, seeded_files: int | None, seeder_count: int | None) -> str:
    """What runs in this window, in a few words.

    `seeded_files` is None if nothing is seeded, `seeder_count` if no tracker runs.
    """
    parts = []
    if model.unfinished:
        paused = len(model.in_states(model.unfinished, DownloadState.PAUSED))
        left = f"{figures.count(len(model.unfinished), 'download')} left"
        parts.append(f"{left} ({paused} paused)" if paused else left)
    elif model.complete_count:
        parts.append(f"{figures.count(model.complete_count, 'file')} done, checked")
    if seeded_files is not None:
        parts.append(f"seeding {figures.count(seeded_files, 'file')}")
    if seeder_count is not None:
        sharing = figures.count(seeder_count, "computer") if seeder_count else "nobody"
        parts.append(f"tracker running, {sharing} sharing" + ("" if seeder_count else " yet"))
    text = " · ".join(parts)
    return wording.capitalized(text) if text else "Nothing is running"
