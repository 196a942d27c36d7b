"""The list of files, what can be done with them, and the detail of the selected row."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values.errors import CodeRefusedError
from roles.values.events import DownloadState
from roles.values.watched import Watched
from ui.file_list import FileList
from ui.row_order import moved, placed
from ui.window.column_layout import ColumnLayout
from ui.window.download_detail import DownloadDetail
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import (
    FILE_COLUMNS,
    NAME_COLUMN,
    QUEUE_COLUMN,
    bar_of,
    icon_of,
    tone_of,
)
from ui.window.list_order import ListView, RowFilter
from ui.window.list_row import ListRow, brought_by
from ui.window.list_rows import ListRows
from ui.window.list_toolbar import COUNTED, ListToolbar
from ui.window.notices import Choice
from ui.window.row_drag import RowDrag
from ui.window.row_menu import RowAction, RowMenu
from ui.window.settings_keeper import SettingsKeeper
from ui.window.split_view import SplitView
from ui.window.table import FLUSH_MS, Table
from ui.window.theme import Theme

if TYPE_CHECKING:
    from ui.window.leecher_tab import LeecherTab

_RESUMABLE = (DownloadState.PAUSED, DownloadState.FAILED)


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
        self._filled_with: tuple[FileList, ListView] | None = None  # None: other rows are needed
        self.everything: list[str] = []  # what "Download all" asks a leecher for
        self._looks_later = False
        actions = (
            RowAction("Download all", tab.download_all, self._all_is_possible, "", 9),
            RowAction("Download selected", tab.download_chosen, self._can_download, "Enter", 0),
            RowAction("Pause", tab.pause, lambda: bool(self.can_pause()), "Ctrl+P", 0),
            RowAction("Resume", tab.resume, lambda: bool(self.can_resume()), "Ctrl+P", 3),
            RowAction("Cancel", tab.cancel, lambda: bool(self.can_cancel()), "Del", 0),
            RowAction("Retry", tab.retry_chosen, lambda: bool(self.can_retry())),
        )
        self.toolbar = ListToolbar(self, theme, model, actions[:5], self._look, self._look_later)
        self.toolbar.grid(row=0, column=0, sticky="ew")
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
            icon=icon_of,
            steps=steps,
            sort_elsewhere=self._fill,
        )
        self.detail = DownloadDetail(
            self.split, theme, model, self._watch, tab.retry_chosen, tab.choose_folder
        )
        self.split.hold(self.table, self.detail)
        self.split.grid(row=1, column=0, sticky="nsew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self.table.on_choice(self._choice_changed)
        self.table.fold(self._is_open, self.toggle, self._rows.parent_key)
        tree = self.table.tree
        tree.bind("<Double-Button-1>", self._double_click)
        tree.bind("<Control-Up>", lambda _event: self._move_sash(-1))
        tree.bind("<Control-Down>", lambda _event: self._move_sash(1))
        tree.bind("<Alt-Up>", lambda _event: self._move_rows(-1))
        tree.bind("<Alt-Down>", lambda _event: self._move_rows(1))
        self.layout = ColumnLayout(
            tree,
            theme,
            settings.now.list_columns,
            lambda columns: settings.change(list_columns=columns),
        )
        RowDrag(self.table, theme, self._can_drop, self._drop)
        tree.bind("<Return>", lambda _event: tab.download_chosen())
        tree.bind("<Delete>", lambda _event: tab.cancel())
        more = (
            RowAction("Show or hide its files", self._fold_chosen, self._can_fold, "Right, Left"),
            RowAction("Earlier", lambda: self._move_rows(-1), self._can_move, "Alt+Up"),
            RowAction("Later", lambda: self._move_rows(1), self._can_move, "Alt+Down"),
            RowAction("Verify again", tab.verify, lambda: bool(self.to_verify())),
            RowAction("Open folder", tab.open_folder, lambda: True),
        )
        self.menu = RowMenu(self.table, theme, (*actions[1:], *more))
        self.show()

    def show(self) -> None:
        self._fill()
        self.table.say_empty(*self._emptiness())
        self._choice_changed()

    def put(self, download: str) -> None:
        """Show what has changed of a download, and of files that it brought."""
        self.table.look_again()
        if self._rows.are_stale(download):
            self._filled_with = None
        self._look_later()

    @property
    def chosen(self) -> list[str]:
        """What to ask a leecher for to get the selected rows."""
        return self._rows.to_ask(self.table.chosen)

    def _fill(self) -> None:
        """Show all rows, if they differ from those before."""
        view = ListView(self.toolbar.text, self.toolbar.row_filter, *self.table.sorting)
        now = self._model.list, view
        if now != self._filled_with:
            self._filled_with = now
            self.table.show_order(self._rows.fill(view), self._rows.row)
            self.everything = self._all_shown(view)

    def _all_shown(self, view: ListView) -> list[str]:
        """What the first button acts on."""
        if view.shown is not RowFilter.ALL:
            return self._rows.downloads(self.table.order)
        contents = self._model.list
        if view.wanted:
            return [file.key for file in contents.matching(view.wanted)]
        return contents.all_keys

    def show_only(self, shown: RowFilter) -> None:
        """What a press on a chip does."""
        self.toolbar.shown.set(shown.value)
        self._look()

    # What the buttons act on: the selected downloads, or all if none is selected

    def can_pause(self) -> list[str]:
        state_of = self._model.state_of
        return [name for name in self.can_cancel() if state_of(name) is not DownloadState.PAUSED]

    def can_resume(self) -> list[str]:
        return self._model.in_states(self._meant(), *_RESUMABLE)

    def can_retry(self) -> list[str]:
        return [name for name in self._meant() if self._model.problems_of(name)]

    def to_verify(self) -> dict[tuple[str, str], None]:
        """What of the selected rows can be read anew: downloads, and paths in them."""
        nodes = filter(None, map(self._rows.node, self.table.chosen))
        brought = dict.fromkeys(brought_by(node, self._model) for node in nodes)
        whole = {name for name, path in brought if not path}
        return {
            (name, path): None
            for name, path in brought
            if self._model.can_verify(name) and not (path and name in whole)
        }

    def can_cancel(self) -> list[str]:
        unfinished = set(self._model.unfinished)
        return [name for name in self._meant() if name in unfinished]

    def _meant(self) -> list[str]:
        """The selected downloads; if none is selected, all that the rows show."""
        if self.table.chosen:
            return self._rows.downloads(self.table.chosen)
        is_all = self.toolbar.row_filter is RowFilter.ALL
        return list(self._model.downloads) if is_all else self.everything

    def _can_download(self) -> bool:
        chosen = self.table.chosen
        return len(chosen) > COUNTED or bool(self._rows.to_ask(chosen))

    def _fit(self) -> None:
        is_still = not self._model.unfinished
        has_rows = bool(self.table.order)
        self.split.show_lower(is_shown=has_rows, is_small=is_still, least=self.detail.least)
        self.detail.fit()

    def _move_sash(self, steps: int) -> str:
        self.split.move(steps)
        return "break"

    def show_watched(self, event: Watched) -> None:
        self.detail.show_watched(event)
        self._fit()

    def _watch(self, download: str, path: str) -> None:
        if self._model.leecher is not None:
            self._model.leecher.watch(download, path)

    def _choice_changed(self) -> None:
        self._show_detail()
        self._update_buttons()

    def _all_is_possible(self) -> bool:
        if self.toolbar.row_filter is RowFilter.ALL:
            return bool(self.everything)
        return bool(self.toolbar.label_for(self.everything)[1])

    def _look_later(self) -> None:
        """Work that costs more than a row is done a little later, once for all that has come in
        the meantime.
        """
        if not self._looks_later:
            self._looks_later = True
            self.after(FLUSH_MS, self._look)

    def _look(self) -> None:
        self._looks_later = False
        self._fill()
        self._choice_changed()

    def _update_buttons(self) -> None:
        self._fit()
        self.toolbar.refresh(self.everything)

    @property
    def selected(self) -> ListRow | None:
        """The first of the selected rows."""
        return next(map(self._rows.row, self.table.chosen[:1]), None)

    def _show_detail(self) -> None:
        name = next(iter(self._rows.downloads(self.table.chosen[:1])), "")
        self.detail.show(self.selected, self._model.downloads.get(name))

    # The queue

    def put_queue(self) -> None:
        """Show the new places in the queue; the rows move only if they stand in its order."""
        self.table.look_again()
        if self.table.sorting[0] == QUEUE_COLUMN:
            self.show_anew()

    def show_anew(self) -> None:
        """What failed, or the order of the rows, has changed."""
        self._filled_with = None
        self._look_later()

    def _can_move(self) -> bool:
        return any(self._rows.movable(key) for key in self.table.chosen)

    def _move_rows(self, steps: int) -> str:
        """What Alt+Up and Alt+Down do: the selected downloads come earlier or later."""
        chosen = [key for key in self.table.chosen if self._rows.movable(key)]
        if chosen:
            self._put_in_order(chosen, lambda order, those: moved(order, those, steps))
        return "break"

    def _can_drop(self, dragged: str, target: str) -> bool:
        return self._rows.are_beside(dragged, target)

    def _drop(self, dragged: str, target: str, is_below: bool) -> None:
        to = self._rows.movable(target)
        chosen = [dragged, *self.table.chosen] if dragged in self.table.chosen else [dragged]
        if to is not None:
            self._put_in_order(
                chosen, lambda order, those: placed(order, those, to.name, is_below=is_below)
            )

    def _put_in_order(
        self, chosen: Sequence[str], change: Callable[[Sequence[str], set[str]], list[str]]
    ) -> None:
        """Change the order of what the chosen rows stand for, all in the folder of the first."""
        first = self._rows.movable(chosen[0])
        if first is None:
            return
        movable = filter(None, map(self._rows.movable, chosen))
        names = {part.name for part in movable if part.within == first.within}
        if first.within:
            order = self._rows.parts_beside(chosen[0])
            self._model.put_files_in_order(first.within, change(order, names))
        else:
            self._model.put_in_order(change(self._model.queue, names))
        self._filled_with = None
        self.table.sort_anew(QUEUE_COLUMN)
        self.table.see_key(chosen[0])

    def toggle(self, key: str) -> bool:
        """Open or close this row; False if it can do neither."""
        node = self._rows.node(key)
        if node is None or not node.opens:
            return False
        self._rows.toggle(node)
        self._filled_with = None
        self._fill()
        return True

    def _is_open(self, key: str) -> bool | None:
        node = self._rows.node(key)
        return self._rows.is_open(node) if node is not None and node.opens else None

    def _can_fold(self) -> bool:
        return any(self._is_open(key) is not None for key in self.table.chosen[:1])

    def _fold_chosen(self) -> None:
        for key in self.table.chosen[:1]:
            self.toggle(key)

    def _double_click(self, event: tk.Event[tk.Misc]) -> None:
        key = self.table.key_at(event.y)
        if key is None or self.table.is_sign(event.x, event.y):
            return
        if not self.toggle(key):
            self._tab.open_row()

    def _emptiness(self) -> tuple[str, str]:
        """What is shown in place of the rows."""
        if self._model.list_failed is not None:
            if isinstance(self._model.list_failed.reason, CodeRefusedError):
                return "This room is private", "Type its code above."
            return (
                "No list yet",
                "No tracker answers. Press “Change …” above to type the address of one, start one "
                "here, or press “Try it on this computer”.",
            )
        if self._model.listed is None:
            return "Asking the tracker …", ""
        return (
            "The tracker has no files yet",
            "Seed a folder here or on another computer: its files appear here by themselves.",
        )
