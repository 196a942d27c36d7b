"""The fields of the Leecher tab: tracker, folder, and how to download. It starts nothing."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.program.user_folders import default_download_folder
from roles.values.errors import UserInputError
from roles.values.settings import MAX_PARALLEL_SEEDERS, LeecherSettings
from ui.window.fields import FolderField, Sentence, TextField
from ui.window.keyboard import tab_in_order
from ui.window.limit_field import LimitField
from ui.window.tracker_field import TrackerField
from ui.window.workbench import Workbench

if TYPE_CHECKING:
    from ui.window.leecher_tab import LeecherTab


class LeecherForm(ttk.Frame):
    """At the top of the tab; `options` is a separate row for below the list."""

    def __init__(self, tab: LeecherTab, bench: Workbench) -> None:
        super().__init__(tab)
        px, theme, settings = bench.theme.px, bench.theme, bench.settings.now
        usual = _usual_folder()
        self._trackers = bench.trackers
        self.keep_seeding = tk.BooleanVar(self, settings.keep_seeding)
        self.tracker = TrackerField(self, theme, bench.trackers, tab.use_fields)
        self.folder = FolderField(
            self,
            theme,
            settings.download_folder,
            tab.use_fields,
            title="Where to save what you download",
            placeholder=usual or "where to save what you download",
        )
        self.tracker.entry.bind("<Return>", lambda _event: tab.refresh())
        self.folder.offer((usual,) if usual else ())
        refresh = ttk.Button(self, text="Refresh", underline=0, command=tab.refresh)
        choose = ttk.Button(self, text="Choose …", underline=1, command=self.folder.choose)
        show = ttk.Button(self, text="Open", underline=0, command=tab.open_folder)
        self.tracker_said = Sentence(self)
        gap = (0, px(8))
        ttk.Label(self, text="Tracker").grid(row=0, column=0, sticky="nw", padx=gap, pady=px(7))
        self.tracker.grid(row=0, column=1, sticky="new")
        refresh.grid(row=0, column=2, columnspan=2, sticky="new", padx=(px(8), 0))
        ttk.Label(self, text="Save to").grid(row=2, column=0, sticky="nw", padx=gap, pady=px(7))
        self.folder.grid(row=2, column=1, sticky="new")
        choose.grid(row=2, column=2, sticky="new", padx=(px(8), 0))
        show.grid(row=2, column=3, sticky="new", padx=(px(8), 0))
        self.tracker_said.grid(row=1, column=1, columnspan=3, sticky="ew", pady=(px(2), px(8)))
        tab_in_order(self.tracker, refresh, self.folder, choose, show)
        self.columnconfigure(1, weight=1)
        self.options = self._make_options(tab, bench)

    def fill_in(self, settings: LeecherSettings) -> None:
        """Show what is in use instead of what was typed."""
        self._trackers.use_for_now(settings.tracker)
        self.folder.variable.set(str(settings.folder))
        self.parallel.variable.set(str(settings.parallel_seeders))

    def _make_options(self, tab: LeecherTab, bench: Workbench) -> ttk.Frame:
        px, theme = bench.theme.px, bench.theme
        options = ttk.Frame(tab)
        keep = ttk.Checkbutton(
            options,
            text="Keep seeding what I download",
            underline=0,
            variable=self.keep_seeding,
            command=tab.keep_seeding_changed,
        )
        self.limit = limit = LimitField(options, bench, "down")
        parallel = str(bench.settings.now.parallel_seeders)
        self.parallel = TextField(
            options, theme, parallel, tab.use_fields, most=MAX_PARALLEL_SEEDERS
        )
        keep.pack(side="left")
        fields = (("Sources per file", self.parallel), ("Download limit", limit))
        for text, field in fields:
            field.pack(side="right", padx=(0, px(12) if field is limit else 0))
            label = ttk.Label(options, text=text, style="Muted.TLabel")
            label.pack(side="right", padx=px(8))
        tab_in_order(keep, limit, self.parallel)
        return options


def _usual_folder() -> str:
    """What an empty field means; "" for a user without a home folder, who must name one."""
    try:
        return str(default_download_folder())
    except UserInputError:
        return ""
