"""A table: one row for each item, sorted by a heading, and only changed cells are written."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Generic, Literal

from ui.columns import Column, ItemT, SortKey
from ui.window.column_layout import ColumnLayout
from ui.window.cut_text import TextCutter
from ui.window.notices import Choice
from ui.window.progress_bars import ProgressBars
from ui.window.theme import Theme
from ui.window.tooltip import Tooltip

FLUSH_MS = 200  # any change redraws all visible rows, so changes are written together
INSERT_AT_ONCE = 400  # rows; 10,000 at once would stop the window for a tenth of a second
LOOK_AT_ONCE = 4_000  # rows that may not have changed
UNUSED_FIRST_COLUMN = "#0"
_EDGES = 4  # pixels of a table that no column has
_CELL_ROOM = 20  # pixels at 96 dpi beside the text of a cell
WRAP = 520  # pixels at 96 dpi, of the text in an empty table


@dataclass(frozen=True, slots=True)
class Written:
    cells: tuple[str, ...]
    tone: str
    bar: tuple[int, str] | None


class Table(ttk.Frame, Generic[ItemT]):
    """Items by key; `columns` say what stands in their cells.

    `tone` names the colour of a row: see Theme.tones. With `bar`, which gives a percentage and a
    tone, the first column is a picture with the text of its cell beside it.
    `parent` is the key of the row that a row stands below, `rank` sorts rows before any column.
    """

    def __init__(
        self,
        master: tk.Misc,
        theme: Theme,
        columns: Sequence[Column[ItemT]],
        *,
        height: int,
        title: str = "",
        sorted_by: int = 0,
        choose: Literal["browse", "extended", "none"] = "browse",
        tone: Callable[[ItemT], str] = lambda _item: "Plain",
        bar: Callable[[ItemT], tuple[int, str] | None] | None = None,
        parent: Callable[[ItemT], str] | None = None,
        rank: Callable[[ItemT], int] = lambda _item: 0,
        steps: Sequence[Choice] = (),
        layout: tuple[str, Callable[[str], None]] | None = None,
    ) -> None:
        """`steps` are offered by an empty table. `layout`: see ColumnLayout."""
        super().__init__(master)
        self._theme = theme
        self._columns = columns
        self._tone, self._bar, self._parent, self._rank = tone, bar, parent, rank
        self._bars = ProgressBars(self, theme)
        self._rows: dict[str, ItemT] = {}
        self._written: dict[str, Written] = {}
        self._items: dict[str, str] = {}  # key to Tk's name of the row
        self._keys: dict[str, str] = {}
        self._dirty = dict[str, None]()  # from the last to the first
        self._has_new_rows = False
        self._flush_id = ""
        self._fits = False  # once fit() was called
        self._fitted: object = None  # what fit() did last
        self._sorted_by, self._is_falling = sorted_by, False
        if title:
            label = ttk.Label(self, text=title, style="Strong.TLabel")
            label.grid(row=0, column=0, sticky="w", pady=(0, theme.px(4)))
        self._cutter = TextCutter(theme.text_font.measure)
        self._widths: dict[int, int] = {}  # of the texts in columns that are cut
        self.tree = self._make_tree(height, choose)
        self.layout = ColumnLayout(self.tree, theme, *layout) if layout is not None else None
        self.tooltip = Tooltip(self.tree, theme, self._cut_off_at)
        for event in ("<Configure>", "<ButtonRelease-1>"):
            self.tree.bind(event, lambda _event: self.after_idle(self._resized), add="+")
        self._put_in_order()
        self.empty = ttk.Frame(self, style="Card.TFrame")
        self._empty_title, self._empty_text = self._make_empty(steps)
        theme.follow(self._recolour)

    # Contents

    def show(self, rows: Mapping[str, ItemT]) -> None:
        """Show exactly these rows; rows that stay keep place, selection and focus."""
        gone = [self._items[key] for key in self._items.keys() - rows.keys()]
        if gone:
            self.tree.delete(*gone)
        for item in gone:
            key = self._keys.pop(item)
            del self._items[key], self._written[key]
        self._rows = dict(rows)
        has_same_rows = rows.keys() == self._items.keys()
        self._dirty = dict.fromkeys(reversed(list(rows) if has_same_rows else self._order()))
        self._show_emptiness()
        self._flush()

    def put(self, key: str, item: ItemT) -> None:
        """Change one row, or add it, within FLUSH_MS."""
        self._rows[key] = item
        self._dirty[key] = None
        self._show_emptiness()
        if not self._flush_id:
            self._flush_id = self.after(FLUSH_MS, self._flush)

    def say_empty(self, title: str, text: str = "") -> None:
        """Show this in place of the rows while there are none."""
        self._empty_title.configure(text=title)
        self._empty_text.configure(text=text)
        if text:
            self._empty_text.pack(after=self._empty_title, pady=(self._theme.px(4), 0))
        else:
            self._empty_text.pack_forget()

    def fit(self) -> None:
        """Make every column as wide as its widest cell. Those that stretch share what is left, or
        give way down to their width; if that is not enough, the table scrolls sideways. From then
        on they also fit when the table is shown or gets another size.
        """
        self._fits = True
        theme, tree = self._theme, self.tree
        widths = list[int]()
        for number, column in enumerate(self._columns):
            shown = {written.cells[number] for written in self._written.values()}
            cell = max((theme.text_font.measure(text) for text in shown), default=0)
            heading = theme.strong_font.measure(f"{column.title}  ↓")
            widths.append(max(cell, heading) + theme.px(_CELL_ROOM))
        over = sum(widths) - (tree.winfo_width() - _EDGES)
        most = {
            number: max(0, widths[number] - theme.px(column.width))
            for number, column in enumerate(self._columns)
            if column.stretches
        }
        if 0 < over <= sum(most.values()):
            for number in sorted(most, key=lambda number: -most[number]):
                given = min(over, most[number])
                widths[number] -= given
                over -= given
        if (widths, over > 0) == self._fitted or tree.winfo_width() <= 1:
            return
        self._fitted = widths, over > 0
        for number, width in enumerate(widths):
            stretches = self._columns[number].stretches and over <= 0
            tree.column(self._name_of(number), width=width, minwidth=width, stretch=stretches)
        if over > 0:
            self._sideways.grid(row=2, column=0, sticky="ew")
        else:
            self._sideways.grid_remove()

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

    def see(self, key: str) -> None:
        if key in self._items:
            self.tree.see(self._items[key])

    def item_of(self, key: str) -> str:
        """Tk's name of a row; "" if it has none yet."""
        return self._items.get(key, "")

    def key_at(self, y: int) -> str | None:
        return self._keys.get(self.tree.identify_row(y))

    def full_text(self, key: str, number: int) -> str:
        """What the cell of this column says, also if it is cut."""
        return self._columns[number].text(self._rows[key])

    @property
    def focused(self) -> str | None:
        """The row that the keyboard is at."""
        return self._keys.get(self.tree.focus())

    def on_choice(self, function: Callable[[], None]) -> None:
        self.tree.bind("<<TreeviewSelect>>", lambda _event: function(), add="+")

    # Building

    def _make_tree(
        self, height: int, choose: Literal["browse", "extended", "none"]
    ) -> ttk.Treeview:
        names = [str(number) for number in range(self._first_data, len(self._columns))]
        tree = ttk.Treeview(
            self,
            columns=names,
            show="tree headings" if self._bar else "headings",
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
            tree.heading(name, anchor=side, command=partial(self.sort_by, number))
        bar = ttk.Scrollbar(self, orient="vertical", command=tree.yview)
        tree.configure(yscrollcommand=lambda first, last: self._scrolled(bar, first, last))
        self._sideways = ttk.Scrollbar(self, orient="horizontal", command=tree.xview)
        tree.configure(xscrollcommand=self._sideways.set)
        tree.grid(row=1, column=0, sticky="nsew")
        bar.grid(row=1, column=1, sticky="ns")
        self.rowconfigure(1, weight=1)
        self.columnconfigure(0, weight=1)
        return tree

    def _make_empty(self, steps: Sequence[Choice]) -> tuple[ttk.Label, ttk.Label]:
        px, frame = self._theme.px, self.empty
        loudness = "Title" if steps else "Strong"
        title = ttk.Label(frame, style=f"{loudness}.Card.TLabel", justify="center")
        text = ttk.Label(frame, style="Muted.Card.TLabel", justify="center", wraplength=px(WRAP))
        title.pack()
        if steps:
            row = ttk.Frame(frame, style="Card.TFrame")
            row.pack(pady=(px(12), 0))
            for number, step in enumerate(steps):
                button = ttk.Button(row, text=step.label, command=step.act)
                button.pack(side="left", padx=(px(8) if number else 0, 0))
        return title, text

    @property
    def _first_data(self) -> int:
        return 1 if self._bar else 0

    def _name_of(self, number: int) -> str:
        return UNUSED_FIRST_COLUMN if self._bar and number == 0 else str(number)

    @staticmethod
    def _scrolled(bar: ttk.Scrollbar, first: float, last: float) -> None:
        """Hide the scroll bar if there is nothing to scroll."""
        if float(first) <= 0 and float(last) >= 1:
            bar.grid_remove()
        else:
            bar.grid()
        bar.set(float(first), float(last))

    def _recolour(self) -> None:
        for tone, colour in self._theme.tones.items():
            self.tree.tag_configure(tone, foreground=colour)
        self._bars.recolour()
        for key, written in self._written.items():
            if written.bar:  # Tk draws a picture anew where it is set anew
                self.tree.item(self._items[key], image=self._bars.image(*written.bar))

    def _show_emptiness(self) -> None:
        if self._rows:
            self.empty.place_forget()
        elif not self.empty.winfo_manager():
            below_heading = self._theme.row_height // 2
            self.empty.place(in_=self.tree, relx=0.5, rely=0.5, y=below_heading, anchor="center")

    # Writing

    def _flush(self) -> None:
        if self._flush_id:
            self.after_cancel(self._flush_id)
            self._flush_id = ""
        inserted, looked_at = 0, 0
        while self._dirty and inserted < INSERT_AT_ONCE and looked_at < LOOK_AT_ONCE:
            key, _ = self._dirty.popitem()  # the last: the first costs more with each that is gone
            inserted += self._write(key, self._rows[key])
            looked_at += 1
        self._has_new_rows |= inserted > 0
        if self._dirty:
            self._flush_id = self.after(1, self._flush)
        elif self._has_new_rows:
            self._has_new_rows = False
            self._put_in_order()

    def _write(self, key: str, row: ItemT) -> bool:
        """Write what differs, for one cell costs a sixth of a whole row; True for a new row."""
        cells = tuple(
            self._cut(number, column, column.text(row))
            for number, column in enumerate(self._columns)
        )
        now = Written(cells, self._tone(row), self._bar(row) if self._bar else None)
        before, self._written[key] = self._written.get(key), now
        if before is None:
            item = self.tree.insert("", "end", values=cells[self._first_data :], tags=(now.tone,))
            self._items[key], self._keys[item] = item, key
        else:
            item = self._items[key]
            for number in range(self._first_data, len(cells)):
                if cells[number] != before.cells[number]:
                    self.tree.set(item, str(number), cells[number])
            if now.tone != before.tone:
                self.tree.item(item, tags=(now.tone,))
        if self._bar and (before is None or (now.bar, cells[0]) != (before.bar, before.cells[0])):
            image = self._bars.image(*now.bar) if now.bar else ""
            self.tree.item(item, text=cells[0], image=image)
        return before is None

    def _resized(self) -> None:
        """The table, or one of its columns."""
        if self._fits:
            self.fit()
        self._fit_texts()

    # Texts that are too long

    def _cut(self, number: int, column: Column[ItemT], text: str) -> str:
        width = self._widths.get(number)
        return text if width is None else self._cutter.cut(text, width, column.cut)

    def _fit_texts(self) -> None:
        padding = self._theme.px(_CELL_ROOM)
        widths = {
            number: int(self.tree.column(self._name_of(number), "width")) - padding
            for number, column in enumerate(self._columns)
            if column.cut
        }
        if widths != self._widths:
            self._widths = widths
            self._dirty |= dict.fromkeys(self._rows)
            self._flush()

    def _cut_off_at(self, x: int, y: int) -> str:
        """The whole text of the cell there, if it is not all in sight."""
        key = self.key_at(y)
        if key is None or self.tree.identify_region(x, y) != "cell":
            return ""
        name = str(self.tree.column(self.tree.identify_column(x), "id"))
        if not name.isdecimal() or not self._columns[int(name)].cut:
            return ""
        text = self.full_text(key, int(name))
        return "" if self._written[key].cells[int(name)] == text else text.strip()

    # Order

    @property
    def sorted_by(self) -> tuple[int, bool]:
        """The column, and whether it falls."""
        return self._sorted_by, self._is_falling

    def sort_anew(self, number: int) -> None:
        """Sort by this column, rising; also if what it sorts by has changed."""
        self._sorted_by, self._is_falling = number, False
        self._put_in_order()

    def sort_by(self, number: int) -> None:
        """What a press on a heading does: sort by this column, and the other way round if it is
        the one.
        """
        self._is_falling = number == self._sorted_by and not self._is_falling
        self._sorted_by = number
        self._put_in_order()

    def _put_in_order(self) -> None:
        """One set_children for all: moving each of 10,000 rows takes half a second."""
        items = (self._items[key] for key in self._order() if key in self._items)
        self.tree.set_children("", *items)
        for position, column in enumerate(self._columns):
            arrow = "  ↓" if self._is_falling else "  ↑"
            title = column.title + (arrow if position == self._sorted_by else "")
            self.tree.heading(self._name_of(position), text=title)

    def _order(self) -> list[str]:
        """The keys of all rows, from the top down."""
        first = self._columns[self._sorted_by]
        second = self._columns[1 if self._sorted_by == 0 else 0]  # for rows that are equal

        def key_of(key: str) -> tuple[bool, SortKey, bool, SortKey, str]:
            row = self._rows[key]
            one, other = first.key(row), second.key(row)
            return isinstance(one, str), one, isinstance(other, str), other, key

        order = sorted(self._rows, key=key_of, reverse=self._is_falling)
        order.sort(key=lambda key: self._rank(self._rows[key]))
        return order if self._parent is None else self._below_parents(order, self._parent)

    def _below_parents(self, order: list[str], parent_of: Callable[[ItemT], str]) -> list[str]:
        """The same order for the children of each row, each followed by those below it."""
        below: dict[str, list[str]] = {}
        for key in order:
            parent = parent_of(self._rows[key])
            below.setdefault(parent if parent in self._rows else "", []).append(key)
        placed, waiting = list[str](), below.get("", [])[::-1]
        while waiting:
            key = waiting.pop()
            placed.append(key)
            waiting.extend(below.get(key, ())[::-1])
        return placed
