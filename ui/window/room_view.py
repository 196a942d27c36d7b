"""Everybody in the room: the summary above, and below it tiles, a table, or the files.

It gets what a tracker tells and asks nobody. The details of one computer open beside the tiles.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from tkinter import ttk

from roles.values import room_words
from roles.values.computers import Computer
from roles.values.events import RoomChanged
from ui import room_columns
from ui.room_summary import in_need, room_summary
from ui.room_tiles import Place
from ui.window.computer_detail import ComputerActions, ComputerDetail
from ui.window.layout import EmptyNote, show_if, switch
from ui.window.notices import Choice
from ui.window.room_card import HelpStrip, RoomCard
from ui.window.room_files import RoomFiles
from ui.window.table import Table
from ui.window.theme import Theme
from ui.window.tile_view import TileView

NARROW = 640  # pixels at 96 dpi: below this, the details take the place of the tiles


class View(Enum):
    SEATS = "Seats"
    LIST = "List"
    FILES = "Files"


class RoomView(ttk.Frame):
    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        actions: ComputerActions,
        *,
        kept: Mapping[str, Place],
        keep: Callable[[dict[str, Place]], None],
        steps: Sequence[Choice],
    ) -> None:
        """`kept` has the places of tiles at the last start, `keep` gets them after a change.
        `steps` are offered while nobody is here.
        """
        super().__init__(parent)
        px = theme.px
        self._theme = theme
        self._room = RoomChanged()
        self.computers: tuple[Computer, ...] = ()
        self._is_running = False
        self._best_rate = 0.0  # bytes per second that one computer has sent
        self._view = tk.StringVar(self, View.SEATS.value)
        self.card = RoomCard(self, theme)
        self.strip = HelpStrip(self, theme, self.show_those_in_need)
        self.tiles = TileView(
            self, theme, kept=kept, keep=keep, chosen=self._chosen, opened=self.open_details
        )
        self.list: Table[Computer] = Table(
            self,
            theme,
            room_columns.IN_WINDOW,
            height=4,
            choose="extended",
            tone=_tone_of_row,
            icon=room_columns.icon_of,
            rank=lambda computer: theme.is_enlarged and not computer.needs_help,
        )
        self.files = RoomFiles(self, theme)
        self.detail = ComputerDetail(self, theme, actions, self._close_details)
        self.empty = EmptyNote(self, theme, steps)
        self.say_empty = self.empty.say  # what is shown while nobody is here
        gap = (px(8), 0)
        self.card.grid(row=0, column=0, columnspan=2, sticky="ew")
        self.strip.grid(row=1, column=0, columnspan=2, sticky="ew", pady=gap)
        self.strip.grid_remove()
        for pane in self._panes.values():
            pane.grid(row=2, column=0, sticky="nsew", pady=gap)
        self.detail.grid(row=2, column=1, sticky="nsew", pady=gap, padx=gap)
        self.empty.grid(row=2, column=0, columnspan=2)
        self.rowconfigure(2, weight=1)
        self.columnconfigure(0, weight=1)
        self.list.tree.bind("<Return>", lambda _event: self._open_row())
        self.list.tree.bind("<Double-Button-1>", lambda _event: self._open_row())
        self.files.say_empty("No files yet", "They appear as soon as somebody gives a folder.")
        self.bind("<Configure>", lambda _event: self._make_room())
        self._show_computers()
        theme.follow(self._enlarge)

    def make_switch(self, parent: tk.Misc) -> ttk.Frame:
        """Buttons that choose between tiles, table and files."""
        frame = ttk.Frame(parent, style="Line.TFrame", padding=1)
        texts = {view.value: view.value for view in View}
        switch(frame, self._theme, self._view, texts, self._show_computers)
        return frame

    # What is shown

    def show(
        self,
        room: RoomChanged,
        computers: tuple[Computer, ...],
        *,
        from_here: float,
        is_running: bool,
        is_private: bool,
    ) -> None:
        """`from_here`: what this computer sends, in bytes per second."""
        self._room, self.computers, self._is_running = room, computers, is_running
        self._best_rate = max([self._best_rate, *(float(computer.up) for computer in computers)])
        summary = room_summary(
            computers,
            room.files,
            room.folders,
            file_count=room.file_count,
            from_here=from_here,
            best_rate=self._best_rate,
        )
        self.card.show(summary, is_private=is_private)
        self.strip.show(summary.help, len(in_need(computers)))
        self._show_computers()

    def forget(self) -> None:
        """The tracker has stopped."""
        self._best_rate = 0.0
        self.detail.close()

    @property
    def view(self) -> View:
        return View(self._view.get())

    def choose_view(self, view: View) -> None:
        self._view.set(view.value)
        self._show_computers()

    def _enlarge(self) -> None:
        """In the list too, those that need help come first, and it has fewer columns."""
        is_large = self._theme.is_enlarged
        self.list.hide(room_columns.NOT_FOR_A_PROJECTOR if is_large else ())
        self._show_computers()

    def show_those_in_need(self) -> None:
        """Select them, and show the first."""
        machines = [computer.machine for computer in in_need(self.computers)]
        if self.view is View.FILES:
            self.choose_view(View.SEATS)
        if self.view is View.LIST:
            self.list.choose(machines)
            self.list.tree.focus_set()
        else:
            self.tiles.choose(machines)
            self.tiles.canvas.focus_set()

    def open_details(self, computer: Computer) -> None:
        self.detail.show(computer)
        self._make_room()
        self.detail.close_button.focus_set()

    def close_details(self) -> bool:
        """False if none are open."""
        if self.detail.computer is None:
            return False
        self.detail.close()
        return True

    # The rest

    @property
    def _panes(self) -> dict[View, ttk.Frame]:
        return {View.SEATS: self.tiles, View.LIST: self.list, View.FILES: self.files}

    def _show_computers(self) -> None:
        """Only what is in sight costs anything."""
        match self.view:
            case View.SEATS:
                self.tiles.show(self.computers)
            case View.LIST:
                self.list.show({computer.machine: computer for computer in self.computers})
                self.list.fit()
            case View.FILES:
                self.files.show_room(self._room.files, self._room.folders, self.computers)
        opened = self.detail.computer
        if opened is not None:
            now = self._computer_of(opened.machine)
            if now is None:
                self.detail.close()
            else:
                self.detail.show(now)
        self._make_room()

    def _make_room(self) -> None:
        """Show the chosen pane, the details beside it or in its place, or that nobody is here."""
        show_if(self.card, self._is_running and bool(self.computers))
        is_empty = not self._is_running or not (self.computers or self.view is View.FILES)
        show_if(self.empty.steps, self._is_running)
        show_if(self.empty, is_empty)
        is_open = self.detail.computer is not None
        show_if(self.detail, is_open)
        is_narrow = 1 < self.winfo_width() < self._theme.px(NARROW)
        for view, pane in self._panes.items():
            is_seen = view is self.view and not is_empty and not (is_open and is_narrow)
            show_if(pane, is_seen)

    def _chosen(self, computer: Computer | None) -> None:
        if computer is not None and self.detail.computer is not None:
            self.detail.show(computer)

    def _open_row(self) -> str:
        computer = self._computer_of(self.list.focused)
        if computer is not None:
            self.open_details(computer)
        return "break"

    def _computer_of(self, machine: str | None) -> Computer | None:
        return next((computer for computer in self.computers if computer.machine == machine), None)

    def _close_details(self) -> None:
        self._make_room()
        if self.view is View.SEATS and self.tiles.winfo_ismapped():
            self.tiles.canvas.focus_set()


def _tone_of_row(computer: Computer) -> str:
    """As its tile, but a row that needs nobody's attention is plain."""
    tone = room_words.tone_of(computer)
    return "Plain" if tone in ("Good", "Accent") else tone
