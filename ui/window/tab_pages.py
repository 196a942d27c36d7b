"""The notebook: a page for each tab from the beginning; the tab on it is made when it is needed.

The window is painted with only the first tab. It knows no roles.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk

from ui.window.keyboard import first_control
from ui.window.theme import Theme

_PICTURES = {
    "Start": "home",
    "Tracker": "room",
    "Seeder": "up",
    "Leecher": "down",
    "Log": "log",
    "Settings": "settings",
    "Check": "done",
}


class Page(ttk.Frame):
    """What is on a tab, and what the keys of the window do there."""

    def take_focus(self) -> None:
        """What happens when its tab comes to the front."""
        first = first_control(self)
        if first is not None:
            first.focus_set()

    def leave(self) -> bool:
        """What Escape does; False if nothing was open."""
        return False

    def ask_for_folder(self) -> None:
        """What Ctrl+O does."""


class TabPages(ttk.Notebook):
    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        tabs: Mapping[str, Callable[[], Page]],
        *,
        first: Mapping[str, Callable[[], Page]],
        passing: Mapping[str, Callable[[], Page]],
    ) -> None:
        """Each makes its tab at the first call, on the page of its name. From show() to hide(),
        `first` has a tab before all others; until another one is chosen, `passing` has one behind.
        """
        super().__init__(parent)
        self._theme = theme
        self._pictures: dict[str, tk.PhotoImage] = {}  # by the names of tabs
        self._names = tuple(tabs)
        self._first, self._passing = tuple(first), tuple(passing)
        self._tabs = {**tabs, **first, **passing}
        self._pages = {name: ttk.Frame(self) for name in self._tabs}
        for name, page in self._pages.items():
            page.rowconfigure(0, weight=1)
            page.columnconfigure(0, weight=1)
            if name in tabs:
                self.add(page, text=name, underline=2 if name == "Log" else 0)
        self.enable_traversal()
        self.bind("<<NotebookTabChanged>>", lambda _event: self._changed())
        theme.follow(self._show_pictures)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tabs that are always there."""
        return self._names

    def page(self, name: str) -> ttk.Frame:
        """The parent of that tab."""
        return self._pages[name]

    def show(self, name: str) -> None:
        self.made(name)
        if not self.is_there(name):
            self.insert(0 if name in self._first else "end", self._pages[name], text=name)
            self._show_pictures()
        self.tk.call(str(self), "select", str(self._pages[name]))

    def _show_pictures(self) -> None:
        """Beside the names, with some room between."""
        for name, picture in _PICTURES.items():
            if name in self._pages and self.is_there(name):
                drawn = self._theme.picture(picture)
                size = drawn.width()
                wider = tk.PhotoImage(master=self, width=size + self._theme.px(8), height=size)
                wider.tk.call(str(wider), "copy", str(drawn))
                self._pictures[name] = wider  # Tk forgets it otherwise
                self.tk.call(
                    *(str(self), "tab", str(self._pages[name])),
                    *("-image", str(wider), "-compound", "left"),
                )

    def made(self, name: str) -> Page:
        """The tab of that name, on its page."""
        tab = self._tabs[name]()
        if not tab.winfo_manager():
            tab.grid(sticky="nsew")
        return tab

    def is_there(self, name: str) -> bool:
        return str(self._pages[name]) in self.tk.splitlist(self.tk.call(str(self), "tabs"))

    def hide(self, name: str) -> None:
        """Take the tab away; another one comes to the front."""
        if self.is_there(name):
            self.forget(self._pages[name])

    def hide_passing(self) -> bool:
        """Take the tab in front away if it is one that passes; False if it stays."""
        name = self._name_in_front
        if name in self._passing:
            self.hide(name)
        return name in self._passing

    @property
    def in_front(self) -> Page:
        return self.made(self._name_in_front)

    @property
    def _name_in_front(self) -> str:
        current = str(self.tk.call(str(self), "select"))
        return next(name for name, page in self._pages.items() if str(page) == current)

    def _changed(self) -> None:
        """Another tab has come to the front."""
        for name in self._passing:
            if name != self._name_in_front:
                self.hide(name)
        self.in_front.take_focus()

    def make_all(self) -> None:
        for name in self._names:
            self.made(name)
