"""Below the list: what is known about the selected row, and the seeders that send it."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from roles.values.events import DownloadChanged
from roles.values.safe_names import shown_name
from ui.window.fields import Sentence
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import SOURCE_COLUMNS, folder_of, status_of
from ui.window.list_rows import ListRow, NodeKind, describe
from ui.window.table import Table
from ui.window.theme import Theme

HINT = "Select a file that is on its way to see what each seeder sends."


class DownloadDetail(ttk.Frame):
    """Takes no more room than it needs."""

    def __init__(self, parent: tk.Misc, theme: Theme, model: LeecherModel) -> None:
        super().__init__(parent)
        self._model = model
        self._sentence = Sentence(self)
        self.sources = Table(self, theme, SOURCE_COLUMNS, height=3, choose="none")
        self._sentence.grid(row=0, column=0, sticky="ew", pady=(0, theme.px(4)))
        self.sources.grid(row=1, column=0, sticky="ew")
        self.columnconfigure(0, weight=1)

    def show(self, row: ListRow | None, download: DownloadChanged | None) -> None:
        sources = download.sources if download is not None else ()
        self.sources.show({str(source.seeder): source for source in sources})
        self._sentence.say(self._text(row, download))

    def fit(self, *, has_rows: bool, has_room: bool) -> None:
        """Leave the room to the list while nothing is downloading, or if the window is low."""
        _show_if(self, has_rows)
        _show_if(self.sources, has_room and bool(self._model.unfinished))

    def _text(self, row: ListRow | None, download: DownloadChanged | None) -> str:
        if row is None or row.node.kind is NodeKind.MORE:
            return HINT
        if row.node.kind is NodeKind.PROBLEM:
            return str(row.download.failure or "") if row.download is not None else ""
        if download is None:
            return f"Nobody is sending {describe(self._model, row.node.asked)} now."
        called = describe(self._model, download.name)
        if download.files > 1 and not download.state.is_final:
            return f"{called}: {status_of(download)}"
        if download.sources:
            return f"{called} comes from"
        folder = folder_of(download)
        if folder is not None:
            return f"{called} is in {shown_name(str(folder))}"
        return f"Nobody is sending {called} now."


def _show_if(widget: ttk.Frame, is_shown: bool) -> None:
    if is_shown:
        widget.grid()
    else:
        widget.grid_remove()
