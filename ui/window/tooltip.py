"""A text beside the pointer once it rests: what is cut off, or what a place of a bar means."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.theme import Theme

REST_MS = 450
WRAP = 420  # pixels at 96 dpi


class Tooltip:
    """`text_at` says what there is to say of a place of the widget; "" for nothing."""

    def __init__(self, widget: tk.Misc, theme: Theme, text_at: Callable[[int, int], str]) -> None:
        self._widget, self._theme, self._text_at = widget, theme, text_at
        self._timer = ""
        self._shown: tk.Toplevel | None = None
        self.text = ""  # that is shown
        widget.bind("<Motion>", self._moved, add="+")
        # What hears keys is in the order of Tab, so a label must not.
        keys = ("<Key>",) if isinstance(widget, ttk.Treeview) else ()
        for event in ("<Leave>", "<ButtonPress>", "<MouseWheel>", "<Unmap>", *keys):
            widget.bind(event, lambda _event: self.hide(), add="+")

    def hide(self) -> None:
        if self._timer:
            self._widget.after_cancel(self._timer)
            self._timer = ""
        if self._shown is not None:
            self._shown.destroy()
            self._shown, self.text = None, ""

    def show_at(self, x: int, y: int) -> None:
        """Show what there is to say of this place now."""
        self.hide()
        text = self._text_at(x, y)
        if not text:
            return
        px, widget, colours = self._theme.px, self._widget, self._theme.colours
        self.text = text
        window = self._shown = tk.Toplevel(widget, background=colours.line, padx=1, pady=1)
        window.wm_overrideredirect(True)
        label = ttk.Label(
            window, text=text, style="Tint.TLabel", wraplength=px(WRAP), padding=(px(8), px(4))
        )
        label.pack()
        window.update_idletasks()
        width, height = window.winfo_reqwidth(), window.winfo_reqheight()
        left = min(widget.winfo_rootx() + x + px(12), window.winfo_screenwidth() - width)
        top = widget.winfo_rooty() + y + px(16)
        if top + height > window.winfo_screenheight():
            top = widget.winfo_rooty() + y - height - px(8)
        window.wm_geometry(f"+{max(left, 0)}+{max(top, 0)}")

    def _moved(self, event: tk.Event[tk.Misc]) -> None:
        if self._shown is not None and self._text_at(event.x, event.y) == self.text:
            return
        self.hide()
        x, y = event.x, event.y
        self._timer = self._widget.after(REST_MS, lambda: self.show_at(x, y))
