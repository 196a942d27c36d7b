"""How fast it went in the last 1, 5 or 30 minutes: down and up, each as a line."""

from __future__ import annotations

import tkinter as tk
from collections import deque
from itertools import islice
from tkinter import ttk

from roles.values import figures
from ui.window.layout import switch
from ui.window.theme import Theme

MINUTES = {1: "1", 5: "5", 30: "30 min"}  # that are shown, at most 30
MOST_POINTS = 300  # of a line; of more seconds, each point is the mean of some
_STEPS = (1, 2, 5)


class SpeedGraph(ttk.Frame):
    """Call add() once a second."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent)
        px = theme.px
        self._theme = theme
        self._samples = deque[tuple[float, float]](maxlen=max(MINUTES) * 60)
        self._minutes = tk.IntVar(self, 1)
        top = ttk.Frame(self)
        choice = ttk.Frame(top)
        choice.pack(side="right")  # before the rates, which are cut if there is no room for all
        switch(choice, theme, self._minutes, MINUTES, self._draw)
        self.down = ttk.Label(top, style="Accent.TLabel")
        self.up = ttk.Label(top, style="Good.TLabel")
        for label in (self.down, self.up):
            label.pack(side="left", padx=(0, px(8)))
        self.canvas = tk.Canvas(self, height=px(72), highlightthickness=0, borderwidth=0)
        top.grid(row=0, column=0, sticky="ew")
        self.canvas.grid(row=1, column=0, sticky="nsew", pady=(px(4), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self.canvas.bind("<Configure>", lambda _event: self._draw())
        theme.follow(self._draw)

    def add(self, down: float, up: float) -> None:
        """Bytes per second."""
        self._samples.append((down, up))
        self.down.configure(text=f"↓ {figures.rate(down) or 'nothing'}")
        self.up.configure(text=f"↑ {figures.rate(up) or 'nothing'}")
        if self.canvas.winfo_viewable():
            self._draw()

    def _draw(self) -> None:
        canvas, colours, px = self.canvas, self._theme.colours, self._theme.px
        canvas.delete("all")
        canvas.configure(background=colours.card)
        width, height = canvas.winfo_width(), canvas.winfo_height()
        if width < px(80) or height < px(30):
            return
        seconds = self._minutes.get() * 60
        newest = list(islice(reversed(self._samples), seconds))
        top = _round_up(max((max(pair) for pair in newest), default=0.0))
        for part in (0.5, 1.0) if height >= px(48) else (1.0,):  # their texts need room
            y = height - 1 - part * (height - px(16))
            canvas.create_line(0, y, width, y, fill=colours.line)
            canvas.create_text(
                width - px(4),
                y - 1,
                text=figures.rate(top * part),
                anchor="se",
                fill=colours.muted,
                font=self._theme.text_font,
            )
        step = max(1, seconds // MOST_POINTS)
        for number, colour in ((1, colours.good), (0, colours.accent)):
            points = list[float]()
            for at in range(0, len(newest), step):
                rates = [pair[number] for pair in newest[at : at + step]]
                x = width - 1 - at * width / seconds
                points += (x, height - 1 - sum(rates) / len(rates) / top * (height - px(16)))
            if len(points) >= 4:
                canvas.create_line(points, fill=colour, width=max(1, px(1.5)))


def _round_up(rate: float) -> float:
    """The top of the scale: 1, 2 or 5 times a power of ten."""
    power = 1_000.0
    while True:
        for step in _STEPS:
            if rate <= step * power:
                return step * power
        power *= 10
