"""The fields of the Seeder tab and its one button. It starts nothing."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values.settings import MAX_SLOTS
from roles.values.typed_settings import parse_port, parse_slots
from ui.toned_text import TonedText
from ui.window.code_row import CodeRow
from ui.window.fields import FolderField, TextField
from ui.window.keyboard import tab_in_order
from ui.window.labels import Sentence
from ui.window.running_roles import RunState
from ui.window.seeder_run import SeederRun
from ui.window.setting_field import limit_field, setting_box, setting_field
from ui.window.tracker_field import TrackerField
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.seeder_tab import SeederTab


class SeederForm(ttk.Frame):
    def __init__(self, tab: SeederTab, context: WindowContext) -> None:
        super().__init__(tab)
        px, theme, settings = context.theme.px, context.theme, context.settings.now
        self._context = context
        self.folder = FolderField(
            self,
            theme,
            context.settings.variable("shared_folder"),
            tab.folder_chosen,
            title="Which folder to seed",
            placeholder="the folder that others may copy from",
        )
        self.folder.offer(settings.recent_folders)
        self.folder.variable.trace_add("write", lambda *_: tab.folder_typed())
        line = ttk.Frame(self)
        self.tracker = TrackerField(line, theme, context.trackers, self._check_tracker)
        beside = ttk.Frame(line)
        choose = ttk.Button(self, text="Choose …", underline=1, command=self.folder.choose)
        gap, above = (0, px(8)), (px(8), 0)
        ttk.Label(self, text="Folder").grid(row=0, column=0, sticky="nw", padx=gap, pady=px(7))
        self.folder.grid(row=0, column=1, sticky="new")
        choose.grid(row=0, column=2, sticky="new", padx=(px(8), 0))
        label = ttk.Label(self, text="Tracker")
        label.grid(row=1, column=0, sticky="nw", padx=gap, pady=(px(15), px(7)))
        self.tracker.grid(row=0, column=0, sticky="new")
        beside.grid(row=0, column=1, sticky="ne", padx=above, pady=px(5))
        line.columnconfigure(0, weight=1)
        line.grid(row=1, column=1, columnspan=2, sticky="ew", pady=above)
        self.code = CodeRow(self, context, beside, row=2, column=1, columnspan=2, pady=above)
        bottom = self._make_bottom(context, tab)
        bottom.grid(row=3, column=0, columnspan=3, sticky="ew", pady=above)
        tab_in_order(self.folder, choose, line, self.code, bottom)
        self.columnconfigure(1, weight=1)

    def _make_bottom(self, context: WindowContext, tab: SeederTab) -> ttk.Frame:
        px = context.theme.px
        row = ttk.Frame(self)
        self.button = ttk.Button(row, style="Accent.TButton", command=tab.start_or_stop)
        self.button.grid(row=0, column=0, sticky="nw")
        self.sentence, self._progress = Sentence(row), Sentence(row)
        self._warning = Sentence(row, tone="Warning")
        for number, line in enumerate((self.sentence, self._progress, self._warning), 1):
            line.grid(row=number, column=0, columnspan=3, sticky="ew", pady=(px(6), 0))
        options = ttk.Frame(row)
        options.grid(row=0, column=2, sticky="ne")
        self.limit = limit_field(options, context, "up")
        self.port = setting_field(TextField, options, context, "seeder_port", parse_port, width=6)
        self.slots = setting_field(
            TextField, options, context, "slots", parse_slots, most=MAX_SLOTS
        )
        fields = (("Upload limit", self.limit), ("Port", self.port), ("Upload slots", self.slots))
        for column, (text, field) in enumerate(fields):
            label = ttk.Label(options, text=text, style="Muted.TLabel")
            label.grid(row=0, column=2 * column, sticky="n", padx=(px(12), px(8)), pady=px(7))
            field.grid(row=0, column=2 * column + 1, sticky="n")
        may_browse = context.settings.switch("door")
        boxes = ttk.Frame(options)
        boxes.grid(row=1, column=0, columnspan=2 * len(fields), sticky="e", pady=(px(6), 0))
        door = setting_box(boxes, context, "door", "Browsers may fetch from here")
        door.pack(side="left")
        torrent = setting_box(boxes, context, "torrent", "Make a torrent, too")
        torrent.pack(side="left", padx=(px(12), 0))

        def allow(*_: object) -> None:
            is_private = context.codes.is_private(context.codes.tracker)
            door.state(["disabled" if is_private else "!disabled"])
            may_torrent = may_browse.get() and not is_private
            torrent.state(["!disabled" if may_torrent else "disabled"])

        may_browse.trace_add("write", allow)
        context.codes.follow(allow)
        row.columnconfigure(1, weight=1)
        tab_in_order(self.button, options)
        tab_in_order(self.limit, self.port, self.slots, boxes)
        return row

    def show_run(self, run: SeederRun | None, *, is_adding: bool) -> None:
        """Show the state of the fields' seeder, and what the button does now: blue never stops."""
        state = RunState.STOPPED if run is None else run.state
        if is_adding:
            self.button.configure(text="Add this folder", underline=0)
        else:
            verb = "Stop" if state.is_up else "Start"
            self.button.configure(text=f"{verb} seeding", underline=len(verb) + 3)
        is_stop = state.is_up and not is_adding
        self.button.configure(style="TButton" if is_stop else "Accent.TButton")
        self.button.state(["disabled" if state is RunState.STOPPING else "!disabled"])
        sentence, tone = run.sentence() if run is not None else TonedText("", "Muted")
        offers = run.offers() if run is not None and state is RunState.RUNNING else ""
        if offers:
            sentence = f"{sentence}\n{offers}"
        self.sentence.say(sentence, tone=tone)
        self._progress.say(run.progress() if run is not None else "")
        self._warning.say(run.warning() if run is not None else "")

    def read_options(self) -> tuple[int, int] | None:
        """Port and slots, which are also kept; None if one cannot be used, which its field says."""
        for field in (self.port, self.slots):
            field.commit()
        if self.port.problem or self.slots.problem:
            return None
        return self._context.settings.now.seeder_port, self._context.settings.now.slots

    def _check_tracker(self) -> None:
        if self.tracker.read(self._context.trackers.parse) is not None:
            self._context.trackers.keep()
