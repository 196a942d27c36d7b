"""The page “Check this computer”: one line for each check, and what to do."""

from __future__ import annotations

import sys
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from roles.values.events import RoleEvent, RoleStopped
from roles.values.findings import Finding
from roles.values.settings import CheckSettings
from ui.check_words import CheckWords, Outcome, check_words, summary
from ui.window import desktop
from ui.window.labels import Sentence
from ui.window.scrolled import ScrolledFrame
from ui.window.tab_pages import Page
from ui.window.window_context import WindowContext

ICONS = {Outcome.GOOD: "done", Outcome.NOTE: "note", Outcome.FAILED: "failed"}
TONES = {Outcome.GOOD: "Good", Outcome.NOTE: "Plain", Outcome.FAILED: "Bad"}
WAITING = "Checking the network, the ports, the disk and the clock …"


class CheckPage(Page):
    def __init__(
        self, parent: tk.Misc, context: WindowContext, settings: Callable[[], CheckSettings | None]
    ) -> None:
        """`settings`: what to check now; None if a field of the window cannot be used."""
        px = context.theme.px
        super().__init__(parent, padding=(px(16), px(16)))
        self._context = context
        self._settings = settings
        self.lines = list[CheckWords]()
        self.is_running = False
        head = ttk.Frame(self)
        ttk.Label(head, text="Check this computer", style="Title.TLabel").grid(sticky="w")
        self.sentence = Sentence(head)
        self.sentence.grid(row=1, column=0, sticky="ew", pady=(px(4), 0))
        self.again = ttk.Button(
            head, text="Check again", underline=6, style="Accent.TButton", command=self.check
        )
        self.copy = ttk.Button(head, text="Copy report", underline=0, command=self._copy)
        self.again.grid(row=0, column=1, rowspan=2, sticky="ne", padx=(px(16), px(8)))
        self.copy.grid(row=0, column=2, rowspan=2, sticky="ne")
        head.columnconfigure(0, weight=1)
        head.grid(row=0, column=0, sticky="ew")
        self._scrolled = ScrolledFrame(self, context.theme)
        self._scrolled.grid(row=1, column=0, sticky="nsew", pady=(px(16), 0))
        self.rows = self._scrolled.inside
        self.rows.columnconfigure(2, weight=1)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)

    def check(self) -> None:
        """Begin, unless it is under way."""
        settings = None if self.is_running else self._settings()
        if settings is None:
            return
        from roles.checker import Checker  # not before the window is painted

        self.is_running = True
        self.lines.clear()
        for widget in self.rows.winfo_children():
            widget.destroy()
        self.again.state(["disabled"])
        self.copy.state(["disabled"])
        self.sentence.say(WAITING, tone="Muted")
        self._context.roles.start(lambda post: Checker(settings, post), self._take)

    def _take(self, event: RoleEvent) -> None:
        if isinstance(event, Finding):
            self._add(check_words(event, sys.platform))
        elif isinstance(event, RoleStopped):
            self.is_running = False
            self.again.state(["!disabled"])
            self.copy.state(["!disabled"])
            if event.failure is not None:
                self.sentence.say(str(event.failure), tone="Bad")
            else:
                failed = any(line.outcome is Outcome.FAILED for line in self.lines)
                self.sentence.say(summary(self.lines), tone="Bad" if failed else "Good")

    def _add(self, line: CheckWords) -> None:
        px, row = self._context.theme.px, 2 * len(self.lines)
        self.lines.append(line)
        icon = ttk.Label(self.rows)
        self._context.theme.show_picture(icon, ICONS[line.outcome], 16)
        title = ttk.Label(self.rows, text=line.title, style="Strong.TLabel")
        text = Sentence(self.rows)
        icon.grid(row=row, column=0, sticky="n", pady=(px(10), 0))
        title.grid(row=row, column=1, sticky="nw", padx=(px(8), px(16)), pady=(px(8), 0))
        text.grid(row=row, column=2, sticky="ew", pady=(px(8), 0))
        text.say(line.text, tone=TONES[line.outcome])
        if line.remedy:
            remedy = Sentence(self.rows)
            remedy.grid(row=row + 1, column=2, sticky="ew", pady=(px(2), 0))
            remedy.say(line.remedy, tone="Muted")

    def _copy(self) -> None:
        report = [
            f"{line.outcome.value:6}  {line.title}: {line.text} {line.remedy}".rstrip()
            for line in self.lines
        ]
        desktop.copy_text(self, "\n".join([*report, summary(self.lines)]))
