"""The card above the room: how far it is, and a strip that says who needs help."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.room_summary import Summary
from ui.window.labels import private_mark
from ui.window.layout import show_if
from ui.window.theme import Theme

BAR_HEIGHT = 10  # pixels at 96 dpi
FEW = 2  # problems: a button says "both", not "all"


class RoomCard(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        px = theme.px
        super().__init__(parent, style="Tint.TFrame", padding=(px(16), px(10)))
        self._theme = theme
        self._shown: Summary | None = None
        left = ttk.Frame(self, style="Tint.TFrame")
        self.headline = ttk.Label(left, style="Headline.Tint.TLabel")
        self.what = ttk.Label(left, style="Muted.Tint.TLabel")
        self.bar = tk.Canvas(left, height=px(BAR_HEIGHT), highlightthickness=0, borderwidth=0)
        self.private = private_mark(left, theme, "Strong.Tint.")
        below = (0, px(4))
        self.headline.grid(row=0, column=0, sticky="w")
        self.private.grid(row=0, column=1, sticky="sw", padx=(px(12), 0), pady=below)
        self.what.grid(row=0, column=2, sticky="sw", padx=(px(12), 0), pady=below)
        self.bar.grid(row=1, column=0, columnspan=3, sticky="ew", pady=(px(6), px(2)))
        left.columnconfigure(2, weight=1)
        right = ttk.Frame(self, style="Tint.TFrame")
        self.last = ttk.Label(right, style="Strong.Tint.TLabel")
        self.rates = ttk.Label(right, style="Muted.Tint.TLabel")
        self.alone = ttk.Label(right, style="Muted.Tint.TLabel")
        for row, label in enumerate((self.last, self.rates, self.alone)):
            label.grid(row=row, column=0, sticky="w")
        left.grid(row=0, column=0, sticky="ew")
        right.grid(row=0, column=1, sticky="e", padx=(px(24), 0))
        self.columnconfigure(0, weight=1)
        self.bar.bind("<Configure>", lambda _event: self._draw())
        theme.follow(self._recolour)

    def show(self, summary: Summary, *, is_private: bool) -> None:
        show_if(self.private, is_private)
        before, self._shown = self._shown, summary
        for label, text in (
            (self.headline, summary.headline),
            (self.what, summary.what),
            (self.last, summary.last),
            (self.rates, summary.rates),
            (self.alone, summary.alone),
        ):
            if label.cget("text") != text:
                label.configure(text=text)
        if before is None or before.parts != summary.parts:
            self._draw()

    def _draw(self) -> None:
        bar, width = self.bar, self.bar.winfo_width()
        bar.delete("all")
        left = 0.0
        for tone, share in self._shown.parts if self._shown else ():
            right = min(left + share * width, width)
            colour = self._theme.tones[tone]
            bar.create_rectangle(left, 0, right, bar.winfo_height(), fill=colour, width=0)
            left = right

    def _recolour(self) -> None:
        height = self._theme.zoomed(BAR_HEIGHT)
        self.bar.configure(background=self._theme.colours.track, height=height)
        self._draw()


class HelpStrip(ttk.Frame):
    """Takes no room while nobody needs help."""

    def __init__(self, parent: tk.Misc, theme: Theme, show_them: Callable[[], None]) -> None:
        px = theme.px
        super().__init__(parent, style="Help.TFrame", padding=(px(16), px(6), px(8), px(6)))
        self._theme = theme
        self.sentence = ttk.Label(self, style="Help.TLabel", justify="left", cursor="hand2")
        self.button = ttk.Button(self, command=show_them)
        self.sentence.grid(row=0, column=0, sticky="w")
        self.button.grid(row=0, column=1, sticky="e", padx=(px(12), 0))
        self.columnconfigure(0, weight=1)
        for widget in (self, self.sentence):
            widget.bind("<Button-1>", lambda _event: show_them())
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    def show(self, sentence: str, number: int) -> None:
        """`number` computers need help; "" for none."""
        if not sentence:
            self.grid_remove()
            return
        text = f"●  {sentence}"
        if self.sentence.cget("text") != text:
            self.sentence.configure(text=text)
        self.button.configure(
            text="Show it" if number == 1 else "Show both" if number == FEW else "Show them"
        )
        self.grid()

    def _wrap(self, width: int) -> None:
        room = width - self.button.winfo_reqwidth() - self._theme.px(48)
        self.sentence.configure(wraplength=max(room, self._theme.px(160)))
