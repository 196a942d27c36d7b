"""The list of files with what can be done to them, and where the selected one comes from."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Protocol

from roles.events import DownloadChanged, DownloadState, ListedFile
from roles.safe_names import shown_name
from ui.window.download_rows import (
    FILE_COLUMNS,
    NAME_COLUMN,
    SOURCE_COLUMNS,
    file_row,
    source_row,
)
from ui.window.empty_state import EmptyState
from ui.window.leecher_run import LeecherRun
from ui.window.notices import Choice
from ui.window.row_menu import RowMenu, Verb
from ui.window.table import FLUSH_MS, Table
from ui.window.theme import Theme

LOW_HEIGHT = 300  # pixels at 96 dpi

_RESUMABLE = (DownloadState.PAUSED, DownloadState.FAILED)
_HINT = "Select a file that is on its way to see what each seeder sends."


class ListActions(Protocol):
    """What the list's buttons and keys ask of the tab."""

    def download_chosen(self) -> None: ...

    def download_all(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def cancel(self) -> None: ...

    def open_row(self) -> None: ...

    def open_folder(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What an empty list offers."""

    try_it: Callable[[], None]
    start_tracker: Callable[[], None]
    seed_folder: Callable[[], None]


class DownloadList(ttk.Frame):
    """Toolbar, table and detail. The verbs are the tab's."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, actions: ListActions, first_steps: FirstSteps
    ) -> None:
        super().__init__(parent)
        px = theme.px
        self._run: LeecherRun | None = None
        self._shown = dict[str, ListedFile]()
        self._buttons_id = ""
        self._low_height = px(LOW_HEIGHT)
        self._buttons = self._make_toolbar(theme, actions)
        self.table = Table(self, theme, FILE_COLUMNS, height=4, has_bars=True, choose="extended")
        self.table.sort_by(NAME_COLUMN)
        self._nothing = EmptyState(
            self.table.empty,
            theme,
            (
                Choice("Try it on this computer", first_steps.try_it),
                Choice("Start a tracker", first_steps.start_tracker),
                Choice("Seed a folder", first_steps.seed_folder),
            ),
        )
        self._detail = ttk.Label(self, text=_HINT, style="Muted.TLabel")
        self.sources = Table(self, theme, SOURCE_COLUMNS, height=3, choose="none")
        self.table.grid(row=1, column=0, sticky="nsew", pady=px(8))
        self._detail.grid(row=2, column=0, sticky="w", pady=(0, px(4)))
        self.sources.grid(row=3, column=0, sticky="ew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self.bind("<Configure>", lambda _event: self._fit())
        self.bind("<Destroy>", lambda _event: self._forget_timer())
        self.table.on_choice(self._choice_changed)
        tree = self.table.tree
        tree.bind("<Double-Button-1>", lambda event: self._double_click(event, actions))
        tree.bind("<Return>", lambda _event: actions.download_chosen())
        tree.bind("<Delete>", lambda _event: actions.cancel())
        self.menu = RowMenu(self.table, theme, self._menu_verbs(actions))
        self._update_buttons()

    def show_run(self, run: LeecherRun) -> None:
        """Have the rows of this leecher."""
        is_other, self._run = run is not self._run, run
        files = run.files | {
            name: ListedFile(name, item.size)
            for name, item in run.downloads.items()
            if name not in run.files
        }
        if is_other or files != self._shown:  # the same list comes again and again
            self._shown = files
            self.table.show(
                {name: file_row(file, run.downloads.get(name)) for name, file in files.items()}
            )
        self._nothing.say(*_emptiness(run))
        self._choice_changed()

    def put(self, download: DownloadChanged) -> None:
        """One download has changed."""
        self.table.put(download.name, file_row(ListedFile(download.name, download.size), download))
        if not self._buttons_id:
            self._buttons_id = self.after(FLUSH_MS, self._update_buttons)
        if self.chosen[:1] == [download.name]:
            self._show_sources()

    @property
    def chosen(self) -> list[str]:
        """The names of the selected files, as on the wire."""
        return self.table.chosen

    def can_pause(self) -> list[str]:
        """Of the selected downloads, or of all when none is selected."""
        resumable = set(self.can_resume())
        return [name for name in self._unfinished() if name not in resumable]

    def can_resume(self) -> list[str]:
        """Of the selected downloads, or of all when none is selected."""
        return self._run.in_states(self._meant(), *_RESUMABLE) if self._run else []

    def can_cancel(self) -> list[str]:
        """Of the selected downloads, or of all when none is selected."""
        return self._unfinished()

    def _unfinished(self) -> list[str]:
        if self._run is None:
            return []
        unfinished = set(self._run.unfinished)
        return [name for name in self._meant() if name in unfinished]

    def _meant(self) -> list[str]:
        if self._run is None:
            return []
        return self.chosen or list(self._run.downloads)

    def _make_toolbar(self, theme: Theme, actions: ListActions) -> dict[str, ttk.Button]:
        px = theme.px
        bar = ttk.Frame(self)
        bar.grid(row=0, column=0, sticky="ew")
        verbs = (
            ("Download selected", 0, actions.download_chosen, "Accent.TButton"),
            ("Download all", 9, actions.download_all, "TButton"),
            ("Pause", 0, actions.pause, "TButton"),
            ("Resume", 3, actions.resume, "TButton"),
            ("Cancel", 0, actions.cancel, "TButton"),
        )
        buttons = dict[str, ttk.Button]()
        for text, underline, command, style in verbs:
            button = ttk.Button(bar, text=text, underline=underline, command=command, style=style)
            wide = text == "Pause"  # a gap between starting and the rest
            button.pack(side="left", padx=(px(24 if wide else 8) if buttons else 0, 0))
            buttons[text] = button
        return buttons

    def _menu_verbs(self, actions: ListActions) -> tuple[Verb, ...]:
        return (
            Verb("Download", actions.download_chosen, lambda: bool(self.chosen), "Enter"),
            Verb("Pause", actions.pause, lambda: bool(self.can_pause()), "Ctrl+P"),
            Verb("Resume", actions.resume, lambda: bool(self.can_resume()), "Ctrl+P"),
            Verb("Cancel", actions.cancel, lambda: bool(self.can_cancel()), "Del"),
            Verb("Open folder", actions.open_folder, lambda: True),
        )

    def _fit(self) -> None:
        """The files have the room while nothing is on its way, and in a low window."""
        is_low = 1 < self.winfo_height() < self._low_height
        has_detail = bool(self.table.row_keys) and not is_low
        is_busy = self._run is not None and bool(self._run.unfinished)
        for widget, is_shown in (
            (self._detail, has_detail),
            (self.sources, has_detail and is_busy),
        ):
            if is_shown:
                widget.grid()
            else:
                widget.grid_remove()

    def _choice_changed(self) -> None:
        self._update_buttons()
        self._show_sources()

    def _forget_timer(self) -> None:
        if self._buttons_id:
            self.after_cancel(self._buttons_id)
            self._buttons_id = ""

    def _update_buttons(self) -> None:
        self._forget_timer()
        self._fit()
        can = {
            "Download selected": bool(self.chosen),
            "Download all": self._run is not None and bool(self._run.files),
            "Pause": bool(self.can_pause()),
            "Resume": bool(self.can_resume()),
            "Cancel": bool(self.can_cancel()),
        }
        for name, button in self._buttons.items():
            button.state(["!disabled" if can[name] else "disabled"])

    def _show_sources(self) -> None:
        name = next(iter(self.chosen), "")
        download = self._run.downloads.get(name) if self._run else None
        sources = download.sources if download is not None else ()
        self.sources.show({str(source.seeder): source_row(source) for source in sources})
        if sources:
            self._detail.configure(text=f"{shown_name(name, 60)} comes from")
        elif download is not None and download.saved_as is not None:
            folder = shown_name(str(download.saved_as.parent))
            self._detail.configure(text=f"{shown_name(name, 60)} is in {folder}")
        elif name:
            self._detail.configure(text=f"Nobody is sending {shown_name(name, 60)} now.")
        else:
            self._detail.configure(text=_HINT)

    def _double_click(self, event: tk.Event[tk.Misc], actions: ListActions) -> None:
        if self.table.key_at(event.y) is not None:
            actions.open_row()


def _emptiness(run: LeecherRun) -> tuple[str, str]:
    """What stands where the rows would be."""
    if run.list_failed is not None:
        return (
            "No list yet",
            "No tracker answers. Type the address of one above, start one here, "
            "or press “Try it on this computer”.",
        )
    if run.listed is None:
        return "Asking the tracker …", ""
    return (
        "The tracker has no files yet",
        "Seed a folder here or on another computer: its files appear here by themselves.",
    )
