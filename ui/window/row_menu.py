"""The menu of a table's rows: the same actions as its buttons, by right click and by keyboard."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from ui.columns import ItemT
from ui.window.table import Table
from ui.window.theme import Theme


@dataclass(frozen=True, slots=True)
class RowAction:
    """What can be done with rows, by a button or the menu."""

    label: str
    act: Callable[[], object]
    is_possible: Callable[[], bool]
    key: str = ""  # that does the same
    underline: int = -1  # the letter that presses the button together with Alt


class RowMenu(Generic[ItemT]):
    def __init__(self, table: Table[ItemT], theme: Theme, actions: Sequence[RowAction]) -> None:
        self._table = table
        self._actions = actions
        self._theme = theme
        self.menu = theme.menu(table)
        for action in actions:
            self.menu.add_command(label=action.label, command=action.act, accelerator=action.key)
        system = str(table.tk.call("tk", "windowingsystem"))
        for click in ("<Button-3>", *(["<Control-Button-1>"] if system == "aqua" else [])):
            table.tree.bind(click, self._clicked)
        for key in ("<Shift-F10>", "<Menu>" if system == "x11" else "<App>"):
            table.tree.bind(key, lambda _event: self._by_key())

    def refresh(self) -> None:
        """Grey out what cannot be done now."""
        for number, action in enumerate(self._actions):
            state = "normal" if action.is_possible() else "disabled"
            self.menu.entryconfigure(number, state=state)

    def _clicked(self, event: tk.Event[tk.Misc]) -> None:
        key = self._table.key_at(event.y)
        if key is not None and key not in self._table.chosen:
            self._table.choose([key])
        self._open(event.x_root, event.y_root)

    def _by_key(self) -> None:
        tree = self._table.tree
        box = tree.bbox(tree.focus()) if tree.focus() else ""
        x, y = (box[0], box[1] + box[3]) if box else (0, 0)
        self._open(tree.winfo_rootx() + x + self._theme.px(16), tree.winfo_rooty() + y)

    def _open(self, x: int, y: int) -> None:
        self.refresh()
        try:
            self.menu.tk_popup(x, y)
        finally:
            self.menu.grab_release()
