"""A table: rows by key, sorted by a heading, and only changed cells are written.

The tab knows what the rows mean.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from tkinter import ttk
from typing import Any, Literal

from ui.window.progress_bars import BarKind, ProgressBars
from ui.window.theme import Theme

FLUSH_MS = 200  # any change redraws all visible rows, so changes are written together
INSERT_AT_ONCE = 400  # rows; 10,000 at once would stop the window for a tenth of a second
UNUSED_FIRST_COLUMN = "#0"

SortKey = str | float


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `width` in pixels at 96 dpi."""

    title: str
    width: int
    is_number: bool = False
    stretches: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What one row shows.

    `keys` are its sort keys, one for each cell; `bar` is a percentage and its colour. A row with a
    `parent` stands below that row. Rows with the same parent, or none, are sorted by `rank` first.
    """

    cells: tuple[str, ...]
    keys: tuple[SortKey, ...] = ()
    tone: str = "Plain"  # Good, Warning, Bad or Muted
    bar: tuple[int, BarKind] | None = None
    parent: str = ""
    rank: int = 0


class Table(ttk.Frame):
    """With `has_bars`, the first column is a picture with the text of its cell beside it."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        columns: tuple[Column, ...],
        *,
        height: int,
        has_bars: bool = False,
        choose: Literal["browse", "extended", "none"] = "browse",
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._columns = columns
        self._bars = ProgressBars(self, theme) if has_bars else None
        self._rows: dict[str, Row] = {}
        self._written: dict[str, Row] = {}
        self._items: dict[str, str] = {}  # key to Tk's name of the row
        self._keys: dict[str, str] = {}
        self._dirty = dict[str, None]()
        self._flush_id = ""
        self._sorted_by, self._is_falling = 0, False
        self.tree = self._make_tree(height, choose)
        self._put_in_order()
        self._empty = ttk.Frame(self, style="Card.TFrame")
        theme.follow(self._recolour)
        self.bind("<Destroy>", self._on_destroy)

    # Contents

    def show(self, rows: Mapping[str, Row]) -> None:
        """Show exactly these rows; rows that stay keep place, selection and focus."""
        gone = [self._items[key] for key in self._items.keys() - rows.keys()]
        if gone:
            self.tree.delete(*gone)
        for item in gone:
            key = self._keys.pop(item)
            del self._items[key]
            self._written.pop(key, None)
        self._rows = dict(rows)
        self._dirty = dict.fromkeys(rows)
        self._show_emptiness()
        self._flush()

    def put(self, key: str, row: Row) -> None:
        """Change one row, or add it, within FLUSH_MS."""
        if self._rows.get(key) == row:
            return
        self._rows[key] = row
        self._dirty[key] = None
        self._show_emptiness()
        if not self._flush_id:
            self._flush_id = self.after(FLUSH_MS, self._flush)

    @property
    def empty(self) -> ttk.Frame:
        """Shown instead of the rows if there are none: fill it with what to do next."""
        return self._empty

    # Selection

    @property
    def row_keys(self) -> list[str]:
        """Of all rows, from the top down."""
        shown = [self._keys[item] for item in self.tree.get_children()]
        return shown + [key for key in self._rows if key not in self._items]

    @property
    def chosen(self) -> list[str]:
        """The keys of the selected rows, from the top down."""
        return [self._keys[item] for item in self.tree.selection()]

    def choose(self, keys: Iterable[str]) -> None:
        """Select these rows, and give the first of them the focus."""
        items = [self._items[key] for key in keys if key in self._items]
        self.tree.selection_set(items)
        if items:
            self.tree.focus(items[0])
            self.tree.see(items[0])

    def key_at(self, y: int) -> str | None:
        """The row at this height of the tree."""
        return self._keys.get(self.tree.identify_row(y))

    @property
    def focused(self) -> str | None:
        """The row that the keyboard is at."""
        return self._keys.get(self.tree.focus())

    def on_choice(self, function: Callable[[], None]) -> None:
        """Call this whenever the selection changes."""
        self.tree.bind("<<TreeviewSelect>>", lambda _event: function(), add="+")

    # Building

    def _make_tree(
        self, height: int, choose: Literal["browse", "extended", "none"]
    ) -> ttk.Treeview:
        names = [str(number) for number in range(self._first_data, len(self._columns))]
        tree = ttk.Treeview(
            self,
            columns=names,
            show="tree headings" if self._bars else "headings",
            height=height,
            selectmode=choose,
        )
        for number, column in enumerate(self._columns):
            name = self._name_of(number)
            side: Literal["e", "w"] = "e" if column.is_number else "w"
            width = self._theme.px(column.width)
            tree.column(
                name, width=width, minwidth=width // 2, stretch=column.stretches, anchor=side
            )
            tree.heading(name, anchor=side, command=lambda number=number: self._sort_by(number))
        bar = ttk.Scrollbar(self, orient="vertical", command=tree.yview)
        tree.configure(yscrollcommand=lambda first, last: self._scrolled(bar, first, last))
        tree.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        return tree

    @property
    def _first_data(self) -> int:
        return 1 if self._bars else 0

    def _name_of(self, number: int) -> str:
        return UNUSED_FIRST_COLUMN if self._bars and number == 0 else str(number)

    @staticmethod
    def _scrolled(bar: ttk.Scrollbar, first: float, last: float) -> None:
        """Hide the scroll bar if there is nothing to scroll."""
        if float(first) <= 0 and float(last) >= 1:
            bar.grid_remove()
        else:
            bar.grid()
        bar.set(float(first), float(last))

    def _recolour(self) -> None:
        colours = self._theme.colours
        tones = {
            "Plain": colours.text,
            "Good": colours.good,
            "Warning": colours.warning,
            "Bad": colours.bad,
            "Muted": colours.muted,
        }
        for tone, colour in tones.items():
            self.tree.tag_configure(tone, foreground=colour)
        if self._bars:
            self._bars.recolour()
            for key in self._written:
                self.tree.item(self._items[key], image=self._image_of(self._rows[key]))

    def _show_emptiness(self) -> None:
        if self._rows:
            self._empty.place_forget()
        elif not self._empty.winfo_manager():
            below_heading = self._theme.row_height // 2
            self._empty.place(in_=self.tree, relx=0.5, rely=0.5, y=below_heading, anchor="center")

    # Writing

    def _flush(self) -> None:
        if self._flush_id:
            self.after_cancel(self._flush_id)
            self._flush_id = ""
        inserted = 0
        while self._dirty and inserted < INSERT_AT_ONCE:
            key = next(iter(self._dirty))
            del self._dirty[key]
            row = self._rows[key]
            if key in self._items:
                self._rewrite(key, row)
            else:
                self._insert(key, row)
                inserted += 1
            self._written[key] = row
        if inserted:
            self._put_in_order()
        if self._dirty:
            self._flush_id = self.after(1, self._flush)

    def _insert(self, key: str, row: Row) -> None:
        options: dict[str, Any] = {"values": row.cells[self._first_data :], "tags": (row.tone,)}
        if self._bars:
            options |= {"text": row.cells[0], "image": self._image_of(row)}
        item = self.tree.insert("", "end", **options)
        self._items[key], self._keys[item] = item, key

    def _rewrite(self, key: str, row: Row) -> None:
        """Write only what differs: one cell costs a sixth of a whole row."""
        before, item = self._written.get(key), self._items[key]
        if before is None or before == row:
            return
        for number in range(self._first_data, len(row.cells)):
            if row.cells[number] != before.cells[number]:
                self.tree.set(item, str(number), row.cells[number])
        if row.tone != before.tone:
            self.tree.item(item, tags=(row.tone,))
        if self._bars and (row.bar, row.cells[0]) != (before.bar, before.cells[0]):
            self.tree.item(item, text=row.cells[0], image=self._image_of(row))

    def _image_of(self, row: Row) -> tk.PhotoImage | str:
        return self._bars.image(*row.bar) if self._bars and row.bar else ""

    # Order

    def _sort_by(self, number: int) -> None:
        self._is_falling = number == self._sorted_by and not self._is_falling
        self._sorted_by = number
        self._put_in_order()

    def sort_by(self, number: int) -> None:
        """Sort by this column, ascending, from now on."""
        self._sorted_by, self._is_falling = number, False
        self._put_in_order()

    def _put_in_order(self) -> None:
        """One set_children for all: moving each of 10,000 rows takes half a second."""
        number = self._sorted_by
        next_number = 1 if number == 0 else 0  # equal rows are sorted by another column

        def key_of(key: str) -> tuple[bool, SortKey, bool, SortKey, str]:
            row = self._rows[key]
            first = row.keys[number] if row.keys else row.cells[number].casefold()
            second = (row.keys or row.cells)[next_number]
            return isinstance(first, str), first, isinstance(second, str), second, key

        order = sorted(self._items, key=key_of, reverse=self._is_falling)
        if any(self._rows[key].parent or self._rows[key].rank for key in order):
            order = self._below_parents(order)
        self.tree.set_children("", *(self._items[key] for key in order))
        for position, column in enumerate(self._columns):
            arrow = "  ↓" if self._is_falling else "  ↑"
            title = column.title + (arrow if position == number else "")
            self.tree.heading(self._name_of(position), text=title)

    def _below_parents(self, order: list[str]) -> list[str]:
        """The same order for the children of each row, each followed by those below it."""
        order.sort(key=lambda key: self._rows[key].rank)
        below: dict[str, list[str]] = {}
        for key in order:
            parent = self._rows[key].parent
            below.setdefault(parent if parent in self._items else "", []).append(key)
        placed, waiting = list[str](), below.get("", [])[::-1]
        while waiting:
            key = waiting.pop()
            placed.append(key)
            waiting.extend(below.get(key, ())[::-1])
        return placed

    def _on_destroy(self, event: tk.Event[tk.Misc]) -> None:
        if event.widget is self and self._flush_id:
            self.after_cancel(self._flush_id)
            self._flush_id = ""
