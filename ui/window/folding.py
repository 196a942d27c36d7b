"""Opens and closes the folders of the list: a click on the sign, a double click, Right and Left."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui.window.list_columns import NAME_COLUMN, sign_width
from ui.window.list_rows import ListRow, ListRows, Node
from ui.window.table import Table
from ui.window.theme import Theme

CELL_GAP = 8  # pixels at 96 dpi between the edge of a cell and its text


class Folding:
    """Binds one table."""

    def __init__(
        self, table: Table[ListRow], theme: Theme, rows: ListRows, changed: Callable[[], None]
    ) -> None:
        self._table, self._theme, self._rows, self._changed = table, theme, rows, changed
        table.tree.bind("<Button-1>", self._clicked, add="+")
        table.on_arrows(self._is_open, self.toggle, rows.parent_key)

    def opening(self, key: str | None) -> Node | None:
        """What this row opens or closes; None if it can do neither."""
        node = self._rows.node(key) if key is not None else None
        return node if node is not None and node.opens else None

    def toggle(self, key: str | None) -> bool:
        """Open or close this row; False if it can do neither."""
        node = self.opening(key)
        if node is None:
            return False
        self._rows.toggle(node)
        self._changed()
        return True

    def is_sign(self, x: int, y: int) -> bool:
        """Whether the sign of a folder is at this place of the tree."""
        node, tree = self.opening(self._table.key_at(y)), self._table.tree
        if node is None or tree.identify_region(x, y) not in ("cell", "tree"):
            return False
        box = tree.bbox(tree.identify_row(y), str(NAME_COLUMN))
        sign_ends = self._theme.text_font.measure(sign_width(node)) + self._theme.px(CELL_GAP)
        return bool(box) and 0 <= x - int(box[0]) <= sign_ends

    def _clicked(self, event: tk.Event[tk.Misc]) -> str:
        if not self.is_sign(event.x, event.y):
            return ""
        self._table.tree.focus_set()
        self.toggle(self._table.key_at(event.y))
        return "break"

    def _is_open(self, key: str) -> bool | None:
        node = self.opening(key)
        return None if node is None else self._rows.is_open(node)
