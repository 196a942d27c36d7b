"""Fields that show what is wrong, or what empty means."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import TypeVar

from roles.program.user_folders import folder_named, pasted_path
from roles.values.errors import StorageError, UserInputError
from ui.window.folder_dialog import AskFolder, FolderDialog
from ui.window.theme import Theme

LEAST_WRAP = 160  # in a narrower field, a sentence would have one word per line

T = TypeVar("T")


class TextField(ttk.Frame):
    """An entry, and below it, only when needed, what is wrong."""

    entry: ttk.Entry

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        text: str | tk.StringVar,
        commit: Callable[[], object],
        *,
        placeholder: str = "",
        width: int = 20,
        most: int = 0,
    ) -> None:
        """`commit` is called when the user is done: Enter, or the focus goes elsewhere.

        With `most`, it is a number from 1 on that can also be stepped.
        """
        super().__init__(parent)
        self.variable = text if isinstance(text, tk.StringVar) else tk.StringVar(self, text)
        self.complained: Callable[[], None] = lambda: None  # called when something is wrong
        self.commit = commit
        self._most = most
        self.entry = self._make_entry(theme, width)
        self.entry.grid(row=0, column=0, sticky="ew")
        self.columnconfigure(0, weight=1)
        self._problem = ttk.Label(self, style="Bad.TLabel")
        self._placeholder = ttk.Label(
            self, text=placeholder, style="Muted.Card.TLabel", cursor="xterm"
        )
        self._placeholder_x = theme.px(8)
        self._placeholder.bind("<Button-1>", lambda _event: self.entry.focus_set())
        self.variable.trace_add("write", lambda *_: self._text_changed())
        least = theme.px(LEAST_WRAP)
        self.bind(
            "<Configure>",
            lambda event: self._problem.configure(wraplength=max(event.width, least)),
        )
        self.entry.bind("<Return>", lambda _event: commit())
        self.entry.bind("<FocusOut>", lambda _event: commit())
        self._show_placeholder()

    def _make_entry(self, _theme: Theme, width: int) -> ttk.Entry:
        if not self._most:
            return ttk.Entry(self, textvariable=self.variable, width=width)
        return ttk.Spinbox(
            self,
            textvariable=self.variable,
            from_=1,
            to=self._most,
            width=len(str(self._most)) + 2,
            command=self.commit,
        )

    def read(self, parse: Callable[[str], T]) -> T | None:
        """The parsed text; None if it cannot be used, and then the field says why."""
        try:
            value = parse(self.variable.get())
        except (UserInputError, StorageError) as error:
            self.complain(str(error))
            return None
        self.complain("")
        return value

    def complain(self, sentence: str) -> None:
        """Show what is wrong; "" for nothing."""
        if sentence == self.problem:
            return
        self._problem.configure(text=sentence)
        if sentence:
            self._problem.grid(row=1, column=0, sticky="w")
            self.complained()
        else:
            self._problem.grid_remove()

    @property
    def problem(self) -> str:
        return str(self._problem.cget("text"))

    def say_empty(self, sentence: str) -> None:
        self._placeholder.configure(text=sentence)

    def _text_changed(self) -> None:
        self._show_placeholder()

    def _show_placeholder(self) -> None:
        if self.variable.get():
            self._placeholder.place_forget()
        else:
            self._placeholder.place(in_=self.entry, x=self._placeholder_x, rely=0.5, anchor="w")


class ChoiceField(TextField):
    """A value that is typed, or chosen from a drop-down list."""

    def _make_entry(self, theme: Theme, width: int) -> ttk.Combobox:
        entry = ttk.Combobox(self, textvariable=self.variable, width=width)
        entry.bind("<<ComboboxSelected>>", lambda _event: self._chosen())

        def recolour() -> None:
            """The drop-down list is no ttk widget, and tkinter has no name for it."""
            colours = theme.colours
            popdown = self.tk.call("ttk::combobox::PopdownWindow", str(entry))
            self.tk.call(
                f"{popdown}.f.l",
                "configure",
                *("-background", colours.card, "-foreground", colours.text),
                *("-selectbackground", colours.accent, "-selectforeground", colours.on_accent),
            )

        theme.follow(recolour)
        return entry

    def offer(self, lines: Sequence[str]) -> None:
        self.entry.configure(values=lines)  # type: ignore[call-overload]

    def _chosen(self) -> None:
        self.commit()


class FolderField(ChoiceField):
    """A folder: typed, pasted, one of the recent ones, or chosen in a dialog."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        text: tk.StringVar,
        commit: Callable[[], object],
        *,
        title: str,
        placeholder: str = "",
    ) -> None:
        super().__init__(parent, theme, text, commit, placeholder=placeholder)
        self._title = title
        self.ask_folder: AskFolder = FolderDialog(self).ask  # tests put the user's answer here

    def choose(self, then: Callable[[], None] = lambda: None) -> None:
        """Let the user choose in the system's dialog, and call `then` if there is a choice."""

        def take(folder: str) -> None:
            if folder:
                self.variable.set(folder)
                self.commit()
            self.entry.focus_set()
            if folder:
                then()

        self.ask_folder(self._title, self._where_to_begin(), take)

    @property
    def folder(self) -> str:
        """The folder in the field, cleaned of what pasting added."""
        try:
            return pasted_path(self.variable.get())
        except UserInputError:  # left as it is: read() says what is wrong
            return self.variable.get().strip()

    def _where_to_begin(self) -> str:
        try:
            return str(folder_named(self.variable.get()))
        except (UserInputError, StorageError):
            return ""
