"""The rows of a tree that are in sight. Tk gets only these, and fills them again when it scrolls.

Tk goes through all rows of a tree whenever it draws one of them, so 100,000 would stop the window.
Which rows are selected, and where the keyboard is, is therefore kept here, by their keys.
"""

from __future__ import annotations

import contextlib
import tkinter as tk
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from tkinter import ttk
from typing import Literal

NEVER_SEEN = 50  # rows that a tree is given before it is shown
WHEEL = 3  # rows for each notch
Choosing = Literal["browse", "extended", "none"]
_SHIFT = 0x0001  # in the state of an event


class RowsInSight:
    """For a widget with a `tree`. `order` has the keys of all rows from the top down."""

    def __init__(self, tree: ttk.Treeview, row_height: int, choose: Choosing) -> None:
        self.tree, self._row_height, self._choose_mode = tree, row_height, choose
        self._told = list[Callable[[], None]]()
        self.order: Sequence[str] = ()
        self.top = 0  # how many rows are above those in sight
        self._items = list[str]()  # Tk's names of the rows in sight
        self._spare = list[str]()  # of rows that have been, to be used again
        self.items: dict[str, str] = {}  # the same, by key
        self._keys: dict[str, str] = {}
        self._heading = row_height
        self._chosen = set[str]()
        self._chosen_in_order: list[str] | None = []  # None: to be found anew
        self.focused: str | None = None  # the row that the keyboard is at
        self._next = 0  # the place of the row that Down goes to while none has the focus
        self._anchor: str | None = None  # where a choice of many began
        self._marked: tuple[frozenset[str], str] = frozenset(), ""
        self._touched_by = 0.0  # rows, a fraction, that a touchpad has yet to scroll
        self._bind_tree()

    @abstractmethod
    def write(self, item: str, key: str) -> None:
        """Show the row of this key as Tk's row of this name."""

    @abstractmethod
    def scrolled(self, first: float, last: float) -> None:
        """This part of the whole, 0 to 1, is in sight."""

    # Contents

    def put_order(self, order: Sequence[str]) -> None:
        """Show these rows. Those that stay keep their place, their selection and the focus."""
        at_top = self.order[self.top] if 0 < self.top < len(self.order) else None
        before, self.order = self.order, order
        if self._chosen or self.focused is not None:
            there = set(order)
            self._chosen &= there
            if self.focused is not None and self.focused not in there:
                self._next = _next_place(before, self.focused, order, there)
                self.focused = None
            if self._anchor not in there:
                self._anchor = self.focused
        if at_top is not None:
            self.top = self._place_of(at_top, self.top)
        self._chosen_in_order = None
        self.draw()

    def draw(self) -> None:
        """Fill the rows in sight, after something may have changed."""
        tree, fitting = self.tree, self.fitting
        self.top = max(0, min(self.top, len(self.order) - fitting))
        shown = self.order[self.top : self.top + fitting + 1]
        while len(self._items) < len(shown):
            item = self._spare.pop() if self._spare else tree.insert("", "end")
            tree.move(item, "", "end")
            self._items.append(item)
        if len(self._items) > len(shown):
            spare = self._items[len(shown) :]
            del self._items[len(shown) :]
            tree.detach(*spare)
            self._spare += spare
        self.items = dict(zip(shown, self._items, strict=True))
        self._keys = dict(zip(self._items, shown, strict=True))
        for key, item in self.items.items():
            self.write(item, key)
        self._mark()
        tree.yview_moveto(0.0)  # the last one may be half in sight
        whole = max(len(self.order), 1)
        self.scrolled(self.top / whole, min(1.0, (self.top + fitting) / whole))

    @property
    def fitting(self) -> int:
        """How many rows fit in whole."""
        height = self.tree.winfo_height()
        if height <= 1:
            return NEVER_SEEN
        box = self.tree.bbox(self._items[0]) if self._items else ""
        if box:
            self._heading = int(box[1])
        return max(1, (height - self._heading) // self._row_height)

    def resize(self, row_height: int) -> None:
        self._row_height = row_height
        self.draw()

    def key_at(self, y: int) -> str | None:
        return self._keys.get(self.tree.identify_row(y))

    # Scrolling

    def yview(self, action: str, number: str, unit: str = "units") -> None:
        """What a scroll bar calls."""
        if action == "moveto":
            self._go_to(round(float(number) * len(self.order)))
        else:
            self.scroll(int(number) * (self.fitting if unit == "pages" else 1))

    def scroll(self, rows: int) -> None:
        self._go_to(self.top + rows)

    def see_key(self, key: str) -> None:
        place = self._place_of(key, -1)
        if place >= 0:
            self.see(place)

    def see(self, place: int) -> None:
        if place < self.top:
            self._go_to(place)
        elif place >= self.top + self.fitting:
            self._go_to(place - self.fitting + 1)
        else:
            self._mark()

    def _go_to(self, top: int) -> None:
        before, self.top = self.top, max(0, min(top, len(self.order) - self.fitting))
        if self.top != before:
            self.draw()

    # Selection

    def on_choice(self, function: Callable[[], None]) -> None:
        self._told.append(function)

    @property
    def chosen(self) -> list[str]:
        """The keys of the selected rows, from the top down."""
        if self._chosen_in_order is None:
            chosen = self._chosen
            self._chosen_in_order = [key for key in self.order if key in chosen] if chosen else []
        return self._chosen_in_order

    def choose(self, keys: Iterable[str]) -> None:
        """Select these rows, and bring the first of them into sight."""
        self._select(set(keys))
        first = next(iter(self.chosen), None)
        if first is not None:
            self.focused = self._anchor = first
            self.see(self._place_of(first, 0))
        self._tell()

    def _select(self, keys: set[str]) -> None:
        self._chosen, self._chosen_in_order = keys, None
        if len(keys) > 1 or not keys.issubset(self.items):
            self._chosen = keys & set(self.order)

    def _tell(self) -> None:
        self._mark()
        for function in self._told:
            function()

    def _mark(self) -> None:
        """Show which rows are selected, and where the keyboard is."""
        tree, items = self.tree, self.items
        chosen = frozenset(items[key] for key in items.keys() & self._chosen)
        focus = items.get(self.focused or "", "")
        if (chosen, focus) != self._marked:
            self._marked = chosen, focus
            tree.selection_set(*chosen)
            tree.focus(focus)

    def _place_of(self, key: str, otherwise: int) -> int:
        try:
            return self.order.index(key)
        except ValueError:
            return otherwise

    # Mouse and keys

    def _bind_tree(self) -> None:
        """Before Tk's own bindings, which know only the rows in sight, and after all others."""
        tree, own = self.tree, f"Rows{self.tree}"
        path, *others = tree.bindtags()
        tree.bindtags((path, own, *others))
        bindings: dict[str, Callable[[tk.Event[tk.Misc]], object]] = {
            "<ButtonPress-1>": lambda event: self._press(event, self._choose_one),
            "<Shift-ButtonPress-1>": lambda event: self._press(event, self._choose_to),
            "<Control-ButtonPress-1>": lambda event: self._press(event, self._choose_also),
            "<Up>": lambda event: self._step(event, -1),
            "<Down>": lambda event: self._step(event, 1),
            "<Prior>": lambda event: self._step(event, -self.fitting),
            "<Next>": lambda event: self._step(event, self.fitting),
            "<Home>": lambda event: self._step(event, -len(self.order)),
            "<End>": lambda event: self._step(event, len(self.order)),
            "<Control-a>": lambda _event: self._choose_all(),
            "<MouseWheel>": lambda event: self._turn(-WHEEL if event.delta > 0 else WHEEL),
            "<Button-4>": lambda _event: self._turn(-WHEEL),
            "<Button-5>": lambda _event: self._turn(WHEEL),
        }
        for key in ("Up", "Down", "Prior", "Next", "Home", "End"):
            bindings[f"<Shift-{key}>"] = bindings[f"<{key}>"]
        for sideways in ("MouseWheel", "Button-4", "Button-5"):
            bindings[f"<Shift-{sideways}>"] = lambda _event: ""  # Tk does that
        for event, function in bindings.items():
            tree.bind_class(own, event, function)
        with contextlib.suppress(tk.TclError):  # Tk 9 has it
            tree.bind_class(own, "<TouchpadScroll>", self._touched)

    def _press(self, event: tk.Event[tk.Misc], choose: Callable[[str], None]) -> str:
        key = self.key_at(event.y)
        if key is None or self.tree.identify_region(event.x, event.y) not in ("cell", "tree"):
            return ""  # the headings are Tk's
        self.tree.focus_set()
        self.focused = key
        if self._choose_mode == "extended":
            choose(key)
        elif self._choose_mode == "browse":
            self._choose_one(key)
        self._tell()
        return "break"

    def _choose_one(self, key: str) -> None:
        self._anchor = key
        self._select({key})

    def _choose_also(self, key: str) -> None:
        self._anchor = key
        self._select(self._chosen ^ {key})

    def _choose_to(self, key: str) -> None:
        """Select all rows from where the selection began to this one."""
        self._anchor = self._anchor or key
        ends = sorted((self._place_of(self._anchor, 0), self._place_of(key, 0)))
        self._select(set(self.order[ends[0] : ends[1] + 1]))

    def _choose_all(self) -> str:
        if self._choose_mode == "extended":
            self._select(set(self.order))
            self._tell()
        return "break"

    def _step(self, event: tk.Event[tk.Misc], rows: int) -> str:
        """Move the selection; where there is none, scroll."""
        if self._choose_mode == "none":
            self.scroll(rows)
        elif self.order:
            last = len(self.order) - 1
            start = self._next - (rows > 0)
            if self.focused is not None:
                start = self._place_of(self.focused, start)
            start = max(start, 0) if abs(rows) > 1 else start
            place = max(0, min(start + rows, last))
            key = self.focused = self.order[place]
            is_longer = int(event.state) & _SHIFT and self._choose_mode == "extended"
            (self._choose_to if is_longer else self._choose_one)(key)
            self.see(place)
            self._tell()
        return "break"

    def _turn(self, rows: int) -> str:
        self.scroll(rows)
        return "break"

    def _touched(self, event: tk.Event[tk.Misc]) -> str:
        """The lower half of `delta` is the way down, in pixels."""
        down = ((int(event.delta) & 0xFFFF) ^ 0x8000) - 0x8000
        self._touched_by -= down / self._row_height
        rows = int(self._touched_by)
        self._touched_by -= rows
        return self._turn(rows)


def _next_place(before: Sequence[str], gone: str, order: Sequence[str], there: set[str]) -> int:
    """The place of the first row below `gone` that is still there; the end if there is none."""
    below = islice(before, before.index(gone) + 1, None)
    follower = next((key for key in below if key in there), None)
    return len(order) if follower is None else order.index(follower)
