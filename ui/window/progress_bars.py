"""The bars of a table's first column: pictures, each drawn once and shown in many rows."""

from __future__ import annotations

import tkinter as tk

from ui.window.theme import Theme

WIDTH, HEIGHT = 56, 8  # pixels at 96 dpi
GAP = 8  # between the bar and the text beside it


class ProgressBars:
    """Must live as long as the table: Tk shows nothing once a picture is forgotten."""

    def __init__(self, master: tk.Misc, theme: Theme) -> None:
        self._master = master
        self._theme = theme
        self._images: dict[tuple[int, str], tk.PhotoImage] = {}

    def image(self, percent: int, tone: str) -> tk.PhotoImage:
        if (percent, tone) not in self._images:
            px = self._theme.px
            image = tk.PhotoImage(master=self._master, width=px(WIDTH + GAP), height=px(HEIGHT))
            self._images[percent, tone] = image
            self._draw(image, percent, tone)
        return self._images[percent, tone]

    def recolour(self) -> None:
        for (percent, tone), image in self._images.items():
            self._draw(image, percent, tone)

    def _draw(self, image: tk.PhotoImage, percent: int, tone: str) -> None:
        width, height = self._theme.px(WIDTH), image.height()
        image.put(self._theme.colours.track, to=(0, 0, width, height))
        if percent:
            filled = max(width * percent // 100, 2)
            image.put(self._theme.tones[tone], to=(0, 0, filled, height))
        for x in (0, width - 1):
            for y in (0, height - 1):
                image.transparency_set(x, y, True)
