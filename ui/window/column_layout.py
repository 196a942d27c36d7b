"""The widths of a table's columns and their order, as the user dragged them, from run to run."""

from __future__ import annotations

import re
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from ui.window.theme import Theme

LEAST, MOST = 24, 2_000  # pixels at 96 dpi of a column
DRAG_FROM = 8  # pixels at 96 dpi: less is a click, which sorts
_KEPT = re.compile(r"(\d{1,2}):(\d{2,4})")


class ColumnLayout:
    """The columns of one tree. The tree's own first column, "#0", stays in front."""

    def __init__(
        self, tree: ttk.Treeview, theme: Theme, kept: str, keep: Callable[[str], None]
    ) -> None:
        """`kept` is what `keep` was given the last time: "2:88,1:300", by column and width."""
        self._tree, self._theme, self._keep = tree, theme, keep
        self._names = [str(name) for name in tree["columns"]]
        self._order = list(self._names)
        self._pressed: tuple[str, int] | None = None  # a heading, and where
        self._restore(kept)
        self._kept = self._now()
        tree.bind("<ButtonPress-1>", self._press, add="+")
        tree.bind("<B1-Motion>", self._drag, add="+")
        tree.bind("<ButtonRelease-1>", self._release, add="+")

    def move(self, name: str, target: str) -> None:
        """Put this column where the other one is."""
        if name != target and name in self._order and target in self._order:
            place = self._order.index(target)
            self._order.remove(name)
            self._order.insert(place, name)
            self._tree.configure(displaycolumns=self._order)
            self._remember()

    @property
    def order(self) -> list[str]:
        return list(self._order)

    def _restore(self, kept: str) -> None:
        """Only if it is about these columns: another version may have others."""
        matches = [match for text in kept.split(",") if (match := _KEPT.fullmatch(text))]
        widths = {match[1]: int(match[2]) for match in matches}
        order = [name for name in widths if name in self._names]
        if sorted(order) != sorted(self._names):
            return
        for name, width in widths.items():
            column = name if name in self._names else "#0"
            self._tree.column(column, width=self._theme.px(min(max(width, LEAST), MOST)))
        self._order = order
        self._tree.configure(displaycolumns=order)

    def _now(self) -> str:
        scale = self._theme.px(100) / 100
        return ",".join(
            f"{name}:{round(int(self._tree.column(name, 'width')) / scale):02}"
            for name in self._order
        )

    def _remember(self) -> None:
        now = self._now()
        if now != self._kept:
            self._kept = now
            self._keep(now)

    def _press(self, event: tk.Event[tk.Misc]) -> None:
        heading = self._heading_at(event)
        self._pressed = None if heading is None else (heading, event.x)

    def _drag(self, event: tk.Event[tk.Misc]) -> None:
        if self._pressed is not None:
            is_far = abs(event.x - self._pressed[1]) >= self._theme.px(DRAG_FROM)
            self._tree.configure(cursor="fleur" if is_far else "")

    def _release(self, event: tk.Event[tk.Misc]) -> None:
        pressed, self._pressed = self._pressed, None
        target = self._heading_at(event)
        self._tree.configure(cursor="")
        if pressed is not None and target is not None and target != pressed[0]:
            self.move(pressed[0], target)
        else:
            self._remember()  # an edge of a heading may have been dragged

    def _heading_at(self, event: tk.Event[tk.Misc]) -> str | None:
        if self._tree.identify_region(event.x, event.y) != "heading":
            return None
        column = self._tree.identify_column(event.x)
        name = self._tree.column(column, "id") if column != "#0" else ""
        return str(name) if name in self._names else None
