"""The bars of a table's first column: pictures, each drawn once and shown in many rows."""

from __future__ import annotations

import tkinter as tk
from enum import Enum

from ui.window.theme import Theme

WIDTH, HEIGHT = 56, 8  # pixels at 96 dpi
GAP = 8  # between the bar and the text beside it


class BarKind(Enum):
    """What the colour of a bar says, beside the text of the row."""

    MOVING = "moving"
    RESTING = "resting"
    DONE = "done"
    FAILED = "failed"


class ProgressBars:
    """Must live as long as the table: Tk shows nothing once a picture is forgotten."""

    def __init__(self, master: tk.Misc, theme: Theme) -> None:
        self._master = master
        self._theme = theme
        self._images: dict[tuple[int, BarKind], tk.PhotoImage] = {}

    def image(self, percent: int, kind: BarKind) -> tk.PhotoImage:
        key = (percent, kind)
        if key not in self._images:
            px = self._theme.px
            self._images[key] = tk.PhotoImage(
                master=self._master, width=px(WIDTH + GAP), height=px(HEIGHT)
            )
            self._draw(key)
        return self._images[key]

    def recolour(self) -> None:
        for key in self._images:
            self._draw(key)

    def _draw(self, key: tuple[int, BarKind]) -> None:
        percent, kind = key
        colours, image = self._theme.colours, self._images[key]
        width, height = self._theme.px(WIDTH), image.height()
        image.put(colours.track, to=(0, 0, width, height))
        filled = max(width * percent // 100, 2) if percent else 0
        colour = {
            BarKind.MOVING: colours.accent,
            BarKind.RESTING: colours.muted,
            BarKind.DONE: colours.good,
            BarKind.FAILED: colours.bad,
        }[kind]
        if filled:
            image.put(colour, to=(0, 0, filled, height))
        for x in (0, width - 1):
            for y in (0, height - 1):
                image.transparency_set(x, y, True)
