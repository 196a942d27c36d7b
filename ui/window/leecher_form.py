"""The fields of the Leecher tab: tracker, folder, and how to download. It starts nothing."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.program.user_folders import default_download_folder
from roles.values.errors import UserInputError
from roles.values.settings import MAX_PARALLEL_SEEDERS, LeecherSettings
from ui.window.fields import FolderField, NumberField
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
        self._folder_text = tk.StringVar(self, settings.download_folder)
        self._parallel_text = tk.StringVar(self, str(settings.parallel_seeders))
        self._bench = bench
        usual = _usual_folder()
        self.keep_seeding = tk.BooleanVar(self, settings.keep_seeding)
        self.tracker = TrackerField(self, theme, bench.trackers, commit=tab.use_fields)
        self.folder = FolderField(
            self,
            theme,
            self._folder_text,
            title="Where to save what you download",
            placeholder=usual or "where to save what you download",
            commit=tab.use_fields,
        )
        self.tracker.entry.bind("<Return>", lambda _event: tab.refresh())
        self.folder.offer((usual,) if usual else ())
        refresh = ttk.Button(self, text="Refresh", underline=0, command=tab.refresh)
        choose = ttk.Button(self, text="Choose …", underline=1, command=self.folder.choose)
        show = ttk.Button(self, text="Open", underline=0, command=tab.open_folder)
        self.list_line = ttk.Label(self, style="Muted.TLabel")
        gap = (0, px(8))
        ttk.Label(self, text="Tracker").grid(row=0, column=0, sticky="nw", padx=gap, pady=px(7))
        self.tracker.grid(row=0, column=1, sticky="new")
        refresh.grid(row=0, column=2, columnspan=2, sticky="new", padx=(px(8), 0))
        ttk.Label(self, text="Save to").grid(row=2, column=0, sticky="nw", padx=gap, pady=px(7))
        self.folder.grid(row=2, column=1, sticky="new")
        choose.grid(row=2, column=2, sticky="new", padx=(px(8), 0))
        show.grid(row=2, column=3, sticky="new", padx=(px(8), 0))
        self.list_line.grid(row=1, column=1, columnspan=3, sticky="w", pady=(px(2), px(8)))
        tab_in_order(self.tracker, refresh, self.folder, choose, show)
        self.columnconfigure(1, weight=1)
        self.bind("<Configure>", self._wrap)
        self.options = self._make_options(tab, bench)

    def say_list(self, sentence: str, *, tone: str = "Muted") -> None:
        """Show below the tracker what it answered."""
        self.list_line.configure(text=sentence, style=f"{tone}.TLabel")

    def fill_in(self, settings: LeecherSettings) -> None:
        """Show what is in use instead of what was typed."""
        self._bench.trackers.use_for_now(settings.tracker)
        self._folder_text.set(str(settings.folder))
        self._parallel_text.set(str(settings.parallel_seeders))

    def _make_options(self, tab: LeecherTab, bench: Workbench) -> ttk.Frame:
        px = bench.theme.px
        options = ttk.Frame(tab)
        keep = ttk.Checkbutton(
            options,
            text="Keep seeding what I download",
            underline=0,
            variable=self.keep_seeding,
            command=tab.keep_seeding_changed,
        )
        keep.pack(side="left")
        self.parallel = NumberField(
            options,
            bench.theme,
            self._parallel_text,
            most=MAX_PARALLEL_SEEDERS,
            commit=tab.use_fields,
        )
        self.parallel.pack(side="right")
        label = ttk.Label(options, text="Seeders at once for one file", style="Muted.TLabel")
        label.pack(side="right", padx=px(8))
        self.limit = LimitField(
            options, bench.theme, bench.settings, bench.roles.throttles.down, "down_limit"
        )
        self.limit.pack(side="right", padx=(0, px(12)))
        label = ttk.Label(options, text="Download limit", style="Muted.TLabel")
        label.pack(side="right", padx=px(8))
        tab_in_order(keep, self.limit, self.parallel)
        return options

    def _wrap(self, event: tk.Event[tk.Misc]) -> None:
        self.list_line.configure(wraplength=max(event.width - self.tracker.winfo_x(), 1))


def _usual_folder() -> str:
    """What an empty field means; "" for a user without a home folder, who must name one."""
    try:
        return str(default_download_folder())
    except UserInputError:
        return ""
