"""The row above the list: buttons, the chips that choose rows, and the field that finds files."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from roles.values import figures
from roles.values.events import DownloadState
from ui.file_list import is_folder
from ui.window.download_start import missing
from ui.window.fields import TextField
from ui.window.layout import ButtonRow, switch
from ui.window.leecher_model import LeecherModel
from ui.window.list_order import RowFilter
from ui.window.row_menu import RowAction
from ui.window.theme import Theme

COUNTED = 2_000  # files whose states are looked at, each time that one has changed
_FIND_WIDTH = 16  # letters


class ListToolbar(ButtonRow):
    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        model: LeecherModel,
        actions: Sequence[RowAction],
        look: Callable[[], None],
        look_later: Callable[[], None],
    ) -> None:
        """The first of the actions acts on all rows; its label changes with them. `look` is called
        when other rows are to be shown, `look_later` with each letter that is typed.
        """
        super().__init__(parent, theme)
        self._theme = theme
        self._model = model
        self.wanted = tk.StringVar(self)
        self.shown = tk.StringVar(self, RowFilter.ALL.value)
        self.buttons = dict[RowAction, ttk.Button]()
        px = theme.px
        for action in actions:
            button = ttk.Button(
                self.left,
                text=action.label,
                underline=action.underline,
                command=action.act,
                style="TButton" if self.buttons else "Accent.TButton",
            )
            gap = 24 if action.label == "Pause" else 8  # those before it start downloads
            button.pack(side="left", padx=(px(gap) if self.buttons else 0, 0))
            self.buttons[action] = button
        texts = dict.fromkeys((shown.value for shown in RowFilter), "")
        self.chips = switch(self.right, theme, self.shown, texts, look)
        self.finder = TextField(
            self.right, theme, self.wanted, look, placeholder="Find a file", width=_FIND_WIDTH
        )
        self.finder.pack(side="right", padx=(px(8), 0))
        self.wanted.trace_add("write", lambda *_: look_later())

    @property
    def row_filter(self) -> RowFilter:
        """Which chip is pressed."""
        return RowFilter(self.shown.get())

    @property
    def text(self) -> str:
        """What names must contain."""
        return self.wanted.get().strip()

    def refresh(self, everything: Sequence[str]) -> None:
        """Show what can be done now. `everything` is what the first button acts on."""
        self._count_chips()
        first, *_ = self.buttons.values()
        label, much = self.label_for(everything)
        first.configure(
            text=f"{label}, {much}" if much else label,
            underline=label.index(" all") + 1,
            style="Accent.TButton" if much else "TButton",
        )
        for action, button in self.buttons.items():
            button.state(["!disabled" if action.is_possible() else "disabled"])

    def label_for(self, everything: Sequence[str]) -> tuple[str, str]:
        """What the first button does, and to how much; "" for nothing that is not here yet."""
        match self.row_filter:
            case RowFilter.DOWNLOADING:
                paused = len(self._model.in_states(everything, DownloadState.PAUSED))
                return "Resume all", figures.count(paused, "download") if paused else ""
            case RowFilter.PROBLEMS:
                problems = sum(map(self._model.problems_of, everything))
                return "Retry all", figures.count(problems, "problem") if problems else ""
            case RowFilter.ALL:
                return "Download all", self._much(everything)

    def _much(self, everything: Sequence[str]) -> str:
        if len(everything) <= COUNTED:
            names = missing(self._model, everything)
            number, folders = len(names), sum(map(is_folder, names))
        else:
            number = len(everything)
            folders = 0 if self.text else len(self._model.list.folders)
        parts = ((folders, "folder"), (number - folders, "file"))
        return " and ".join(figures.count(number, noun) for number, noun in parts if number)

    def _count_chips(self) -> None:
        model = self._model
        counts = {
            RowFilter.ALL: ("All", len(model.list.files)),
            RowFilter.DOWNLOADING: ("Downloading", len(model.unfinished)),
            RowFilter.PROBLEMS: ("Problems", model.problem_count),
        }
        for shown, (label, number) in counts.items():
            text = f"{label} {number:,}" if number else label
            chip = self.chips[shown.value]
            if chip["text"] != text:
                chip.configure(text=text, width=self._theme.letters(text))
