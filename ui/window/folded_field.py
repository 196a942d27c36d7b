"""A line of text that “Change …” unfolds into a field; it folds again after the field is used."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.fields import TextField
from ui.window.keyboard import tab_in_order
from ui.window.layout import show_if
from ui.window.theme import Theme
from ui.window.tooltip import Tooltip

CAPTION = 44  # pixels at 96 dpi, so that the lines of several are aligned


class FoldedField(ttk.Frame):
    """Its owner makes the field, with this frame as its parent, and passes it to hold()."""

    field: TextField

    def __init__(self, parent: tk.Misc, theme: Theme, caption: str, *, underline: int) -> None:
        """`underline`: the index of the letter of “Change …” that presses it with Alt."""
        super().__init__(parent)
        px = theme.px
        self._theme = theme
        self._texts = ("", "")
        self._before = ""  # the field's text when it was unfolded
        self._is_settled: Callable[[], bool] = lambda: True
        label = ttk.Label(self, text=caption, style="Muted.TLabel")
        label.grid(row=0, column=0, sticky="nw", pady=px(5))
        self._line = ttk.Frame(self)
        self._name = ttk.Label(self._line, style="Strong.TLabel")
        self._detail = ttk.Label(self._line, style="Muted.TLabel")
        self._name.pack(side="left", pady=px(5))
        self._detail.pack(side="left", padx=(px(8), 0))
        self._line.grid(row=0, column=1, sticky="w")
        self.links = ttk.Frame(self)
        self.links.grid(row=0, column=2, sticky="nw", padx=(px(12), 0))
        self.beside = ttk.Frame(self.links)  # what its owner shows before the links
        self.beside.grid(row=0, column=0)
        self._unfolded = list[ttk.Button]()  # there only while it is unfolded
        self.change = self.link("Change …", self.unfold, underline=underline)
        self.columnconfigure(0, minsize=px(CAPTION))
        self.columnconfigure(1, weight=0)
        self.columnconfigure(3, weight=1)
        for part in (self._name, self._detail):
            Tooltip(part, theme, lambda _x, _y: self._whole())
        for frame in (self, self.links):
            frame.bind("<Configure>", lambda _event: self._fit())

    def hold(self, field: TextField, *, is_settled: Callable[[], bool] = lambda: True) -> None:
        """Unfold into this field. While `is_settled` returns False, the user still has to choose,
        and the field stays unfolded.
        """
        self.field, self._is_settled = field, is_settled
        field.complained = lambda: self.unfold(take_focus=False)
        entry = field.entry
        entry.bind("<Return>", lambda _event: self._soon(self.fold), add="+")
        entry.bind("<<ComboboxSelected>>", lambda _event: self._soon(self.fold), add="+")
        entry.bind("<Escape>", lambda _event: self._leave())
        entry.bind("<FocusOut>", lambda _event: self._soon(self._left), add="+")
        tab_in_order(self._line, field, self.links)

    def link(
        self, text: str, act: Callable[[], object], *, underline: int, is_beside: bool = False
    ) -> ttk.Button:
        """Add a link after the others. `is_beside`: shown only while the field is."""
        button = ttk.Button(
            self.links, text=text, underline=underline, style="Link.TButton", command=act
        )
        number = len(self.links.winfo_children())
        button.grid(row=0, column=number, padx=(0, self._theme.px(4)))
        if is_beside:
            self._unfolded.append(button)
            button.bind("<FocusOut>", lambda _event: self._soon(self._left), add="+")
            button.grid_remove()
        return button

    def say(self, name: str, detail: str) -> None:
        """Show this line, in bold and muted, cut where it is too long."""
        if (name, detail) != self._texts:
            self._texts = name, detail
            self._fit()

    @property
    def text(self) -> str:
        """The whole line."""
        return "  ".join(part for part in self._texts if part)

    @property
    def is_folded(self) -> bool:
        return bool(self._line.winfo_manager())

    def unfold(self, *, take_focus: bool = True) -> None:
        if self.is_folded:
            self._before = self.field.variable.get()
            self._line.grid_remove()
            self.field.grid(row=0, column=1, sticky="new")
            self._show_links(is_folded=False)
            self.columnconfigure(1, weight=1)
            self.columnconfigure(3, weight=0)
        if take_focus:
            self.field.entry.focus_set()
            self.field.entry.selection_range(0, "end")

    def fold(self) -> None:
        """Show the line again, unless something is wrong with the field, or must be chosen."""
        if self.is_folded or self.field.problem or not self._is_settled():
            return
        had_focus = self.has_focus
        self.field.grid_remove()
        self._show_links(is_folded=True)
        self.columnconfigure(1, weight=0)
        self.columnconfigure(3, weight=1)
        self._line.grid()
        self._fit()
        if had_focus:
            self.change.focus_set()

    @property
    def has_focus(self) -> bool:
        """Also true for an open list of the field, which Tk can name and tkinter cannot."""
        return str(self.tk.call("focus")).startswith(str(self))

    def _soon(self, act: Callable[[], None]) -> None:
        """Act after the field itself has handled the event."""
        self.after_idle(act)

    def _left(self) -> None:
        """Fold if another part of this window got the focus, but not if another program did."""
        if str(self.tk.call("focus")) and not self.has_focus:
            self.fold()

    def _leave(self) -> str:
        """Escape in the field: restore what was there, and fold."""
        self.field.variable.set(self._before)
        self.field.commit()
        self.fold()
        return "break"

    def _show_links(self, *, is_folded: bool) -> None:
        show_if(self.change, is_folded)
        for button in self._unfolded:
            show_if(button, not is_folded)

    def _whole(self) -> str:
        is_cut = (str(self._name["text"]), str(self._detail["text"])) != self._texts
        return self.text if is_cut else ""

    def _fit(self) -> None:
        """Cut the longer of name and detail if there is no room for both."""
        px, (name, detail) = self._theme.px, self._texts
        gap = px(8)
        room = self.winfo_width() - px(CAPTION) - self.links.winfo_reqwidth() - px(12) - 2 * gap
        if room > 0:
            wide = self._theme.strong_font.measure(name)
            least = min(self._theme.text_font.measure(detail), room * 2 // 5)
            detail = self._theme.text_cutter.cut(detail, max(least, room - wide - gap), "end")
            taken = self._theme.text_font.measure(detail) + gap if detail else 0
            name = self._theme.strong_cutter.cut(name, max(gap, room - taken), "middle")
        self._name.configure(text=name)
        self._detail.configure(text=detail)
