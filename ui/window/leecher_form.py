"""The top of the Leecher tab, from where and to where, and how to download. It starts nothing."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

from roles.program.user_folders import default_download_folder, download_folder, home_folder
from roles.values import figures
from roles.values.errors import LmkError, UserInputError
from roles.values.safe_names import shown_name
from roles.values.settings import MAX_PARALLEL_SEEDERS, LeecherSettings
from ui.window.code_row import CodeRow
from ui.window.fields import FolderField, TextField
from ui.window.folded_field import CAPTION, FoldedField
from ui.window.keyboard import tab_in_order
from ui.window.labels import Sentence
from ui.window.setting_field import limit_field, setting_box
from ui.window.tracker_field import TrackerField
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.leecher_tab import LeecherTab

LONG = 400  # characters of a path


class LeecherForm(ttk.Frame):
    """The top of the tab; `options` is a row for below the list."""

    def __init__(self, tab: LeecherTab, context: WindowContext) -> None:
        super().__init__(tab)
        px, theme = context.theme.px, context.theme
        usual = _usual_folder()
        self._trackers, self._codes = context.trackers, context.codes
        self._news = ""  # what the tracker said last
        self._free: int | None = None  # bytes for downloads; None: not known
        self.keep_seeding = context.settings.switch("keep_seeding")

        self.from_line = FoldedField(self, theme, "From", underline=3)
        self.tracker = TrackerField(self.from_line, theme, context.trackers, tab.use_fields)
        self.tracker.entry.bind("<Return>", lambda _event: tab.refresh())
        self.from_line.hold(self.tracker, is_settled=lambda: not context.trackers.advice)
        self.from_line.link("Refresh", tab.refresh, underline=0)

        self.to_line = FoldedField(self, theme, "To", underline=5)
        self.folder = FolderField(
            self.to_line,
            theme,
            context.settings.variable("download_folder"),
            tab.use_fields,
            title="Where to save what you download",
            placeholder=usual or "where to save what you download",
        )
        self.folder.offer((usual,) if usual else ())
        self.to_line.hold(self.folder)
        self.to_line.link("Choose …", self.folder.choose, underline=1, is_beside=True)
        self.to_line.link("Open", tab.open_folder, underline=0)

        self.code = CodeRow(
            self, context, self.from_line.beside, row=1, column=0, padx=(px(CAPTION), 0)
        )
        self.tracker_said = Sentence(self)
        self.from_line.grid(row=0, column=0, sticky="ew")
        self.tracker_said.grid(row=2, column=0, sticky="ew", padx=(px(CAPTION), 0), pady=(0, px(4)))
        self.tracker_said.say("")
        self.to_line.grid(row=3, column=0, sticky="ew")
        tab_in_order(self.from_line, self.code, self.to_line)
        self.columnconfigure(0, weight=1)
        self.options = self._make_options(tab, context)
        context.trackers.follow(self._show_from)
        self.tracker.variable.trace_add("write", lambda *_: self._show_from())
        self.folder.variable.trace_add("write", lambda *_: self._show_to())
        self._show_to()

    def fill_in(self, settings: LeecherSettings) -> None:
        """Show what is in use instead of what was typed."""
        self._trackers.use_for_now(settings.tracker)
        self.folder.variable.set(str(settings.folder))
        self.parallel.variable.set(str(settings.parallel_seeders))

    def say_news(self, news: str) -> None:
        """What the tracker said last, or is asked now, in a few words."""
        self._news = news
        self._show_from()

    def say_free_space(self, free: int | None) -> None:
        """How many bytes are free for downloads; None where that is not known."""
        self._free = free
        self._show_to()

    def _show_from(self) -> None:
        name, known = self._trackers.in_words
        if self._news and self._codes.is_private(self._codes.tracker):
            known = ""  # the lock takes its place
        self.from_line.say(name, " · ".join(part for part in (known, self._news) if part))
        if self._trackers.advice:
            self.from_line.unfold(take_focus=False)
        elif not self.from_line.has_focus:
            self.from_line.fold()

    def _show_to(self) -> None:
        free = "" if self._free is None else f"{figures.size(max(0, self._free))} free"
        self.to_line.say(_shown_folder(self.folder.variable.get()), free)

    def _make_options(self, tab: LeecherTab, context: WindowContext) -> ttk.Frame:
        px, theme = context.theme.px, context.theme
        options = ttk.Frame(tab)
        text = "Keep seeding what I download"
        keep = setting_box(options, context, "keep_seeding", text, tab.keep_seeding_changed)
        keep.configure(underline=0)
        self.limit = limit = limit_field(options, context, "down")
        parallel = context.settings.variable("parallel_seeders")
        self.parallel = TextField(
            options, theme, parallel, tab.use_fields, most=MAX_PARALLEL_SEEDERS
        )
        keep.pack(side="left")
        fields = (("Sources per file", self.parallel), ("Download limit", limit))
        for text, field in fields:
            field.pack(side="right", padx=(0, px(12) if field is limit else 0))
            label = ttk.Label(options, text=text, style="Muted.TLabel")
            label.pack(side="right", padx=px(8))
        tab_in_order(keep, limit, self.parallel)
        return options


def _usual_folder() -> str:
    """What an empty field means; "" for a user without a home folder, who must name one."""
    try:
        return str(default_download_folder())
    except UserInputError:
        return ""


def _shown_folder(typed: str) -> str:
    """The folder that is meant, as short as it can be said."""
    try:
        folder = download_folder(typed)
    except LmkError:
        return shown_name(typed, LONG)
    home = home_folder()
    if home is not None and home in folder.parents:
        return shown_name(f"~/{folder.relative_to(home)}", LONG)
    return shown_name(str(folder), LONG)
