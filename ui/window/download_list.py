"""The list of files, what can be done with them, and the detail of the selected row."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Iterable, Sequence
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values.events import DownloadState
from ui import wording
from ui.window.download_detail import DownloadDetail
from ui.window.download_start import missing
from ui.window.fields import TextField
from ui.window.file_list import is_folder
from ui.window.folding import Folding
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import FILE_COLUMNS, NAME_COLUMN, bar_of, tone_of
from ui.window.list_rows import ListRows
from ui.window.notices import Choice
from ui.window.row_menu import RowMenu, Verb
from ui.window.settings_keeper import SettingsKeeper
from ui.window.split_view import SplitView
from ui.window.table import FLUSH_MS, Table
from ui.window.theme import Theme

if TYPE_CHECKING:
    from ui.window.leecher_tab import LeecherTab

_RESUMABLE = (DownloadState.PAUSED, DownloadState.FAILED)
COUNTED = 2_000  # files whose states are looked at, each time that one has changed
_FIND_WIDTH = 16  # letters


class DownloadList(ttk.Frame):
    """Toolbar, table and detail. The tab carries out the actions."""

    def __init__(
        self,
        tab: LeecherTab,
        theme: Theme,
        model: LeecherModel,
        settings: SettingsKeeper,
        steps: Sequence[Choice],
    ) -> None:
        """`steps` are offered while the list is empty."""
        super().__init__(tab)
        px = theme.px
        self._model, self._tab = model, tab
        self._rows = ListRows(model)
        self._filled_with: tuple[object, ...] = ()
        self.everything: list[str] = []  # what "Download all" asks a leecher for
        self._looks_later = False
        self._states: dict[str, DownloadState | None] = {}  # of downloads, as the rows show them
        self.wanted = tk.StringVar(self)
        verbs = (
            Verb("Download all", tab.download_all, lambda: bool(self.everything), "", 9),
            Verb("Download selected", tab.download_chosen, lambda: bool(self.chosen), "Enter", 0),
            Verb("Pause", tab.pause, lambda: bool(self.can_pause()), "Ctrl+P", 0),
            Verb("Resume", tab.resume, lambda: bool(self.can_resume()), "Ctrl+P", 3),
            Verb("Cancel", tab.cancel, lambda: bool(self.can_cancel()), "Del", 0),
        )
        self._buttons = self._make_toolbar(theme, verbs)
        self.split = SplitView(
            self,
            theme,
            settings.now.list_percent,
            lambda percent: settings.change(list_percent=percent),
        )
        self.table = Table(
            self.split,
            theme,
            FILE_COLUMNS,
            height=4,
            sorted_by=NAME_COLUMN,
            choose="extended",
            tone=tone_of,
            bar=bar_of,
            parent=lambda row: row.node.parent,
            rank=lambda row: row.node.kind,
            steps=steps,
            layout=(
                settings.now.list_columns,
                lambda columns: settings.change(list_columns=columns),
            ),
        )
        self.detail = DownloadDetail(self.split, theme, model, self._watch)
        self.split.hold(self.table, self.detail)
        self.split.grid(row=1, column=0, sticky="nsew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self.table.on_choice(self._choice_changed)
        self.folding = Folding(self.table, theme, self._rows, lambda: self._fill(anew=True))
        tree = self.table.tree
        tree.bind("<Double-Button-1>", lambda event: self._double_click(event, tab))
        tree.bind("<Control-Up>", lambda _event: self._move_sash(-1))
        tree.bind("<Control-Down>", lambda _event: self._move_sash(1))
        tree.bind("<Return>", lambda _event: tab.download_chosen())
        tree.bind("<Delete>", lambda _event: tab.cancel())
        more = (
            Verb("Show or hide its files", self._fold_chosen, self._can_fold, "Right, Left"),
            Verb("Open folder", tab.open_folder, lambda: True),
        )
        self.menu = RowMenu(self.table, theme, (*verbs[1:], *more))
        self.show()

    def show(self) -> None:
        self._fill()
        self.table.say_empty(*self._emptiness())
        self._choice_changed()

    def put(self, download: str, paths: Iterable[str] = ()) -> None:
        """Show what has changed of a download, and of files that it brought."""
        changed = [key for name in (download, *paths) for key in self._rows.changed_by(name)]
        state = self._model.state_of(download)
        if state is not self._states.get(download):
            self._states[download] = state
            changed += self._rows.below(download)
        for key in dict.fromkeys(changed):
            self.table.put(key, self._rows.row(key))
        if self._rows.are_other(download):
            self._filled_with = ()
        self._look_later()
        if download in self._meant()[:1]:
            self._show_detail()

    @property
    def chosen(self) -> list[str]:
        """What to ask a leecher for to get the selected rows."""
        return self._rows.to_ask(self.table.chosen)

    def _fill(self, *, anew: bool = False) -> None:
        """Show all rows, if they differ from those before."""
        wanted = self.wanted.get().strip()
        now = (self._model.list, wanted)
        if anew or now != self._filled_with:
            self._filled_with = now
            contents = self._model.list
            self.everything = (
                [file.key for file in contents.matching(wanted)] if wanted else contents.all_keys
            )
            self.table.show(self._rows.fill(wanted))

    # What the buttons act on: the selected downloads, or all if none is selected

    def can_pause(self) -> list[str]:
        resumable = set(self.can_resume())
        return [name for name in self.can_cancel() if name not in resumable]

    def can_resume(self) -> list[str]:
        return self._model.in_states(self._meant(), *_RESUMABLE)

    def can_cancel(self) -> list[str]:
        unfinished = set(self._model.unfinished)
        return [name for name in self._meant() if name in unfinished]

    def _meant(self) -> list[str]:
        chosen = self.table.chosen
        return self._rows.downloads(chosen) if chosen else list(self._model.downloads)

    def _make_toolbar(self, theme: Theme, verbs: Sequence[Verb]) -> dict[Verb, ttk.Button]:
        px = theme.px
        bar = ttk.Frame(self)
        bar.grid(row=0, column=0, sticky="ew")
        buttons = dict[Verb, ttk.Button]()
        for verb in verbs:
            button = ttk.Button(
                bar,
                text=verb.label,
                underline=verb.underline,
                command=verb.act,
                style="TButton" if buttons else "Accent.TButton",
            )
            gap = 24 if verb.label == "Pause" else 8  # those before it start downloads
            button.pack(side="left", padx=(px(gap) if buttons else 0, 0))
            buttons[verb] = button
        self.finder = TextField(
            bar, theme, self.wanted, self._fill, placeholder="Find a file", width=_FIND_WIDTH
        )
        self.finder.pack(side="right", padx=(px(8), 0))
        self.wanted.trace_add("write", lambda *_: self._look_later())
        return buttons

    def _fit(self) -> None:
        is_still = not self._model.unfinished
        self.split.show_lower(is_shown=bool(self.table.row_keys), is_small=is_still)
        self.detail.fit()

    def _move_sash(self, steps: int) -> str:
        self.split.move(steps)
        return "break"

    def _watch(self, download: str, path: str) -> None:
        if self._model.leecher is not None:
            self._model.leecher.watch(download, path)

    def _choice_changed(self) -> None:
        self._update_buttons()
        self._show_detail()

    def _look_later(self) -> None:
        """Work that costs more than a row is done a little later, once for everything that came
        meanwhile.
        """
        if not self._looks_later:
            self._looks_later = True
            self.after(FLUSH_MS, self._look)

    def _look(self) -> None:
        self._looks_later = False
        self._fill()
        self._update_buttons()

    def _update_buttons(self) -> None:
        self._fit()
        for verb, button in self._buttons.items():
            if verb.act == self._tab.download_all:
                button.configure(text=self._label_for_all())
            button.state(["!disabled" if verb.is_possible() else "disabled"])

    def _label_for_all(self) -> str:
        """Says how much it is."""
        names = self.everything
        if len(names) <= COUNTED:
            names = missing(self._model, names)
        folders = sum(map(is_folder, names))
        parts = ((folders, "folder"), (len(names) - folders, "file"))
        much = " and ".join(wording.count(number, noun) for number, noun in parts if number)
        return f"Download all, {much}" if much else "Download all"

    def _show_detail(self) -> None:
        chosen = [key for key in self.table.chosen[:1] if self._rows.node(key)]
        name = next(iter(self._rows.downloads(chosen)), "")
        row = self._rows.row(chosen[0]) if chosen else None
        self.detail.show(row, self._model.downloads.get(name))

    def _can_fold(self) -> bool:
        return any(self.folding.opening(key) for key in self.table.chosen[:1])

    def _fold_chosen(self) -> None:
        for key in self.table.chosen[:1]:
            self.folding.toggle(key)

    def _double_click(self, event: tk.Event[tk.Misc], tab: LeecherTab) -> None:
        key = self.table.key_at(event.y)
        if key is None or self.folding.is_sign(event.x, event.y):
            return
        if not self.folding.toggle(key):
            tab.open_row()

    def _emptiness(self) -> tuple[str, str]:
        """What is shown in place of the rows."""
        if self._model.list_failed is not None:
            return (
                "No list yet",
                "No tracker answers. Type the address of one above, start one here, "
                "or press “Try it on this computer”.",
            )
        if self._model.listed is None:
            return "Asking the tracker …", ""
        return (
            "The tracker has no files yet",
            "Seed a folder here or on another computer: its files appear here by themselves.",
        )
