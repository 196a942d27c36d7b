"""The room as tiles, one for each computer, that stand like the computers in the room.

A tile can be dragged to another place. The arrow keys move the selection. While texts are enlarged,
those that need help come first if not all tiles fit.
"""

from __future__ import annotations

import re
import tkinter as tk
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from tkinter import font as tkfont
from tkinter import ttk
from typing import Literal

from roles.values.computers import Computer
from ui.room_tiles import (
    GAP,
    PART_GAP,
    Grid,
    Place,
    Tile,
    grid_for,
    in_order,
    moved,
    places_of,
    tile_of,
)
from ui.window.layout import show_if
from ui.window.theme import Theme

DRAG_FROM = 6  # pixels at 96 dpi: less is a click
_SHAPES, _TEXTS = ("box", "track", "bar"), ("name", "corner", "first", "second")
_KEPT = re.compile(r"(\S+) ([0-9]{1,3}) ([0-9]{1,3})")
_ARROWS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}


@dataclass(slots=True)
class _Drawn:
    """The canvas items of one tile, which are reused for other computers."""

    items: dict[str, int]  # by part of the tile
    shown: object = None  # what they show now
    written: dict[str, object] = field(default_factory=dict)  # options by part
    placed: dict[str, object] = field(default_factory=dict)  # coordinates by part


