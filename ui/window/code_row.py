"""What a private room adds to the choice of a tracker: a lock, and a row that asks for the code."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from ui.window.fields import TextField
from ui.window.keyboard import tab_in_order
from ui.window.labels import Sentence, private_mark
from ui.window.layout import show_if
from ui.window.tooltip import Tooltip
from ui.window.window_context import WindowContext

ENCRYPTED = "Everything is encrypted."
ASK = f"Only those who know the code can join. {ENCRYPTED}"
TRUST = "Its members trust each other."


class CodeRow(ttk.Frame):
    """Takes no room unless it asks for the code. Two tabs have one, for the same tracker."""

    def __init__(
        self, parent: tk.Misc, context: WindowContext, beside: ttk.Frame, **place: Any
    ) -> None:
        """`beside`, in the tracker's line, gets the lock and the box to remember the code. `place`
        are options of grid().
        """
        super().__init__(parent)
        self.grid(sticky="ew", **place)
        px, theme = context.theme.px, context.theme
        self._codes, self._beside = context.codes, beside
        self.mark = private_mark(beside, theme)
        self.tip = Tooltip(self.mark, theme, lambda _x, _y: f"{ENCRYPTED} {TRUST}")
        self.tick = ttk.Checkbutton(
            beside, text="Remember code", underline=2, variable=self._codes.remember
        )
        self.field = TextField(
            self,
            theme,
            self._codes.typed,
            lambda: None,  # leaving the field tries no code
            placeholder="Code, such as 482 177 305",
            width=26,
        )
        self.field.entry.bind("<Return>", lambda _event: self.join(), add="+")
        self.button = ttk.Button(self, text="Join", underline=0, command=self.join)
        self.sentence = Sentence(self)
        self.mark.grid(row=0, column=0, padx=(0, px(12)))
        self.tick.grid(row=0, column=1, padx=(0, px(12)))
        self.field.grid(row=0, column=0, sticky="nw")
        self.button.grid(row=0, column=1, sticky="nw", padx=px(8))
        self.sentence.grid(row=0, column=2, sticky="ew")
        self.columnconfigure(2, weight=1)
        tab_in_order(self.field, self.button)
        self._codes.follow(self._show)

    @property
    def asks(self) -> bool:
        """Whether it asks for the code."""
        return bool(self.winfo_manager() and self.field.winfo_manager())

    def take_focus(self) -> bool:
        """Be ready for the code; False unless it is asked for."""
        if self.asks:
            self.field.entry.focus_set()
        return self.asks

    def join(self, then: Callable[[], None] | None = None) -> None:
        """See RoomCodes.try_typed()."""
        self.field.entry.focus_set()
        self.field.entry.selection_range(0, "end")  # what is typed next replaces a wrong code
        self._codes.try_typed(then)

    def _show(self) -> None:
        codes = self._codes
        is_private, is_needed = codes.is_private(codes.tracker), codes.is_needed(codes.tracker)
        focus = self.focus_get()
        is_new = is_needed and not self.asks and self.master.winfo_viewable()
        for widget, is_shown in (
            (self._beside, is_private),
            (self.tick, not codes.chosen.is_own),
            (self, is_needed or bool(codes.chosen.problem)),
            (self.field, is_needed),
            (self.button, is_needed),
        ):
            show_if(widget, is_shown)
        if focus in (self.field.entry, self.button) and not is_needed:
            self.tick.focus_set()
        elif is_new and isinstance(focus, ttk.Button | ttk.Checkbutton):
            self.field.entry.focus_set()  # nothing is being typed elsewhere
        self.button.state(["disabled" if codes.trying else "!disabled"])
        if codes.trying:
            self.sentence.say("Trying the code …", tone="Muted")
        elif codes.chosen.problem:
            self.sentence.say(codes.chosen.problem, tone="Bad")
        else:
            self.sentence.say(ASK, tone="Muted")
