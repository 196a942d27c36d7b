"""The Tracker tab: one button, the address for the others, and who is in the room."""

from __future__ import annotations

import logging
import time
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback
from roles.values.events import (
    ListedFile,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
)
from roles.values.members import members_of
from roles.values.safe_names import shown_name
from roles.values.settings import TrackerSettings, parse_port
from ui import room_columns, wording
from ui.columns import Column
from ui.window.fields import Sentence, TextField
from ui.window.table import Table
from ui.window.workbench import RunState, Workbench

if TYPE_CHECKING:
    from roles.tracker import Tracker

log = logging.getLogger(__name__)

PINGS_AGAIN_MS = 1_000


FILE_COLUMNS = (
    Column[ListedFile]("File", lambda file: shown_name(file.name), width=420, stretches=True),
    Column[ListedFile].of_number(
        "Size", lambda file: file.size, lambda file: wording.size(file.size), 110
    ),
)


class TrackerTab(ttk.Frame):
    """Owns the tracker of this window."""

    def __init__(
        self,
        parent: tk.Misc,
        bench: Workbench,
        files_changed: Callable[[Address], None],
        failed: Callable[[str], None],
    ) -> None:
        """`files_changed` gets the address at which programs here reach the tracker; `failed` why
        it could not start for a user who is looking at another tab.
        """
        px = bench.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._bench = bench
        self._files_changed, self._failed = files_changed, failed
        self._tracker: Tracker | None = None
        self.run_state = RunState.STOPPED
        self._room = RoomChanged()
        self._is_open = True  # it listens for other computers too
        self._files_shown: tuple[ListedFile, ...] = ()
        self._once_started = list[Callable[[Address], None]]()
        self._make_controls()
        self._make_address()
        self.room = Table(
            self,
            bench.theme,
            room_columns.IN_WINDOW,
            height=4,
            title="In the room",
            tone=lambda one: "Warning" if one.needs_help or one.reason else "Plain",
        )
        self.files = Table(self, bench.theme, FILE_COLUMNS, height=4, title="Files in the room")
        tables: tuple[ttk.Frame, ...] = (self.room, self.files)
        for row, table in enumerate(tables, 2):
            table.grid(row=row, column=0, sticky="nsew", pady=(px(12), 0))
            self.rowconfigure(row, weight=1, uniform="tables")
        self.columnconfigure(0, weight=1)
        self._show_state("Not running.", "Muted")
        self._show_pings()

    def _make_controls(self) -> None:
        px, theme = self._bench.theme.px, self._bench.theme
        row = ttk.Frame(self)
        row.grid(row=0, column=0, sticky="ew")
        self.button = ttk.Button(row, style="Accent.TButton", command=self.start_or_stop)
        self.button.grid(row=0, column=0, sticky="nw")
        self.sentence = Sentence(row)
        self.sentence.grid(row=0, column=1, sticky="ew", padx=px(12))
        label = ttk.Label(row, text="Port", style="Muted.TLabel")
        label.grid(row=0, column=2, sticky="n", padx=px(8), pady=px(7))
        port = str(self._bench.settings.now.tracker_port)
        self.port = TextField(row, theme, port, self._read_port, width=6)
        self.port.grid(row=0, column=3, sticky="ne")
        row.columnconfigure(1, weight=1)

    def _make_address(self) -> None:
        """On a line of its own, large: people read it aloud and copy it from a blackboard."""
        px = self._bench.theme.px
        self._line = ttk.Frame(self, style="Tint.TFrame", padding=(px(16), px(10)))
        self.address = ttk.Label(self._line, style="Title.Tint.TLabel")
        self._hint = ttk.Label(self._line, style="Muted.Tint.TLabel")
        self._copy = ttk.Button(
            self._line, text="Copy address", underline=0, command=self._copy_address
        )
        self.address.grid(row=0, column=0, sticky="w")
        self._hint.grid(row=1, column=0, sticky="w", pady=(px(2), 0))
        self._copy.grid(row=0, column=1, rowspan=2, sticky="e")
        self._line.columnconfigure(0, weight=1)

    # What the rest of the window asks

    def start_only_here(self, then: Callable[[Address], None]) -> None:
        """Start a tracker, at least for this computer; `then` gets its address once it runs."""
        if self._bench.trackers.own is not None:
            then(self._bench.trackers.own)
            return
        self._once_started.append(then)
        if not self.run_state.is_up:
            self._start(LOOPBACK)

    @property
    def seeder_count(self) -> int | None:
        """None while no tracker runs."""
        return self._room.seeder_count if self.run_state is RunState.RUNNING else None

    # What the user does

    def start_or_stop(self) -> None:
        if not self.run_state.is_up:
            self._start(EVERY_INTERFACE)
        elif self._tracker is not None:
            self.run_state = RunState.STOPPING
            self._tracker.stop()
            self._show_state("Stopping …", "Muted")

    def start(self) -> None:
        if not self.run_state.is_up:
            self.start_or_stop()

    def _start(self, host: str) -> None:
        from roles.tracker import Tracker  # not before the window is painted

        port = self._read_port()
        if port is None or self.run_state is RunState.STOPPING:
            return
        bind = Address(host, port)
        state_file = self._bench.settings.profile.tracker_state_file
        settings = TrackerSettings(bind, state_file=state_file)
        self.run_state = RunState.STARTING
        self._show_state("Starting …", "Muted")
        self._tracker = self._bench.roles.start(lambda post: Tracker(settings, post), self._handle)

    def _read_port(self) -> int | None:
        port = self.port.read(parse_port)
        if port is not None:
            self._bench.settings.change(tracker_port=port)
        return port

    def _copy_address(self) -> None:
        self.clipboard_clear()
        self.clipboard_append(str(self.address.cget("text")))

    # Events

    def _handle(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(address=Address() as address, for_others=for_others, note=note):
                self._started(address, for_others or address, note)
            case NetworkChanged(for_others=Address() as for_others):
                self._show_address(for_others)
            case RoomChanged():
                before, self._room = self._room, event
                self._show_room()
                has_news = before.files != event.files or before.seeder_count != event.seeder_count
                if self._bench.trackers.own is not None and has_news:
                    self._files_changed(self._bench.trackers.own)
            case RoleStopped(failure):
                self._stopped(str(failure) if failure is not None else "")
            case _:
                pass

    def _started(self, address: Address, for_others: Address, note: str) -> None:
        if self.run_state is RunState.STARTING:
            self.run_state = RunState.RUNNING
        own = Address(LOOPBACK, address.port)
        log.info("The tracker runs on port %d.", address.port)
        self._is_open = address.host == EVERY_INTERFACE
        self._show_address(for_others)
        px = self._bench.theme.px
        self._line.grid(row=1, column=0, sticky="ew", pady=(px(12), 0))
        self._show_state(f"Running. {note}" if note else f"Running on port {address.port}.", "Good")
        self._show_room()
        self._bench.trackers.set_own(own, is_only_here=address.host == LOOPBACK)
        waiting, self._once_started = self._once_started, []
        for then in waiting:
            then(own)

    def _show_address(self, for_others: Address) -> None:
        """Show what to type elsewhere; it changes as soon as this computer has another address."""
        self.address.configure(text=str(for_others))
        if not is_loopback(for_others.host):
            hint = "Give this address to the others: they type it as their tracker."
        elif self._is_open:
            hint = "This computer is off the network: only programs on it reach the tracker."
        else:
            hint = "Only this computer reaches it. Stop it and start it here to let others in."
        self._hint.configure(text=hint)

    def _stopped(self, failure: str) -> None:
        self._tracker, self.run_state = None, RunState.STOPPED
        self._bench.trackers.set_own(None)
        self._room = RoomChanged()
        if failure and self._once_started:
            self._failed(failure)
        self._once_started.clear()
        self._line.grid_remove()
        self._show_state(failure or "Not running.", "Bad" if failure else "Muted")
        self._show_room()
        log.info("The tracker has stopped.")

    # Display

    def _show_state(self, sentence: str, tone: str) -> None:
        self.sentence.say(sentence, tone=tone)
        verb = "Stop" if self.run_state.is_up else "Start"
        self.button.configure(text=f"{verb} the tracker", underline=len(verb) + 2)
        self.button.state(["disabled" if self.run_state is RunState.STOPPING else "!disabled"])

    def _show_room(self) -> None:
        room = self._room
        members = members_of(room.participants, now=time.monotonic())
        self.room.show({one.machine: one for one in members})
        if room.files != self._files_shown:  # the participants change far more often
            self._files_shown = room.files
            self.files.show({f"{file.size} {file.name}": file for file in room.files})
        if self.run_state is RunState.RUNNING:
            self.room.say_empty("No seeder yet", "Seed a folder here or on another computer.")
            self.files.say_empty("No files yet", "They appear with the first seeder.")
        else:
            self.room.say_empty(
                "The tracker is not running",
                "One computer of the room runs it. It lists who has what, and moves no files.",
            )
            self.files.say_empty("")

    def _show_pings(self) -> None:
        """Silence grows without an event."""
        self.after(PINGS_AGAIN_MS, self._show_pings)
        self._show_room()