class TileView(ttk.Frame):
    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        *,
        kept: Mapping[str, Place],
        keep: Callable[[dict[str, Place]], None],
        chosen: Callable[[Computer | None], None],
        opened: Callable[[Computer], None],
    ) -> None:
        """`kept` has the places at the last start, `keep` gets them after a change. `chosen` gets
        the computer that was selected, None if none is, `opened` one whose details are asked for.
        """
        super().__init__(parent)
        self._theme = theme
        self._kept, self._keep = dict(kept), keep
        self._chosen_changed, self._opened = chosen, opened
        self._computers: dict[str, Computer] = {}
        self._places: dict[str, Place] = {}
        self._drawn: dict[str, _Drawn] = {}
        self._spare = list[_Drawn]()
        self._grid = Grid(1, 1, 1)
        self.chosen: set[str] = set()
        self._pressed: tuple[str, int, int] | None = None  # machine, and where it was pressed
        self._is_dragged = False
        self._is_crowded = False  # those that need help stand first, wherever they were put
        self.canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, takefocus=True)
        self._bar = ttk.Scrollbar(self, orient="vertical", command=self.canvas.yview)
        self.canvas.configure(yscrollcommand=self._bar.set)
        self.canvas.grid(row=0, column=0, sticky="nsew")
        self._bar.grid(row=0, column=1, sticky="ns")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self._bind()
        theme.follow(self._recolour)

    # What is shown

    def show(self, computers: Iterable[Computer]) -> None:
        self._computers = {computer.machine: computer for computer in computers}
        self.chosen &= self._computers.keys()
        self._draw()

    def choose(self, machines: Iterable[str]) -> None:
        """Select these tiles, and show the first of them."""
        self.chosen = set(machines) & self._computers.keys()
        self._draw()
        there = self.chosen & self._places.keys()
        first = min((self._places[machine][::-1] for machine in there), default=None)
        if first is not None:
            self._scroll_to(first[0])
        self._say_chosen()

    # Drawing

    def _draw(self, *, anew: bool = False) -> None:
        width, height = self.winfo_width(), self.winfo_height()
        if width <= 1:
            return
        last = self._arrange(width, height)
        show_if(self._bar, last > height)
        if last > height:
            last = self._arrange(width - self._bar.winfo_reqwidth(), height)
        for machine in self._drawn.keys() - self._computers.keys():
            gone = self._drawn.pop(machine)
            self._spare.append(gone)
            for part in gone.items:
                self._write(gone, part, state="hidden")
        for machine, computer in self._computers.items():
            self._draw_tile(machine, tile_of(computer), anew=anew)
        self.canvas.configure(scrollregion=(0, 0, width, last))

    def _arrange(self, width: int, height: int) -> int:
        """Give everybody a place; returns the height of them all."""
        unit = self._theme.px(100) / 100 * self._theme.zoom
        edges = 2 * self._theme.zoomed(1)
        grid = grid_for(len(self._computers), int((width - edges) / unit), int(height / unit))
        rows = max(1, int((height / unit + GAP) / (grid.height + GAP)))
        self._is_crowded = is_crowded = (
            self._theme.is_enlarged and len(self._computers) > rows * grid.columns
        )
        order = in_order(self._computers.values(), problems_first=is_crowded)
        machines = [computer.machine for computer in order]
        self._grid = grid
        self._places = places_of(machines, {} if is_crowded else self._kept, grid.columns)
        last = max((row for _, row in self._places.values()), default=0)
        return self._top(last + 1) - self._theme.zoomed(GAP) + self._theme.zoomed(1)

    def _draw_tile(self, machine: str, tile: Tile, *, anew: bool) -> None:
        place = self._places[machine]
        shown = (tile, place, self._grid, machine in self.chosen)
        drawn = self._drawn.get(machine)
        if drawn is None:
            drawn = self._spare.pop() if self._spare else self._new_tile()
            self._drawn[machine] = drawn
            drawn.shown = None
        if drawn.shown == shown and not anew:
            return
        drawn.shown = shown
        self._fill(drawn, tile, is_chosen=machine in self.chosen)
        self._put(drawn, tile, self._left(place[0]), self._top(place[1]))

    def _new_tile(self) -> _Drawn:
        canvas = self.canvas
        items = {part: canvas.create_rectangle(0, 0, 0, 0, width=0) for part in _SHAPES}
        for part in _TEXTS:
            items[part] = canvas.create_text(0, 0, anchor="e" if part == "corner" else "w")
        return _Drawn(items)

    def _fill(self, drawn: _Drawn, tile: Tile, *, is_chosen: bool) -> None:
        colours = self._theme.colours
        ground = {
            "Good": colours.good_tint,
            "Warning": colours.warning_tint,
            "Bad": colours.bad_tint,
            "Muted": colours.strip,
        }.get(tile.tone, colours.card)
        tone = self._theme.tones[tile.tone]
        # The accent is too dark for words on a dark ground.
        is_accent = tile.tone == "Accent"
        corner, first = (colours.accent_strong, colours.text) if is_accent else (tone, tone)
        edge = tone if tile.tone in ("Bad", "Warning") else colours.line
        room = self._theme.zoomed(self._grid.width) - 2 * self._theme.zoomed(12)
        corner_room = self._theme.strong_font.measure(tile.corner + "  ")
        self._write(
            drawn,
            "box",
            fill=ground,
            outline=colours.accent if is_chosen else edge,
            width=self._theme.zoomed(3 if is_chosen else 1),
            state="normal",
        )
        bar_state = "hidden" if tile.part is None else "normal"
        self._write(drawn, "track", fill=colours.track, state=bar_state)
        self._write(drawn, "bar", fill=tone, state="normal" if tile.part else "hidden")
        for part, text, font, fill, width in (
            ("name", tile.name, self._theme.strong_font, colours.text, room - corner_room),
            ("corner", tile.corner, self._theme.strong_font, corner, room),
            ("first", tile.first, self._theme.text_font, first, room),
            ("second", tile.second, self._theme.text_font, colours.muted, room),
        ):
            shown = self._fitting(text, font, width)
            self._write(drawn, part, text=shown, font=font, fill=fill, state="normal")

    def _write(self, drawn: _Drawn, part: str, **options: object) -> None:
        """Tell Tk only what changes: that is most of what drawing costs."""
        if drawn.written.get(part) != options:
            drawn.written[part] = options
            self.canvas.itemconfigure(drawn.items[part], options)

    def _put(self, drawn: _Drawn, tile: Tile, left: int, top: int) -> None:
        length = self._theme.zoomed
        width, height, edge = length(self._grid.width), length(self._grid.height), length(12)
        bar_top, bar = top + height * 36 // 92, length(6)
        inner, right = left + edge, left + width - edge
        full = inner + round((right - inner) * (tile.part or 0.0))
        for part, place in (
            ("box", (left, top, left + width, top + height)),
            ("track", (inner, bar_top, right, bar_top + bar)),
            ("bar", (inner, bar_top, full, bar_top + bar)),
            ("name", (inner, top + height * 19 // 92)),
            ("corner", (right, top + height * 19 // 92)),
            ("first", (inner, top + height * 57 // 92)),
            ("second", (inner, top + height * 77 // 92)),
        ):
            if drawn.placed.get(part) != place:
                drawn.placed[part] = place
                self.canvas.coords(drawn.items[part], *place)

    def _fitting(self, text: str, font: tkfont.Font, width: int) -> str:
        """The text without the parts that are too much, and cut if its first one is too long."""
        theme = self._theme
        cutter = theme.strong_cutter if font is theme.strong_font else theme.text_cutter
        while PART_GAP in text and cutter.width_of(text) > width:
            text = text.rpartition(PART_GAP)[0]
        return cutter.cut(text, width, "end")

    def _left(self, column: int) -> int:
        return self._theme.zoomed(1) + column * self._theme.zoomed(self._grid.width + GAP)

    def _top(self, row: int) -> int:
        return self._theme.zoomed(1) + row * self._theme.zoomed(self._grid.height + GAP)

    def _recolour(self) -> None:
        self.canvas.configure(background=self._theme.colours.ground)
        self._draw(anew=True)

    # Mouse and keys

    def _bind(self) -> None:
        canvas = self.canvas
        canvas.bind("<Configure>", lambda _event: self._draw())
        canvas.bind("<ButtonPress-1>", self._press)
        canvas.bind("<B1-Motion>", self._drag)
        canvas.bind("<ButtonRelease-1>", self._drop)
        canvas.bind("<Double-Button-1>", lambda _event: self._open())
        canvas.bind("<Return>", lambda _event: self._open())
        canvas.bind("<Button-3>", self._menu_clicked)
        canvas.bind("<Prior>", lambda _event: self._scroll(-1, "pages"))
        canvas.bind("<Next>", lambda _event: self._scroll(1, "pages"))
        canvas.bind("<Home>", lambda _event: self._go(0))
        canvas.bind("<End>", lambda _event: self._go(-1))
        canvas.bind("<FocusIn>", lambda _event: self._focus())
        for key, step in _ARROWS.items():
            canvas.bind(f"<{key}>", lambda _event, step=step: self._step(step))  # type: ignore[misc]
        canvas.bind("<MouseWheel>", lambda event: self._scroll(-1 if event.delta > 0 else 1))
        canvas.bind("<Button-4>", lambda _event: self._scroll(-1))
        canvas.bind("<Button-5>", lambda _event: self._scroll(1))

    def machine_at(self, x: int, y: int) -> str | None:
        """The computer whose tile is at this point of the widget."""
        place = self._place_at(x, y)
        return next((machine for machine, there in self._places.items() if there == place), None)

    def _place_at(self, x: int, y: int) -> Place:
        column = int(self.canvas.canvasx(x)) // self._theme.zoomed(self._grid.width + GAP)
        row = int(self.canvas.canvasy(y)) // self._theme.zoomed(self._grid.height + GAP)
        return min(max(column, 0), self._grid.columns - 1), max(row, 0)

    def _press(self, event: tk.Event[tk.Misc]) -> None:
        self.canvas.focus_set()
        machine = self.machine_at(event.x, event.y)
        self._pressed = None if machine is None else (machine, event.x, event.y)
        self._is_dragged = False
        self.chosen = set() if machine is None else {machine}
        self._draw()
        self._say_chosen()

    def _drag(self, event: tk.Event[tk.Misc]) -> None:
        if self._pressed is None:
            return
        machine, x, y = self._pressed
        far = self._theme.px(DRAG_FROM)
        if self._is_crowded:
            return
        self._is_dragged |= abs(event.x - x) > far or abs(event.y - y) > far
        drawn = self._drawn.get(machine)
        if not self._is_dragged or drawn is None:
            return
        column, row = self._places[machine]
        left, top = self._left(column) + event.x - x, self._top(row) + event.y - y
        self._put(drawn, tile_of(self._computers[machine]), left, top)
        drawn.shown = None  # it is drawn at its place again
        for item in drawn.items.values():
            self.canvas.tag_raise(item)

    def _drop(self, event: tk.Event[tk.Misc]) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None or not self._is_dragged or pressed[0] not in self._places:
            return
        self._kept |= moved(self._places, pressed[0], self._place_at(event.x, event.y))
        self._keep(dict(self._kept))
        self._draw()

    def _step(self, step: Place) -> str:
        at = next(
            (self._places[machine] for machine in self.chosen if machine in self._places), None
        )
        by_place = {place: machine for machine, place in self._places.items()}
        if at is None:
            target = min(self._places.values(), key=lambda place: place[::-1], default=None)
        else:
            target = (at[0] + step[0], at[1] + step[1])
        if target is not None and target in by_place:
            self.choose([by_place[target]])
        return "break"

    def _go(self, position: int) -> str:
        """Go to the first or the last tile."""
        order = sorted(self._places, key=lambda machine: self._places[machine][::-1])
        if order:
            self.choose([order[position]])
        return "break"

    def _menu_clicked(self, event: tk.Event[tk.Misc]) -> None:
        self._press(event)
        self._pressed = None
        self._open()

    def _focus(self) -> None:
        if not self.chosen:
            self._step((0, 0))

    def _open(self) -> None:
        for machine in self.chosen:
            self._opened(self._computers[machine])
            return

    def _say_chosen(self) -> None:
        machine = next(iter(self.chosen), None)
        self._chosen_changed(None if machine is None else self._computers[machine])

    def _scroll(self, steps: int, unit: Literal["units", "pages"] = "units") -> str:
        if self.canvas.yview() != (0.0, 1.0):
            self.canvas.yview_scroll(steps, unit)
        return "break"

    def _scroll_to(self, row: int) -> None:
        region = str(self.canvas.cget("scrollregion")).split()
        height = float(region[3]) if len(region) == 4 else 0.0
        if height > self.canvas.winfo_height():
            self.canvas.yview_moveto(self._top(row) / height)


def places_from(kept: Sequence[str]) -> dict[str, Place]:
    """Places as the settings keep them: "MACHINE COLUMN ROW"."""
    matches = [match for text in kept if (match := _KEPT.fullmatch(text))]
    return {match[1]: (int(match[2]), int(match[3])) for match in matches}


def places_kept(places: Mapping[str, Place]) -> tuple[str, ...]:
    return tuple(f"{machine} {column} {row}" for machine, (column, row) in places.items())
