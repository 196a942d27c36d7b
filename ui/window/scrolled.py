"""A frame that scrolls when it is taller than its place, and a scroll bar that hides."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui.window.layout import show_if
from ui.window.theme import Theme

_STRUT_COLUMN, _STRUT_ROWS = 20, 20


class HidingScrollbar(ttk.Scrollbar):
    """For a grid. It hides while there is nothing to scroll."""

    def set(self, first: float | str, last: float | str) -> None:
        super().set(first, last)
        show_if(self, float(first) > 0.0 or float(last) < 1.0)


class ScrolledFrame(ttk.Frame):
    """Put widgets into `inside`, which is as wide as this frame. The wheel and the focus scroll."""

    def __init__(self, parent: tk.Misc, theme: Theme, *, fills: bool = False) -> None:
        """With `fills`, rows of `inside` that have a weight share the room that is left."""
        super().__init__(parent)
        self._canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, width=1, height=1)
        self._bar = HidingScrollbar(self, orient="vertical", command=self._canvas.yview)
        self._bar.grid(row=0, column=1, sticky="ns")
        self.inside = ttk.Frame(self._canvas)
        self._item = self._canvas.create_window(0, 0, window=self.inside, anchor="nw")
        self._canvas.configure(yscrollcommand=self._bar.set)
        self._canvas.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._strut = ttk.Frame(self.inside, width=1) if fills else None
        if self._strut is not None:
            self._strut.grid(row=0, column=_STRUT_COLUMN, rowspan=_STRUT_ROWS, sticky="ns")
        for widget in (self._canvas, self.inside):
            widget.bind("<Configure>", lambda _event: self._fit())
        top = self.winfo_toplevel()
        top.bind("<MouseWheel>", lambda event: self._roll(event, -event.delta // 120), add="+")
        top.bind("<Button-4>", lambda event: self._roll(event, -1), add="+")
        top.bind("<Button-5>", lambda event: self._roll(event, 1), add="+")
        top.bind("<FocusIn>", self._show_focus, add="+")

        def recolour() -> None:
            self._canvas.configure(background=theme.colours.ground)

        theme.follow(recolour)

    def _fit(self) -> None:
        width, seen = self._canvas.winfo_width(), self._canvas.winfo_height()
        if self._strut is not None:
            self._strut.configure(height=seen)
        height = max(self.inside.winfo_reqheight(), seen)
        self._canvas.itemconfigure(self._item, width=width)
        self._canvas.configure(scrollregion=(0, 0, width, height))

    def _roll(self, event: tk.Event[tk.Misc], steps: int) -> None:
        if str(event.widget).startswith(str(self.inside)) and self._bar.winfo_ismapped():
            self._canvas.yview_scroll(2 * steps, "units")

    def _show_focus(self, event: tk.Event[tk.Misc]) -> None:
        """Scroll to the widget that the keyboard has reached."""
        widget = event.widget
        if not str(widget).startswith(f"{self.inside}."):
            return
        top = widget.winfo_rooty() - self.inside.winfo_rooty()
        whole, seen = self.inside.winfo_height(), self._canvas.winfo_height()
        first = self._canvas.canvasy(0)
        if top + widget.winfo_height() <= seen:
            self._canvas.yview_moveto(0.0)
        elif top < first:
            self._canvas.yview_moveto(top / whole)
        elif top + widget.winfo_height() > first + seen:
            self._canvas.yview_moveto((top + widget.winfo_height() - seen) / whole)
