"""Opens and closes the folders of a list, by mouse and by keyboard. It does not know what they
hold.
"""

from __future__ import annotations

import tkinter as tk
from typing import Protocol

from ui.window.table import Table
from ui.window.theme import Theme

CELL_GAP = 8  # pixels at 96 dpi between the edge of a cell and its text


class Folds(Protocol):
    """What Folding asks of the list."""

    def fold_of(self, key: str) -> tuple[bool, str] | None:
        """Whether this row is open, and what is left of its name; None if it cannot open."""

    def set_open(self, key: str, *, is_open: bool) -> None: ...

    def parent_of(self, key: str) -> str | None:
        """The row that it is below; None for a row at the top."""


class Folding:
    """Binds one table: a click on the sign, Right and Left."""

    def __init__(self, table: Table, theme: Theme, column: int, folds: Folds) -> None:
        self._table, self._theme, self._column, self._folds = table, theme, column, folds
        tree = table.tree
        tree.bind("<Button-1>", self._clicked)
        tree.bind("<Right>", lambda _event: self._right())
        tree.bind("<Left>", lambda _event: self._left())

    def toggle(self, key: str) -> bool:
        """Open or close this row; False if it can do neither."""
        fold = self._folds.fold_of(key)
        if fold is not None:
            self._folds.set_open(key, is_open=not fold[0])
        return fold is not None

    def is_sign(self, x: int, y: int) -> bool:
        """Whether the sign of a folder is at this place of the tree."""
        key = self._table.key_at(y)
        fold = self._folds.fold_of(key) if key is not None else None
        tree = self._table.tree
        if fold is None or tree.identify_region(x, y) not in ("cell", "tree"):
            return False
        box = tree.bbox(tree.identify_row(y), str(self._column))
        sign_ends = self._theme.text_font.measure(fold[1]) + self._theme.px(CELL_GAP)
        return bool(box) and 0 <= x - int(box[0]) <= sign_ends

    def _clicked(self, event: tk.Event[tk.Misc]) -> str:
        key = self._table.key_at(event.y)
        if key is None or not self.is_sign(event.x, event.y):
            return ""
        self._table.tree.focus_set()
        self.toggle(key)
        return "break"

    def _right(self) -> str:
        key = self._table.focused
        fold = self._folds.fold_of(key) if key is not None else None
        if key is not None and fold is not None and not fold[0]:
            self._folds.set_open(key, is_open=True)
        return "break"

    def _left(self) -> str:
        """Close the folder; in a folder: go to that folder."""
        key = self._table.focused
        fold = self._folds.fold_of(key) if key is not None else None
        if key is None:
            return "break"
        parent = self._folds.parent_of(key)
        if fold is not None and fold[0]:
            self._folds.set_open(key, is_open=False)
        elif parent is not None:
            self._table.choose([parent])
        return "break"
