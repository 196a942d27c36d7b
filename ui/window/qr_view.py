"""A QR code in the window: small beside an address, and after a click as large as the tab."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.qr_code import Modules, qr_code
from ui.window.theme import Theme

_DARK, _LIGHT = "#000000", "#ffffff"  # in every theme: cameras need dark on light


class QrPicture(tk.Label):
    """A code, each module a square of whole pixels. Without a text it takes no room."""

    def __init__(self, parent: tk.Misc, theme: Theme, pressed: Callable[[], None]) -> None:
        super().__init__(
            parent,
            background=_LIGHT,
            borderwidth=0,
            cursor="hand2",
            highlightthickness=theme.px(2),
            takefocus=True,
        )
        self.text = ""
        self._modules = self.picture = tk.PhotoImage(master=self)
        for event in ("<Button-1>", "<Return>", "<space>"):
            self.bind(event, lambda _event: pressed())
        self._theme = theme
        theme.follow(self._recolour)

    def _recolour(self) -> None:
        colours = self._theme.colours
        self.configure(highlightbackground=colours.ground, highlightcolor=colours.accent)

    def show(self, text: str, side: int) -> None:
        """Show it as large as fits into `side` pixels."""
        if text != self.text:
            self.text, self._modules = text, _drawn(self, qr_code(text))
        modules = self._modules.width()
        self.picture = self._modules.zoom(max(1, side // modules))
        self.configure(image=self.picture)


class QrPage(ttk.Frame):
    """Covers its tab with the code and its text, until a click or Escape."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent)
        self._theme, self._text = theme, ""
        self._focus_before: tk.Misc | None = None
        self.picture = QrPicture(self, theme, self.close)
        self.label = ttk.Label(self, style="Headline.TLabel")
        hint = ttk.Label(
            self,
            text="Point a phone’s camera at it, or type the address into a browser.",
            style="Muted.TLabel",
        )
        for row, widget in enumerate((self.picture, self.label, hint), 1):
            widget.grid(row=row, column=0, pady=(0, theme.px(8)))
        for row in (0, 4):
            self.rowconfigure(row, weight=1)
        self.columnconfigure(0, weight=1)
        self._beside = (self.label, hint)
        for widget in (self, *self._beside):
            widget.bind("<Button-1>", lambda _event: self.close())
        self.bind("<Configure>", lambda _event: self._fit())

    @property
    def is_open(self) -> bool:
        return self.winfo_manager() != ""

    def open(self, text: str) -> None:
        self._focus_before = self.focus_lastfor()
        self.place(relwidth=1, relheight=1)
        self.lift()
        self.show(text)
        self.picture.focus_set()

    def show(self, text: str) -> None:
        """Another text; the focus stays where it is."""
        self._text = text
        self.label.configure(text=text)
        self._fit()

    def close(self) -> None:
        if self.focus_lastfor() is self.picture and self._focus_before is not None:
            self._focus_before.focus_set()
        self.place_forget()

    def _fit(self) -> None:
        if not self._text:
            return
        px = self._theme.px
        below = sum(widget.winfo_reqheight() + px(8) for widget in self._beside)
        room = min(self.winfo_width(), self.winfo_height() - below) - px(16)
        self.picture.show(self._text, room)


def _drawn(master: tk.Misc, modules: Modules) -> tk.PhotoImage:
    """The code with one pixel for each module."""
    image = tk.PhotoImage(master=master, width=len(modules), height=len(modules))
    rows = (
        "{" + " ".join(_DARK if is_dark else _LIGHT for is_dark in row) + "}" for row in modules
    )
    image.put(" ".join(rows))
    return image
