"""Rows that are dragged to another place of their table."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui.columns import ItemT
from ui.window.table import Table
from ui.window.theme import Theme

DRAG_FROM = 8  # pixels at 96 dpi: less is a click
SCROLL_MS = 80  # between two rows while the pointer is above or below the table


class RowDrag:
    """Binds one table; a line shows where the rows would stand."""

    def __init__(
        self,
        table: Table[ItemT],
        theme: Theme,
        can_drop: Callable[[str, str], bool],
        drop: Callable[[str, str, bool], None],
    ) -> None:
        """`can_drop` says whether this row may stand beside that one; `drop` is called with both,
        and whether it comes below.
        """
        self._table, self._theme = table, theme
        self._can_drop, self._drop = can_drop, drop
        self._pressed: tuple[str, int] | None = None  # a row, and where
        self._target: tuple[str, bool] | None = None
        self._y = 0  # of the pointer
        self._scroll = ""
        self._is_dragged = False
        self._line = tk.Frame(table.tree, height=theme.px(2))
        theme.follow(self._recolour)
        tree = table.tree
        tree.bind("<ButtonPress-1>", self._press, add="+")
        tree.bind("<B1-Motion>", self._move, add="+")
        tree.bind("<ButtonRelease-1>", self._release, add="+")
        tree.bind("<Escape>", self._leave, add="+")

    def _recolour(self) -> None:
        self._line.configure(background=self._theme.colours.accent)

    def _press(self, event: tk.Event[tk.Misc]) -> None:
        self._end()
        is_row = self._table.tree.identify_region(event.x, event.y) in ("cell", "tree")
        key = self._table.key_at(event.y)
        self._pressed = (key, event.y) if is_row and key is not None else None

    def _move(self, event: tk.Event[tk.Misc]) -> None:
        if self._pressed is None:
            return
        self._y = event.y
        self._is_dragged |= abs(event.y - self._pressed[1]) >= self._theme.px(DRAG_FROM)
        if self._is_dragged:
            self._follow(self._pressed[0])

    def _follow(self, key: str) -> None:
        """Show where the row would stand; while the pointer is beyond the rows, scroll on."""
        self._target = self._target_at(self._y, key)
        self._table.tree.configure(cursor="hand2" if self._target is not None else "X_cursor")
        self._show_line()
        if self._beyond() and not self._scroll:
            self._scroll = self._table.tree.after(SCROLL_MS, self._scroll_on)

    def _beyond(self) -> int:
        """-1 above the rows, 1 below them."""
        if self._y < self._theme.row_height():
            return -1
        return 1 if self._y > self._table.tree.winfo_height() else 0

    def _scroll_on(self) -> None:
        self._scroll = ""
        if self._is_dragged and self._pressed is not None:
            self._table.scroll(self._beyond())
            self._follow(self._pressed[0])

    def _target_at(self, y: int, dragged: str) -> tuple[str, bool] | None:
        key = self._table.key_at(y)
        if key is None or key == dragged or not self._can_drop(dragged, key):
            return None
        box = self._table.tree.bbox(self._table.tree.identify_row(y))
        return (key, bool(box) and y > int(box[1]) + int(box[3]) // 2) if box else None

    def _show_line(self) -> None:
        item = self._table.items.get(self._target[0], "") if self._target is not None else ""
        box = self._table.tree.bbox(item) if item else ""
        if self._target is None or not box:
            self._line.place_forget()
            return
        y = int(box[1]) + (int(box[3]) if self._target[1] else 0)
        self._line.place(x=0, y=y - self._theme.px(1), relwidth=1)

    def _release(self, _event: tk.Event[tk.Misc]) -> None:
        pressed, target = self._pressed, self._target
        self._end()
        if pressed is not None and target is not None:
            self._drop(pressed[0], *target)

    def _leave(self, _event: tk.Event[tk.Misc]) -> str:
        was_dragged = self._is_dragged
        self._end()
        return "break" if was_dragged else ""

    def _end(self) -> None:
        if self._is_dragged:
            self._table.tree.configure(cursor="")
        self._pressed, self._target, self._is_dragged = None, None, False
        self._line.place_forget()
