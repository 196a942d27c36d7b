"""The page of settings: what is seldom changed, all on one page.

A setting that also has a field in a tab shares its text with that.
"""

from __future__ import annotations

import platform
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from roles.values.program_settings import SIZES, Appearance
from roles.values.typed_settings import parse_name, parse_network, parse_port
from ui.window.fields import ChoiceField, TextField
from ui.window.labels import Sentence
from ui.window.scrolled import ScrolledFrame
from ui.window.setting_field import limit_field, setting_box, setting_field
from ui.window.tab_pages import Page
from ui.window.window_context import WindowContext

_APPEARANCES = {
    Appearance.SYSTEM: "As the system",
    Appearance.LIGHT: "Light",
    Appearance.DARK: "Dark",
}
AUTOMATIC = "Automatic: all networks"
_NEXT_START = "Takes effect at the next start."
_NEXT_ROLE = "Applies to what you start from now on."


@dataclass(frozen=True, slots=True)
class SettingsActions:
    """What to do at once when a setting changes."""

    folder: Callable[[], None]  # where downloads go
    networks: Callable[[], Sequence[str]]  # this computer's addresses; may take a moment
    check: Callable[[], None]


class SettingsPage(Page):
    def __init__(
        self,
        parent: tk.Misc,
        context: WindowContext,
        actions: SettingsActions,
    ) -> None:
        px, theme = context.theme.px, context.theme
        super().__init__(parent, padding=(px(16), px(16)))
        self._context = context
        self._actions = actions
        self._rows = 0
        scrolled = ScrolledFrame(self, theme)
        scrolled.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._inside = inside = scrolled.inside
        inside.columnconfigure(1, weight=1)
        inside.columnconfigure(2, weight=1)
        self._head("This computer")
        self.name = self._field(
            "Name",
            "computer_name",
            parse_name,
            f"What others see. {_NEXT_ROLE}",
            placeholder=platform.node(),
        )
        self.seat = self._field(
            "Seat", "seat", parse_name, "Such as 14 or B3; shown after the name.", width=8
        )
        self._switch("Keep awake", "Stay awake while files are being transferred", "keep_awake")

        self._head("Downloads")
        folder = context.settings.variable("download_folder")
        self.folder = TextField(inside, theme, folder, actions.folder)
        self._row("Folder", self.folder, "Where downloads go; empty: the usual one.")
        self._switch(
            "Folders",
            "Each share arrives in a folder of its own",
            "own_folders",
            actions.folder,
        )
        self.down, self.up = (
            limit_field(inside, context, "down"),
            limit_field(inside, context, "up"),
        )
        self._row("Download limit", self.down, "Such as 500K or 2.5 MB/s.", is_short=True)
        self._row("Upload limit", self.up, "For everything that this window sends.", is_short=True)

        self._head("Network")
        self.network = setting_field(
            ChoiceField, inside, context, "network", parse_network, placeholder=AUTOMATIC
        )
        self._row("Network", self.network, f"Empty: all networks. {_NEXT_ROLE}")
        self.seeder_port = self._field(
            "Port for others", "seeder_port", parse_port, f"TCP. {_NEXT_ROLE}", width=8
        )
        self._field("Port of the tracker", "tracker_port", parse_port, "UDP and TCP.", width=8)

        self._head("Window")
        chosen = context.settings.variable("appearance")
        themes = ttk.Frame(inside)
        for appearance, text in _APPEARANCES.items():
            radio = ttk.Radiobutton(themes, text=text, value=appearance.value, variable=chosen)
            radio.pack(side="left", padx=(0, px(16)))
        self._row("Theme", themes, "")
        self._size = tk.StringVar(self, f"{context.settings.now.size_percent} %")
        size_box = ttk.Combobox(
            inside,
            textvariable=self._size,
            values=[f"{size} %" for size in SIZES],
            state="readonly",
            width=8,
        )
        size_box.bind("<<ComboboxSelected>>", lambda _event: self._keep_size())
        self._row("Size", size_box, _NEXT_START, is_short=True)
        check = ttk.Button(
            inside, text="Check this computer", style="Link.TButton", command=actions.check
        )
        check.grid(row=self._rows, column=0, columnspan=3, sticky="w", pady=(px(16), 0))
        context.pump.in_background(actions.networks, self._offer_networks)

    # Rows

    def _head(self, text: str) -> None:
        px = self._context.theme.px
        label = ttk.Label(self._inside, text=text, style="Title.TLabel")
        above = px(24) if self._rows else 0
        label.grid(row=self._rows, column=0, columnspan=3, sticky="w", pady=(above, px(4)))
        self._rows += 1

    def _row(self, label: str, field: tk.Widget, hint: str, *, is_short: bool = False) -> None:
        px, row = self._context.theme.px, self._rows
        ttk.Label(self._inside, text=label).grid(
            row=row, column=0, sticky="nw", padx=(0, px(16)), pady=(px(11), px(4))
        )
        field.grid(row=row, column=1, sticky="nw" if is_short else "new", pady=px(4))
        said = Sentence(self._inside)
        said.grid(row=row, column=2, sticky="new", padx=(px(16), 0), pady=(px(11), 0))
        said.say(hint)
        self._rows += 1

    def _field(
        self,
        label: str,
        setting: str,
        parse: Callable[[str], object],
        hint: str,
        *,
        width: int = 0,
        placeholder: str = "",
    ) -> TextField:
        """A row with a field, which fills it unless it has a `width`, in letters."""
        field = setting_field(
            TextField,
            self._inside,
            self._context,
            setting,
            parse,
            width=width or 20,
            placeholder=placeholder,
        )
        self._row(label, field, hint, is_short=bool(width))
        return field

    def _switch(
        self, label: str, text: str, setting: str, then: Callable[[], None] = lambda: None
    ) -> None:
        """A row with a box to tick, which counts at once."""
        box = setting_box(self._inside, self._context, setting, text, then)
        self._row(label, box, "")
        box.grid(columnspan=2, pady=(self._context.theme.px(9), 0))

    def _offer_networks(self, addresses: Sequence[str]) -> None:
        if self.network.winfo_exists():
            self.network.offer(addresses)

    def _keep_size(self) -> None:
        self._context.settings.change(size_percent=int(self._size.get().removesuffix(" %")))
