"""The keys of the whole window. Window and tabs decide what they do."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterator
from tkinter import ttk

# In Tcl, because these widgets are also in Tk's own dialogs, which Python has no objects for.
_PRESS = "%W invoke"
_SELECT_TEXT = "%W selection range 0 end; %W icursor end; break"


def add_missing_keys(window: tk.Misc) -> None:
    """Add Select all in fields, and Enter on buttons. Tables have their own: see RowsInSight."""
    window.bind_class("TButton", "<Return>", _PRESS)
    for field in ("TEntry", "TCombobox", "TSpinbox"):
        window.bind_class(field, "<Control-a>", _SELECT_TEXT)


def press_underlined(top: tk.Misc, letter: str) -> None:
    """Press the visible button below `top` that has this letter underlined."""
    for button in _below(top):
        if not isinstance(button, ttk.Button | ttk.Checkbutton):
            continue
        text, underline = str(button.cget("text")), int(button.cget("underline"))
        is_it = 0 <= underline < len(text) and text[underline].lower() == letter.lower()
        if is_it and button.winfo_viewable() and not button.instate(["disabled"]):
            button.focus_set()
            button.invoke()
            return


def tab_in_order(*widgets: tk.Misc) -> None:
    """Make Tab go through these in reading order; Tk goes by the order of stacking."""
    for widget in widgets:
        widget.tkraise()


def focus_next_pane(top: tk.Misc) -> None:
    """Move from the fields to the tables, one after another, and back to the fields."""
    seen = [pane for pane in _below(top) if pane.winfo_viewable()]
    panes = [pane for pane in seen if _is_pane(pane)]
    first = next((widget for widget in seen if isinstance(widget, ttk.Entry)), None)
    stops = [*([first] if first is not None else []), *panes]
    if stops:
        now = top.focus_get()
        number = stops.index(now) + 1 if now in stops else 0
        stops[number % len(stops)].focus_set()


def _is_pane(widget: tk.Misc) -> bool:
    """Whether the arrow keys move within it; a canvas may be just a picture."""
    if isinstance(widget, tk.Canvas):
        return str(widget.cget("takefocus")) == "1"
    return isinstance(widget, ttk.Treeview | tk.Text)


def first_control(top: tk.Misc) -> tk.Misc | None:
    """The first widget that takes the focus and is there, in reading order."""
    kinds = (ttk.Button, ttk.Entry, ttk.Treeview)
    return next((widget for widget in _there_below(top) if isinstance(widget, kinds)), None)


def _there_below(top: tk.Misc) -> Iterator[tk.Misc]:
    """The widgets below `top`, without those that have no place in the window now."""
    for child in top.winfo_children():
        if child.winfo_manager():
            yield child
            yield from _there_below(child)


def _below(top: tk.Misc) -> Iterator[tk.Misc]:
    for child in top.winfo_children():
        yield child
        yield from _below(child)
