"""A table: one row for each item, sorted by a heading. Only rows in sight cost anything."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Generic, Literal

from ui.columns import Column, Icon, ItemT, SortKey
from ui.window.layout import EmptyNote, show_if
from ui.window.notices import Choice
from ui.window.row_pictures import GAP, ICON, Bar, RowPictures
from ui.window.rows_in_sight import Choosing, RowsInSight
from ui.window.scrolled import HidingScrollbar
from ui.window.theme import Theme
from ui.window.tooltip import Tooltip

FLUSH_MS = 200  # any change redraws all visible rows, so changes are written together
UNUSED_FIRST_COLUMN = "#0"
_EDGES = 4  # pixels of a table that no column has
CELL_GAP = 8  # pixels at 96 dpi between the edge of a cell and its text
_CELL_ROOM = 20  # pixels at 96 dpi beside the text of a cell


@dataclass(frozen=True, slots=True)
class Written:
    cells: tuple[str, ...]
    tone: str
    picture: tuple[Bar | None, Icon | None]


class Table(RowsInSight, ttk.Frame, Generic[ItemT]):
    """Items by key; `columns` say what stands in their cells.

    `tone` names the colour of a row: see Theme.tones. With `bar`, which gives a percentage and a
    tone, or `icon`, the first column is a picture with the text of its cell beside it.
    `rank` sorts rows before any column.

    A short table is shown by show(), and sorts itself. A long one is shown by show_order(), and
    has `sort_elsewhere`, which is called when `sorting` has changed.
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
        choose: Choosing = "browse",
        tone: Callable[[ItemT], str] = lambda _item: "Plain",
        bar: Callable[[ItemT], Bar | None] | None = None,
        icon: Callable[[ItemT], Icon | None] | None = None,
        rank: Callable[[ItemT], int] = lambda _item: 0,
        steps: Sequence[Choice] = (),
        sort_elsewhere: Callable[[], None] | None = None,
    ) -> None:
        """`steps` are offered by an empty table."""
        ttk.Frame.__init__(self, master)
        self._theme = theme
        self._columns = columns
        self._tone, self._bar, self._icon, self._rank = tone, bar, icon, rank
        self.pictures = RowPictures(self, theme)
        self._first_data = 1 if bar or icon else 0  # the column that Tk counts as the first
        self._zoom = 1.0
        self._hidden = set[int]()  # numbers of columns
        self._rows: dict[str, ItemT] = {}  # of a table that sorts itself
        self._item_of: Callable[[str], ItemT] = self._rows.__getitem__
        self._written: dict[str, Written] = {}  # by Tk's name of the row
        self._flush_id = ""
        self._fits = False  # once fit() was called
        self._fitted: object = None  # what fit() did last
        self.sorting = (sorted_by, False)  # number of the column, and whether the largest is first
        self._sort_elsewhere = sort_elsewhere
        if title:
            label = ttk.Label(self, text=title, style="Strong.TLabel")
            label.grid(row=0, column=0, sticky="w", pady=(0, theme.px(4)))
        self._widths: dict[int, int] = {}  # of the texts in columns that are cut
        tree, self._bar_at_side = self._make_tree(height, choose)
        RowsInSight.__init__(self, tree, theme.row_height(), choose)
        self.tooltip = Tooltip(self.tree, theme, self._cut_off_at)
        for event in ("<Configure>", "<ButtonRelease-1>"):
            self.tree.bind(event, lambda _event: self.after_idle(self._resized), add="+")
        self._show_sorting()
        self.empty = EmptyNote(self, theme, steps, ground="Card.")
        theme.follow(self._recolour)

    # Contents

    def show(self, rows: Mapping[str, ItemT]) -> None:
        """Show exactly these rows; rows that stay keep place, selection and focus."""
        self._rows = dict(rows)
        self.show_order(self._sorted(), self._rows.__getitem__)

    def show_order(self, order: Sequence[str], item_of: Callable[[str], ItemT]) -> None:
        """Show these rows in this order. An item is asked for when its row comes into sight."""
        self._item_of = item_of
        self.put_order(order)
        self._show_emptiness()

    def look_again(self) -> None:
        """Show within FLUSH_MS what has become of the rows in sight."""
        if not self._flush_id:
            self._flush_id = self.after(FLUSH_MS, self._flush)

    def say_empty(self, title: str, text: str = "") -> None:
        """Show this in place of the rows while there are none."""
        self.empty.say(title, text)

    def fit(self) -> None:
        """Make every column as wide as its widest cell. Those that stretch share what is left, or
        give way down to their width; if that is not enough, the table scrolls sideways. From then
        on they also fit when the table is shown or gets another size.
        """
        self._fits = True
        theme, tree = self._theme, self.tree
        widths = list[int]()
        for number, column in enumerate(self._columns):
            if number in self._hidden:
                widths.append(0)
                continue
            shown = {column.text(item) for item in self._rows.values()}
            cell = max(map(self._theme.text_cutter.width_of, shown), default=0)
            if number < self._first_data and self._icon is not None:
                cell += theme.zoomed(ICON + GAP)
            heading = theme.strong_font.measure(f"{column.title}  ↓")
            widths.append(max(cell, heading) + theme.px(_CELL_ROOM))
        over = sum(widths) - (tree.winfo_width() - _EDGES)
        most = {
            number: max(0, widths[number] - theme.zoomed(column.width))
            for number, column in enumerate(self._columns)
            if column.stretches and number not in self._hidden
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
            if number in self._hidden:
                continue
            stretches = self._columns[number].stretches and over <= 0
            tree.column(self._name_of(number), width=width, minwidth=width, stretch=stretches)
        show_if(self._sideways, over > 0)

    def hide(self, columns: Collection[Column[ItemT]]) -> None:
        """Show all columns but these."""
        self._hidden = {number for number, column in enumerate(self._columns) if column in columns}
        names = range(self._first_data, len(self._columns))
        shown = [str(number) for number in names if number not in self._hidden]
        self.tree.configure(displaycolumns=shown)
        self._fitted = None

    # Rows

    def full_text(self, key: str, number: int) -> str:
        """All that the cell of this column says, even if it is cut."""
        return self._columns[number].text(self._item_of(key))

    def fold(
        self,
        is_open: Callable[[str], bool | None],
        toggle: Callable[[str], object],
        parent_of: Callable[[str], str],
    ) -> None:
        """A click on the sign of a folder opens or closes it, and selects nothing. Right opens the
        folder that the keyboard is at; Left closes it, and in a folder goes to that one. `is_open`
        says None of a row that is no folder.
        """

        def click(event: tk.Event[tk.Misc]) -> str:
            key = self.key_at(event.y)
            if key is None or not self.is_sign(event.x, event.y):
                return ""
            self.tree.focus_set()
            toggle(key)
            return "break"

        def press(*, opens: bool) -> str:
            key = self.focused
            if key is None:
                return "break"
            if is_open(key) is not opens and is_open(key) is not None:
                toggle(key)
            elif not opens and parent_of(key):
                self.choose([parent_of(key)])
            return "break"

        self.tree.bind("<Button-1>", click, add="+")
        self.tree.bind("<Right>", lambda _event: press(opens=True))
        self.tree.bind("<Left>", lambda _event: press(opens=False))

    def is_sign(self, x: int, y: int) -> bool:
        """Whether the sign of a folder is drawn at this place of the tree."""
        key = self.key_at(y)
        if key is None:
            return False
        item = self._item_of(key)
        icon = self._icon(item) if self._icon else None
        if icon is not None and icon.sign:
            return self.pictures.is_sign(x, icon)
        for number, column in enumerate(self._columns):
            sign = column.sign(item) if column.sign is not None else ""
            box = self.tree.bbox(self.items[key], self._name_of(number)) if sign else ""
            if box:
                ends = self._theme.text_font.measure(sign) + self._theme.px(CELL_GAP)
                return 0 <= x - int(box[0]) <= ends
        return False

    # Building

    def _make_tree(self, height: int, choose: Choosing) -> tuple[ttk.Treeview, HidingScrollbar]:
        names = [str(number) for number in range(self._first_data, len(self._columns))]
        tree = ttk.Treeview(
            self,
            columns=names,
            show="tree headings" if self._first_data else "headings",
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
        bar = HidingScrollbar(self, orient="vertical", command=self.yview)
        self._sideways = ttk.Scrollbar(self, orient="horizontal", command=tree.xview)
        tree.configure(xscrollcommand=self._sideways.set)
        tree.grid(row=1, column=0, sticky="nsew")
        bar.grid(row=1, column=1, sticky="ns")
        self._sideways.grid(row=2, column=0, sticky="ew")
        self._sideways.grid_remove()
        self.rowconfigure(1, weight=1)
        self.columnconfigure(0, weight=1)
        return tree, bar

    def _name_of(self, number: int) -> str:
        return UNUSED_FIRST_COLUMN if number < self._first_data else str(number)

    def scrolled(self, first: float, last: float) -> None:
        self._bar_at_side.set(first, last)

    def _recolour(self) -> None:
        for tone, colour in self._theme.tones.items():
            self.tree.tag_configure(tone, foreground=colour)
        self.pictures.recolour()
        if self._zoom != self._theme.zoom:
            self._enlarge()
        for item, written in self._written.items():
            self.tree.item(item, image=self.pictures.image(*written.picture))

    def _enlarge(self) -> None:
        factor, self._zoom = self._theme.zoom / self._zoom, self._theme.zoom
        for number in range(len(self._columns)):
            name = self._name_of(number)
            width = int(self.tree.column(name, "width")) * factor
            self.tree.column(name, width=round(width))
        self._written.clear()
        self._fitted = None
        self.resize(self._theme.row_height())
        self._resized()

    def _show_emptiness(self) -> None:
        if self.order:
            self.empty.place_forget()
        elif not self.empty.winfo_manager():
            below_heading = self._theme.row_height() // 2
            self.empty.place(in_=self.tree, relx=0.5, rely=0.5, y=below_heading, anchor="center")

    # Writing

    def _flush(self) -> None:
        self._flush_id = ""
        self.draw()

    def write(self, item: str, key: str) -> None:
        """Write what differs, for one cell costs a sixth of a whole row."""
        row, tree, first = self._item_of(key), self.tree, self._first_data
        cells = tuple(
            self._cut(number, column, column.text(row))
            for number, column in enumerate(self._columns)
        )
        picture = self._bar and self._bar(row), self._icon and self._icon(row)
        now = Written(cells, self._tone(row), picture)
        before, self._written[item] = self._written.get(item), now
        if before == now:
            return
        if before is None:
            tree.item(item, values=cells[first:], tags=(now.tone,))
        else:
            for number in range(first, len(cells)):
                if cells[number] != before.cells[number]:
                    tree.set(item, str(number), cells[number])
            if now.tone != before.tone:
                tree.item(item, tags=(now.tone,))
        if first and (before is None or (picture, cells[0]) != (before.picture, before.cells[0])):
            tree.item(item, text=cells[0], image=self.pictures.image(*picture))

    def _resized(self) -> None:
        """The table, or one of its columns."""
        if self._fits:
            self.fit()
        self._fit_texts()
        self.draw()

    # Texts that are too long

    def _cut(self, number: int, column: Column[ItemT], text: str) -> str:
        width = self._widths.get(number)
        return text if width is None else self._theme.text_cutter.cut(text, width, column.cut)

    def _fit_texts(self) -> None:
        padding = self._theme.px(_CELL_ROOM)
        widths = {
            number: int(self.tree.column(self._name_of(number), "width")) - padding
            for number, column in enumerate(self._columns)
            if column.cut
        }
        if widths != self._widths:
            self._widths = widths
            self.draw()

    def _cut_off_at(self, x: int, y: int) -> str:
        """The whole text of the cell there, if it is not all in sight."""
        key = self.key_at(y)
        if key is None or self.tree.identify_region(x, y) != "cell":
            return ""
        name = str(self.tree.column(self.tree.identify_column(x), "id"))
        if not name.isdecimal() or not self._columns[int(name)].cut:
            return ""
        text = self.full_text(key, int(name))
        shown = self._written[self.items[key]].cells[int(name)]
        return "" if shown == text else text.strip()

    # Order

    def sort_by(self, number: int) -> None:
        """What a press on a heading does: sort by this column, and in reverse if it already is."""
        before, was_falling = self.sorting
        self._sort(number, is_falling=number == before and not was_falling)

    def sort_anew(self, number: int) -> None:
        """Sort by this column, rising, even if it already was: its values may have changed."""
        self._sort(number, is_falling=False)

    def _sort(self, number: int, *, is_falling: bool) -> None:
        self.sorting = number, is_falling
        self._show_sorting()
        if self._sort_elsewhere is not None:
            self._sort_elsewhere()
        else:
            self.show(self._rows)

    def _show_sorting(self) -> None:
        sorted_by, is_falling = self.sorting
        for position, column in enumerate(self._columns):
            arrow = "  ↓" if is_falling else "  ↑"
            title = column.title + (arrow if position == sorted_by else "")
            self.tree.heading(self._name_of(position), text=title)

    def _sorted(self) -> list[str]:
        """The keys of all rows, from the top down."""
        sorted_by, is_falling = self.sorting
        first = self._columns[sorted_by]
        second = self._columns[1 if sorted_by == 0 else 0]  # for rows that are equal

        def key_of(key: str) -> tuple[bool, SortKey, bool, SortKey, str]:
            row = self._rows[key]
            main, minor = first.key(row), second.key(row)
            return isinstance(main, str), main, isinstance(minor, str), minor, key

        order = sorted(self._rows, key=key_of, reverse=is_falling)
        order.sort(key=lambda key: self._rank(self._rows[key]))
        return order
