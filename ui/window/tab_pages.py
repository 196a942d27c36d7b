"""The notebook: a page for each tab from the beginning; the tab on it is made when it is needed.

The window is painted with only the first tab. It knows no roles.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk


class TabPages(ttk.Notebook):
    """`tabs` makes each tab at the first call, on the page of its name."""

    def __init__(self, parent: tk.Misc, tabs: Mapping[str, Callable[[], ttk.Frame]]) -> None:
        super().__init__(parent)
        self._tabs = tabs
        self._pages = {name: ttk.Frame(self) for name in tabs}
        for name, page in self._pages.items():
            page.rowconfigure(0, weight=1)
            page.columnconfigure(0, weight=1)
            self.add(page, text=name, underline=2 if name == "Log" else 0)
        self.enable_traversal()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tabs)

    def page(self, name: str) -> ttk.Frame:
        """The frame for that tab, at row 0 and column 0."""
        return self._pages[name]

    def show(self, name: str) -> None:
        self._tabs[name]()
        self.tk.call(str(self), "select", str(self._pages[name]))

    @property
    def in_front(self) -> ttk.Frame:
        current = str(self.tk.call(str(self), "select"))
        name = next(name for name, page in self._pages.items() if str(page) == current)
        return self._tabs[name]()

    def make_all(self) -> None:
        for make in self._tabs.values():
            make()
