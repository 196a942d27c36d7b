"""The Log tab: what happens, in plain words, as it happens. The log file has more."""

from __future__ import annotations

import logging
import time
import tkinter as tk
from tkinter import ttk

from roles.program.log_file import line_of
from roles.program.problem_report import problem_report
from ui.about import version_line
from ui.window import desktop
from ui.window.notices import NoticeArea
from ui.window.tab_pages import Page
from ui.window.window_context import WindowContext

MAX_LINES = 2_000
TRIMMED_AT_ONCE = 200
FLUSH_MS = 200


class LogTab(Page):
    """Shows what is logged from INFO on, until close()."""

    def __init__(self, parent: tk.Misc, context: WindowContext) -> None:
        px = context.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._context = context
        self._waiting = list[tuple[str, str]]()  # tag and line
        self._last = ""
        self.notices = NoticeArea(self, context.theme, row=1)
        self.text = self._make_text()
        row = ttk.Frame(self)
        copy = ttk.Button(row, text="Copy report", underline=5, command=self.copy_report)
        copy.pack(side="left", padx=(0, px(8)))
        ttk.Button(row, text="Copy all", underline=0, command=self.copy_all).pack(side="left")
        folder = ttk.Button(row, text="Open log folder", underline=0, command=self.open_log_folder)
        folder.pack(side="left", padx=px(8))
        self._place = ttk.Label(
            row, text=str(context.settings.profile.log_file), style="Muted.TLabel"
        )
        self._place.pack(side="right")
        row.grid(row=0, column=0, sticky="ew")
        self.about = ttk.Label(self, text=f"This is {version_line()}.", style="Muted.TLabel")
        self.about.grid(row=3, column=0, sticky="w", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        self.after(FLUSH_MS, self._flush)
        self._handler = _ToWindow(self)
        logging.getLogger().addHandler(self._handler)
        context.theme.follow(self._recolour)

    def _make_text(self) -> tk.Text:
        px, theme = self._context.theme.px, self._context.theme
        frame = ttk.Frame(self)
        text = tk.Text(
            frame,
            font=theme.text_font,
            wrap="word",
            relief="flat",
            borderwidth=0,
            highlightthickness=1,
            padx=px(12),
            pady=px(8),
            spacing1=px(3),
            state="disabled",
            width=1,
            height=1,
        )
        bar = ttk.Scrollbar(frame, orient="vertical", command=text.yview)
        text.configure(yscrollcommand=bar.set)
        # So that text can be copied: a disabled text does not take the focus by itself.
        text.bind("<Button-1>", lambda _event: text.focus_set(), add="+")
        text.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        frame.rowconfigure(0, weight=1)
        frame.columnconfigure(0, weight=1)
        frame.grid(row=2, column=0, sticky="nsew", pady=(px(8), 0))
        return text

    def leave(self) -> bool:
        return self.notices.close_newest()

    def post(self, tag: str, line: str) -> None:
        self._context.pump.call(lambda: self._waiting.append((tag, line)))

    def copy_all(self) -> None:
        desktop.copy_text(self, self.text.get("1.0", "end-1c"))

    def copy_report(self) -> None:
        """What a bug report needs, without the name of the user."""
        context = self._context
        log_file, listening = context.settings.profile.log_file, context.roles.listening

        def take(text: str) -> None:
            desktop.copy_text(self, text)
            self.notices.say("The report is copied. Paste it where you report the problem.")

        def make() -> str:
            return problem_report(version_line(), log_file, listening, context.environment)

        context.pump.in_background(make, take)

    def open_log_folder(self) -> None:
        self._context.open_folder(self._context.settings.profile.log_file.parent, self.notices)

    def close(self) -> None:
        logging.getLogger().removeHandler(self._handler)

    def _flush(self) -> None:
        self.after(FLUSH_MS, self._flush)
        if not self._waiting:
            return
        lines, self._waiting = self._waiting[-MAX_LINES:], []
        at_end = self.text.yview()[1] >= 1.0
        self.text.configure(state="normal")
        for tag, line in lines:
            if line[9:] != self._last:  # not the same line again, apart from its time
                self.text.insert("end", line + "\n", tag)
            self._last = line[9:]
        count = int(self.text.index("end-1c").partition(".")[0]) - 1
        if count > MAX_LINES + TRIMMED_AT_ONCE:
            self.text.delete("1.0", f"{count - MAX_LINES + 1}.0")
        self.text.configure(state="disabled")
        if at_end:  # a user who has scrolled back wants to read on there
            self.text.see("end")

    def _recolour(self) -> None:
        colours = self._context.theme.colours
        self.text.configure(
            background=colours.card,
            foreground=colours.text,
            selectbackground=colours.accent,
            selectforeground=colours.on_accent,
            inactiveselectbackground=colours.accent,
            highlightbackground=colours.line,
            highlightcolor=colours.accent,
        )
        self.text.tag_configure("WARNING", foreground=colours.warning)
        self.text.tag_configure("ERROR", foreground=colours.bad)


class _ToWindow(logging.Handler):
    """Called in every thread that logs."""

    def __init__(self, tab: LogTab) -> None:
        super().__init__(logging.INFO)
        self._tab = tab

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        self._tab.post(record.levelname, f"{moment} {line_of(record)}")
