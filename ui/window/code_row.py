"""The row of a private room: a lock, and the field for its code as long as that is not known."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.fields import Sentence, TextField
from ui.window.keyboard import tab_in_order
from ui.window.layout import show_if
from ui.window.private_mark import PrivateMark
from ui.window.workbench import Workbench

ASK = "Only those who were told the code can join. Everything is encrypted."
TRUST = "Its members trust each other."


class CodeRow(ttk.Frame):
    """Takes no room while the tracker that is meant is open. Shown in two tabs, for one choice."""

    def __init__(self, parent: tk.Misc, bench: Workbench) -> None:
        super().__init__(parent)
        px, theme = bench.theme.px, bench.theme
        self._codes = bench.codes
        mark = PrivateMark(self, theme)
        self.field = TextField(
            self,
            theme,
            self._codes.typed,
            lambda: None,  # a look elsewhere is no try
            placeholder="Code, such as 482 177 305",
            width=26,
        )
        self.field.entry.bind("<Return>", lambda _event: self.join(), add="+")
        self.button = ttk.Button(self, text="Join", underline=0, command=self.join)
        self.tick = ttk.Checkbutton(
            self,
            text="Remember the code on this computer",
            underline=2,
            variable=self._codes.remember,
        )
        self._trust = ttk.Label(self, text=TRUST, style="Muted.TLabel")
        self.sentence = Sentence(self)
        mark.grid(row=0, column=0, sticky="nw", pady=px(7))
        self._trust.grid(row=0, column=1, sticky="nw", padx=(px(12), 0), pady=px(7))
        self.field.grid(row=0, column=1, sticky="nw", padx=(px(12), 0))
        self.button.grid(row=0, column=2, sticky="nw", padx=(px(8), 0))
        self.tick.grid(row=0, column=3, sticky="nw", padx=(px(12), 0), pady=px(5))
        self.sentence.grid(row=1, column=0, columnspan=5, sticky="ew", pady=(0, px(4)))
        self.columnconfigure(4, weight=1)
        tab_in_order(self.field, self.button, self.tick)

    def begin(self) -> None:
        """Show it from now on: its place must be known."""
        self._codes.follow(self._show)

    @property
    def asks(self) -> bool:
        """Whether the field is there."""
        return bool(self.winfo_manager() and self.field.winfo_manager())

    def join(self, then: Callable[[], None] | None = None) -> None:
        """See RoomCodes.try_typed()."""
        self.field.entry.focus_set()
        self._codes.try_typed(then)

    def _show(self) -> None:
        codes = self._codes
        if not codes.is_private(codes.tracker) and not codes.problem:
            self.grid_remove()
            return
        is_needed, is_trying = codes.is_needed(codes.tracker), codes.is_trying
        focus = self.focus_get()
        is_new = is_needed and not self.asks and self.master.winfo_viewable()
        for widget, is_shown in (
            (self._trust, not is_needed),
            (self.field, is_needed),
            (self.button, is_needed),
            (self.tick, not codes.is_own),
        ):
            show_if(widget, is_shown)
        if focus in (self.field.entry, self.button) and not is_needed:
            self.tick.focus_set()
        elif is_new and isinstance(focus, ttk.Button | ttk.Checkbutton):
            self.field.entry.focus_set()  # nothing is being typed elsewhere
        self.button.state(["disabled" if is_trying else "!disabled"])
        if is_trying:
            self.sentence.say("Trying the code …", tone="Muted")
        elif codes.problem:
            self.sentence.say(codes.problem, tone="Bad")
        else:
            self.sentence.say(ASK if is_needed else "", tone="Muted")
        self.grid()
