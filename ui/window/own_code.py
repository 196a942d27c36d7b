"""Shows the code of this window's private room, large enough for all, and changes it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from roles.values import room_code
from ui.window import desktop
from ui.window.fields import TextField
from ui.window.keyboard import tab_in_order
from ui.window.labels import Sentence, private_mark
from ui.window.layout import show_if
from ui.window.theme import Theme

OUT = "This shuts out everyone who joined with the old code until they type the new one."
WIDEST = 340  # pixels at 96 dpi; a long code is wrapped


class OwnCode(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme, change: Callable[[str], None]) -> None:
        """`change` is called with the new code."""
        super().__init__(parent)
        px = theme.px
        self._change = change
        self.code = ""  # the one that is shown
        line, self._asking = ttk.Frame(self), ttk.Frame(self)
        mark = private_mark(line, theme)
        self.label = ttk.Label(line, style="Title.TLabel", wraplength=px(WIDEST))
        copy = ttk.Button(line, text="Copy", underline=3, width=0, command=self._copy)
        self.button = ttk.Button(line, text="New code …", underline=0, width=0, command=self.ask)
        mark.grid(row=0, column=0)
        for column, widget in enumerate((self.label, copy, self.button), 1):
            widget.grid(row=0, column=column, padx=(px(8), 0))
        self.field = TextField(
            self._asking, theme, "", lambda: None, placeholder="Empty: nine new digits", width=24
        )
        self.field.entry.bind("<Return>", lambda _event: self.use(), add="+")
        use = ttk.Button(self._asking, text="Change the code", width=0, command=self.use)
        keep = ttk.Button(self._asking, text="Keep it", width=0, command=self.close)
        said = Sentence(self._asking, tone="Warning")
        self.field.grid(row=0, column=0, sticky="nw")
        use.grid(row=0, column=1, sticky="nw", padx=(px(8), 0))
        keep.grid(row=0, column=2, sticky="nw", padx=(px(8), 0))
        said.grid(row=1, column=0, columnspan=3, sticky="ew")
        said.say(OUT)
        line.grid(row=0, column=0, sticky="w")
        self._asking.grid(row=1, column=0, sticky="ew", pady=(px(4), 0))
        self._asking.grid_remove()
        tab_in_order(copy, self.button)
        tab_in_order(self.field, use, keep)

    def show(self, code: str) -> None:
        """Show this code; "" in an open room."""
        if code != self.code:
            self.code = code
            self.label.configure(text=room_code.shown(code))
            self.close()
        show_if(self, bool(code))

    def ask(self) -> None:
        self._asking.grid()
        self.field.entry.focus_set()

    def use(self) -> None:
        """Change to what is typed."""
        code = self.field.read(room_code.chosen)
        if code is not None:
            self._change(code or room_code.new())
            self.close()

    def close(self) -> bool:
        """Keep the code; False if the field was not open."""
        if not self._asking.winfo_manager():
            return False
        self._asking.grid_remove()
        self.field.variable.set("")
        self.field.complain("")
        self.button.focus_set()
        return True

    def _copy(self) -> None:
        desktop.copy_text(self, str(self.label.cget("text")))
