"""The list of files, what can be done with them, and the sources of the selected download."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Protocol

from roles.values.events import DownloadChanged, DownloadState, FilesEnded
from roles.values.safe_names import shown_name
from ui.window.download_rows import (
    FILE_COLUMNS,
    NAME_COLUMN,
    SOURCE_COLUMNS,
    folder_of,
    sign_width,
    source_row,
    status_of,
)
from ui.window.empty_state import EmptyState
from ui.window.fields import TextField
from ui.window.folding import Folding
from ui.window.leecher_run import LeecherRun
from ui.window.list_tree import NodeKind
from ui.window.notices import Choice
from ui.window.row_menu import RowMenu, Verb
from ui.window.shown_rows import ShownRows, describe
from ui.window.table import FLUSH_MS, Table
from ui.window.theme import Theme

LOW_HEIGHT = 340  # pixels at 96 dpi

_RESUMABLE = (DownloadState.PAUSED, DownloadState.FAILED)
_HINT = "Select a file that is on its way to see what each seeder sends."
_FIND_WIDTH = 16  # letters


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
    """Toolbar, table and detail. The tab carries out the actions."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, actions: ListActions, first_steps: FirstSteps
    ) -> None:
        super().__init__(parent)
        px = theme.px
        self._run: LeecherRun | None = None
        self._shown = ShownRows()
        self._filled_with: tuple[object, ...] = ()
        self._later_id = ""
        self._wanted = tk.StringVar(self)
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
        self._folding = Folding(self.table, theme, NAME_COLUMN, self)
        tree = self.table.tree
        tree.bind("<Double-Button-1>", lambda event: self._double_click(event, actions))
        tree.bind("<Return>", lambda _event: actions.download_chosen())
        tree.bind("<Delete>", lambda _event: actions.cancel())
        self.menu = RowMenu(self.table, theme, self._menu_verbs(actions))
        self._update_buttons()

    def show_run(self, run: LeecherRun) -> None:
        """Show the rows of this leecher."""
        self._run = run
        self._fill()
        self._nothing.say(*_emptiness(run))
        self._choice_changed()

    def put(self, download: DownloadChanged) -> None:
        """Show the change of one download."""
        for key in self._shown.of_download(download.name):
            self.table.put(key, self._shown.row(key))
        if self._shown.are_other(download):
            self._filled_with = ()
        self._look_later()
        if download.name in self._meant()[:1]:
            self._show_sources()

    def put_files(self, event: FilesEnded) -> None:
        """Files of a folder have ended: update those that have a row."""
        for key in self._shown.of_files(event.files):
            self.table.put(key, self._shown.row(key))
        if self._shown.are_other_problems(event.download):
            self._filled_with = ()
        self._look_later()

    @property
    def chosen(self) -> list[str]:
        """What to ask a leecher for to get the selected rows."""
        return self._shown.to_ask(self.table.chosen)

    def find(self) -> None:
        """Go to the search field."""
        self.finder.entry.focus_set()

    # Folders that can be opened

    def fold_of(self, key: str) -> tuple[bool, str] | None:
        """See Folds."""
        node = self._shown.node(key)
        if (
            self._run is None
            or node is None
            or node.kind not in (NodeKind.FOLDER, NodeKind.PROBLEMS)
        ):
            return None
        return self._run.tree.is_open(node), sign_width(node)

    def set_open(self, key: str, *, is_open: bool) -> None:
        """See Folds."""
        node = self._shown.node(key)
        if self._run is not None and node is not None:
            self._run.tree.set_open(node, is_open=is_open)
            self._fill(anew=True)

    def parent_of(self, key: str) -> str | None:
        """See Folds."""
        node = self._shown.node(key)
        return node.parent if node is not None and node.parent else None

    def _fill(self, *, anew: bool = False) -> None:
        """Show all rows, if they differ from those before."""
        if self._run is None:
            return
        wanted = self._wanted.get().strip()
        now = (self._run, self._run.tree.version, wanted)
        if anew or now != self._filled_with:
            self._filled_with = now
            self.table.show(self._shown.fill(self._run, wanted))

    # What the buttons act on

    def can_pause(self) -> list[str]:
        """Of the selected downloads, or of all if none is selected."""
        resumable = set(self.can_resume())
        return [name for name in self._unfinished() if name not in resumable]

    def can_resume(self) -> list[str]:
        """Of the selected downloads, or of all if none is selected."""
        return self._run.in_states(self._meant(), *_RESUMABLE) if self._run else []

    def can_cancel(self) -> list[str]:
        """Of the selected downloads, or of all if none is selected."""
        return self._unfinished()

    def _unfinished(self) -> list[str]:
        if self._run is None:
            return []
        unfinished = set(self._run.unfinished)
        return [name for name in self._meant() if name in unfinished]

    def _meant(self) -> list[str]:
        if self._run is None:
            return []
        chosen = self.table.chosen
        return self._shown.downloads(chosen) if chosen else list(self._run.downloads)

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
            wide = text == "Pause"  # a gap between the buttons that start downloads and the others
            button.pack(side="left", padx=(px(24 if wide else 8) if buttons else 0, 0))
            buttons[text] = button
        self.finder = TextField(
            bar,
            theme,
            self._wanted,
            placeholder="Find a file",
            width=_FIND_WIDTH,
            commit=self._fill,
        )
        self.finder.pack(side="right", padx=(px(8), 0))
        self._wanted.trace_add("write", lambda *_: self._look_later())
        return buttons

    def _menu_verbs(self, actions: ListActions) -> tuple[Verb, ...]:
        return (
            Verb("Download", actions.download_chosen, lambda: bool(self.chosen), "Enter"),
            Verb("Pause", actions.pause, lambda: bool(self.can_pause()), "Ctrl+P"),
            Verb("Resume", actions.resume, lambda: bool(self.can_resume()), "Ctrl+P"),
            Verb("Cancel", actions.cancel, lambda: bool(self.can_cancel()), "Del"),
            Verb("Show or hide its files", self._fold_chosen, self._can_fold, "Right, Left"),
            Verb("Open folder", actions.open_folder, lambda: True),
        )

    def _fit(self) -> None:
        """Give the files all the room while nothing is downloading, or if the window is low."""
        is_low = 1 < self.winfo_height() < self._low_height
        has_detail = bool(self.table.row_keys)
        is_busy = self._run is not None and bool(self._run.unfinished)
        for widget, is_shown in (
            (self._detail, has_detail),
            (self.sources, has_detail and is_busy and not is_low),
        ):
            if is_shown:
                widget.grid()
            else:
                widget.grid_remove()

    def _choice_changed(self) -> None:
        self._update_buttons()
        self._show_sources()

    def _look_later(self) -> None:
        """Work that costs more than a row is done a little later, once for everything that came
        meanwhile.
        """
        if not self._later_id:
            self._later_id = self.after(FLUSH_MS, self._look)

    def _look(self) -> None:
        self._forget_timer()
        self._fill()
        self._update_buttons()

    def _forget_timer(self) -> None:
        if self._later_id:
            self.after_cancel(self._later_id)
            self._later_id = ""

    def _update_buttons(self) -> None:
        self._fit()
        can = {
            "Download selected": bool(self.chosen),
            "Download all": self._run is not None and bool(self._run.tree.all_asked),
            "Pause": bool(self.can_pause()),
            "Resume": bool(self.can_resume()),
            "Cancel": bool(self.can_cancel()),
        }
        for name, button in self._buttons.items():
            button.state(["!disabled" if can[name] else "disabled"])

    def _show_sources(self) -> None:
        chosen = self.table.chosen[:1]
        name = next(iter(self._shown.downloads(chosen)), "")
        download = self._run.downloads.get(name) if self._run else None
        sources = download.sources if download is not None else ()
        self.sources.show({str(source.seeder): source_row(source) for source in sources})
        self._detail.configure(text=self._detail_text(chosen, download))

    def _detail_text(self, chosen: list[str], download: DownloadChanged | None) -> str:
        node = self._shown.node(chosen[0]) if chosen else None
        if self._run is None or node is None or node.kind is NodeKind.MORE:
            return _HINT
        if node.kind is NodeKind.PROBLEM:
            return self._shown.row(node.key).cells[-1]  # the whole sentence
        if download is None:
            return f"Nobody is sending {describe(self._run, node.asked)} now."
        called = describe(self._run, download.name)
        if download.files > 1 and not download.state.is_final:
            return f"{called}: {status_of(download)}"
        if download.sources:
            return f"{called} comes from"
        folder = folder_of(download)
        if folder is not None:
            return f"{called} is in {shown_name(str(folder))}"
        return f"Nobody is sending {called} now."

    def _can_fold(self) -> bool:
        return any(self.fold_of(key) for key in self.table.chosen[:1])

    def _fold_chosen(self) -> None:
        for key in self.table.chosen[:1]:
            self._folding.toggle(key)

    def _double_click(self, event: tk.Event[tk.Misc], actions: ListActions) -> None:
        key = self.table.key_at(event.y)
        if key is None or self._folding.is_sign(event.x, event.y):
            return
        if not self._folding.toggle(key):
            actions.open_row()


def _emptiness(run: LeecherRun) -> tuple[str, str]:
    """What is shown in place of the rows."""
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
