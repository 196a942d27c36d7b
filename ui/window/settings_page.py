"""The page of settings: what is seldom changed, all on one page.

A setting that also has a field in a tab shares its text with that.
"""

from __future__ import annotations

import platform
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from roles.values.settings import (
    SIZES,
    Appearance,
    ProgramSettings,
    parse_name,
    parse_network,
    parse_port,
)
from ui.window.fields import ChoiceField, Sentence, TextField
from ui.window.limit_field import LimitField
from ui.window.scrolled import ScrolledFrame
from ui.window.workbench import Workbench

_APPEARANCES = {
    Appearance.SYSTEM: "As the system",
    Appearance.LIGHT: "Light",
    Appearance.DARK: "Dark",
}
AUTOMATIC = "Automatic: all networks"
_NEXT_START = "Takes effect at the next start."
_NEXT_ROLE = "For what is started from now on."


@dataclass(frozen=True, slots=True)
class SettingsActions:
    """What changes at once."""

    appearance: Callable[[Appearance], None]
    folder: Callable[[], None]  # where downloads go
    networks: Callable[[], Sequence[str]]  # this computer's addresses; may take a moment
    check: Callable[[], None]


class SettingsPage(ttk.Frame):
    def __init__(
        self,
        parent: tk.Misc,
        bench: Workbench,
        folder: tk.StringVar,
        actions: SettingsActions,
    ) -> None:
        """`folder`: the text of the field for the folder of downloads."""
        px, theme = bench.theme.px, bench.theme
        super().__init__(parent, padding=(px(16), px(16)))
        self._bench = bench
        self._actions = actions
        self._rows = 0
        scrolled = ScrolledFrame(self, theme)
        scrolled.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._inside = inside = scrolled.inside
        inside.columnconfigure(1, weight=1)
        inside.columnconfigure(2, weight=1)
        settings = bench.settings.now
        variable = bench.settings.variable

        self._head("This computer")
        self.name = TextField(
            inside,
            theme,
            variable(inside, "computer_name"),
            self._keep_name,
            placeholder=platform.node(),
        )
        self._row("Name", self.name, f"What others see. {_NEXT_ROLE}")
        self.seat = TextField(inside, theme, variable(inside, "seat"), self._keep_seat, width=8)
        self._row("Seat", self.seat, "Such as 14 or B3; shown after the name.", is_short=True)
        self.awake = self._switch(
            "Keep awake",
            "Stay awake while files are being transferred",
            "keep_awake",
            settings,
        )

        self._head("Downloads")
        self.folder = TextField(inside, theme, folder, actions.folder)
        self._row("Folder", self.folder, "Where downloads go; empty: the usual one.")
        self.own_folders = self._switch(
            "Folders",
            "Each share arrives in a folder of its own",
            "own_folders",
            settings,
            actions.folder,
        )
        self.down = LimitField(inside, bench, "down")
        self._row("Download limit", self.down, "Such as 500K or 2.5 MB/s.", is_short=True)
        self.up = LimitField(inside, bench, "up")
        self._row("Upload limit", self.up, "For everything that this window sends.", is_short=True)

        self._head("Network")
        self.network = ChoiceField(
            inside,
            theme,
            variable(inside, "network"),
            self._keep_network,
            placeholder=AUTOMATIC,
        )
        self._row("Network", self.network, f"Empty: all of them. {_NEXT_ROLE}")
        self.seeder_port = TextField(
            inside, theme, variable(inside, "seeder_port"), self._keep_ports, width=8
        )
        self._row("Port for others", self.seeder_port, f"TCP. {_NEXT_ROLE}", is_short=True)
        self.tracker_port = TextField(
            inside, theme, variable(inside, "tracker_port"), self._keep_ports, width=8
        )
        self._row("Port of the tracker", self.tracker_port, "UDP and TCP.", is_short=True)

        self._head("Window")
        self._appearance = tk.StringVar(self, settings.appearance)
        themes = ttk.Frame(inside)
        for appearance, text in _APPEARANCES.items():
            ttk.Radiobutton(
                themes,
                text=text,
                value=appearance.value,
                variable=self._appearance,
                command=lambda: actions.appearance(Appearance(self._appearance.get())),
            ).pack(side="left", padx=(0, px(16)))
        self._row("Theme", themes, "")
        self._size = tk.StringVar(self, f"{settings.size_percent} %")
        self.size_box = ttk.Combobox(
            inside,
            textvariable=self._size,
            values=[f"{size} %" for size in SIZES],
            state="readonly",
            width=8,
        )
        self.size_box.bind("<<ComboboxSelected>>", lambda _event: self._keep_size())
        self._row("Size", self.size_box, _NEXT_START, is_short=True)
        check = ttk.Button(
            inside, text="Check this computer", style="Link.TButton", command=actions.check
        )
        check.grid(row=self._rows, column=0, columnspan=3, sticky="w", pady=(px(16), 0))
        bench.pump.in_background(actions.networks, self._offer_networks)

    def show_appearance(self, chosen: Appearance) -> None:
        self._appearance.set(chosen.value)

    @property
    def items(self) -> int:
        """How many settings there are: more than twelve would be too many."""
        labels = [one for one in self._inside.winfo_children() if isinstance(one, ttk.Label)]
        return sum(not isinstance(one, Sentence) for one in labels) - 4  # without the headings

    # Rows

    def _head(self, text: str) -> None:
        px = self._bench.theme.px
        label = ttk.Label(self._inside, text=text, style="Title.TLabel")
        above = px(24) if self._rows else 0
        label.grid(row=self._rows, column=0, columnspan=3, sticky="w", pady=(above, px(4)))
        self._rows += 1

    def _row(self, label: str, field: tk.Widget, hint: str, *, is_short: bool = False) -> None:
        px, row = self._bench.theme.px, self._rows
        ttk.Label(self._inside, text=label).grid(
            row=row, column=0, sticky="nw", padx=(0, px(16)), pady=(px(11), px(4))
        )
        field.grid(row=row, column=1, sticky="nw" if is_short else "new", pady=px(4))
        said = Sentence(self._inside)
        said.grid(row=row, column=2, sticky="new", padx=(px(16), 0), pady=(px(11), 0))
        said.say(hint)
        self._rows += 1

    def _switch(
        self,
        label: str,
        text: str,
        name: str,
        settings: ProgramSettings,
        then: Callable[[], None] = lambda: None,
    ) -> tk.BooleanVar:
        """A box to tick for a setting that takes effect at once."""
        chosen = tk.BooleanVar(self, getattr(settings, name))

        def change() -> None:
            self._bench.settings.change(**{name: chosen.get()})
            then()

        box = ttk.Checkbutton(
            self._inside,
            text=text,
            variable=chosen,
            command=change,
        )
        self._row(label, box, "")
        box.grid(columnspan=2, pady=(self._bench.theme.px(9), 0))
        return chosen

    def _offer_networks(self, addresses: Sequence[str]) -> None:
        if self.network.winfo_exists():
            self.network.offer(addresses)

    # Keeping

    def _keep_name(self) -> None:
        name = self.name.read(parse_name)
        if name is not None:
            self._bench.settings.change(computer_name=name)

    def _keep_seat(self) -> None:
        seat = self.seat.read(parse_name)
        if seat is not None:
            self._bench.settings.change(seat=seat)

    def _keep_network(self) -> None:
        network = self.network.read(parse_network)
        if network is not None:
            self._bench.settings.change(network=network)

    def _keep_ports(self) -> None:
        tracker, seeder = self.tracker_port.read(parse_port), self.seeder_port.read(parse_port)
        if tracker is not None and seeder is not None:
            self._bench.settings.change(tracker_port=tracker, seeder_port=seeder)

    def _keep_size(self) -> None:
        self._bench.settings.change(size_percent=int(self._size.get().removesuffix(" %")))
