"""The window: three roles and a log, each in its tab, and any of them beside the others.

It connects the tabs and ends the roles; the tabs decide what they show.
"""

from __future__ import annotations

import logging
import os
import time
import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from tkinter import ttk
from types import TracebackType
from typing import TYPE_CHECKING

from roles.program.profile import Profile, bundled_folder
from roles.values.addresses import Address
from roles.values.settings import Appearance
from roles.worker import failure_of
from ui import wording
from ui.window import keyboard, window_place
from ui.window.event_pump import EventPump
from ui.window.leecher_tab import LeecherTab
from ui.window.limit_field import throttles_of
from ui.window.log_tab import LogTab
from ui.window.notices import Choice, NoticeArea
from ui.window.running_roles import RunningRoles
from ui.window.settings_keeper import SettingsKeeper
from ui.window.status_line import StatusLine, health
from ui.window.system_look import is_system_dark
from ui.window.tab_pages import TabPages
from ui.window.theme import Theme
from ui.window.tracker_choice import MakeDiscovery, TrackerChoice
from ui.window.workbench import Workbench

if TYPE_CHECKING:
    from ui.window.seeder_tab import SeederTab
    from ui.window.tracker_tab import TrackerTab

log = logging.getLogger(__name__)

TITLE = "LMKtorrent"
STATUS_MS = 500
SYSTEM_LOOK_MS = 10_000  # how often the system is asked whether its theme is dark
STOP_LIMIT_S = 2.0
STOP_POLL_MS = 20
AFTER_TAB_MS = 50
PROJECTOR_ZOOM = 1.6  # of texts and tiles in full screen,
PROJECTOR_WIDTH = 800  # less if the screen is not that times as wide as this, in pixels at 96 dpi


class AppWindow(tk.Tk):
    """Runs at most one tracker, one leecher, and any number of seeders."""

    def __init__(
        self,
        profile: Profile,
        *,
        folder_to_seed: Path | None = None,
        notices: Sequence[str] = (),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """No role runs before begin()."""
        super().__init__(className=TITLE)
        self.title(TITLE)
        self._bench = self._make_bench(profile, environment)
        self._is_closing = False
        self.is_interrupted = False
        self.is_full_screen = False
        self._stop_by = 0.0
        self._make_tabs()
        self._make_lines_below()
        window_place.restore(self, self._bench.theme, self._bench.settings.now.window)
        self._icon = window_place.set_icon(self, "icon-64.png")
        self._bind_keys()
        self.protocol("WM_DELETE_WINDOW", self.close)
        self.after(STATUS_MS, self._show_status)
        self.after(0, self._look_at_system)
        for notice in (*notices, self._bench.settings.notice):
            if notice:
                self._warn(notice)
        self.tabs.show("Leecher")
        if folder_to_seed is not None:
            self.seeder.fill_in(folder_to_seed)
            self.tabs.show("Seeder")

    def begin(self, *, try_it: bool = False, discover: MakeDiscovery | None = None) -> None:
        """Start what needs no decision of the user: the list, and the search for trackers.

        `discover` makes the role that searches; None for no search.
        """
        if self._is_closing:
            return
        self.tabs.make_all()
        self.leecher.use_fields()
        if try_it:
            self.try_it()
        trackers = self._bench.trackers
        if discover is not None and trackers.may_search:
            self._bench.roles.start(lambda post: discover(post, trackers.remembered), trackers.take)

    def _make_bench(self, profile: Profile, environment: Mapping[str, str]) -> Workbench:
        pump = EventPump(self)
        settings = SettingsKeeper(profile, pump, lambda sentence: self._warn(sentence, "settings"))
        theme = Theme(self, is_dark=settings.now.appearance == Appearance.DARK.value)
        typed = tk.StringVar(self, settings.now.tracker)
        trackers = TrackerChoice(typed, environment, settings)
        roles = RunningRoles(pump, throttles_of(settings.now), self._warn)
        return Workbench(pump, theme, roles, settings, environment, trackers)

    def _make_tabs(self) -> None:
        bench = self._bench
        self.tabs = TabPages(
            self,
            {
                "Tracker": lambda: self.tracker,
                "Seeder": lambda: self.seeder,
                "Leecher": lambda: self.leecher,
                "Log": lambda: self.log,
            },
        )
        steps = (
            Choice("Try it on this computer", self.try_it),
            Choice("Start a tracker", self._start_tracker),
            Choice("Seed a folder", lambda: self.tabs.show("Seeder")),
        )
        self.leecher = LeecherTab(
            self.tabs.page("Leecher"), bench, steps, lambda *where: self.seeder.seed(*where)
        )
        self.log = LogTab(self.tabs.page("Log"), bench)  # shows what is logged from now on
        for tab in (self.leecher, self.log):
            tab.grid(sticky="nsew")
        self.tabs.bind("<<NotebookTabChanged>>", lambda _event: self._tab_changed())

    @cached_property
    def tracker(self) -> TrackerTab:
        from ui.window.tracker_tab import Around, TrackerTab

        around = Around(
            files_changed=self.leecher.tracker_changed,
            failed=self._say_failed,
            full_screen=self.toggle_full_screen,
            join=self._join,
            from_here=lambda: self.seeder.rate,
            steps=(Choice("Give a folder", lambda: self.tabs.show("Seeder")),),
        )
        tab = TrackerTab(self.tabs.page("Tracker"), self._bench, around)
        tab.grid(sticky="nsew")
        return tab

    @cached_property
    def seeder(self) -> SeederTab:
        from ui.window.seeder_tab import SeederTab

        tab = SeederTab(self.tabs.page("Seeder"), self._bench, self._say_failed)
        tab.grid(sticky="nsew")
        return tab

    def _make_lines_below(self) -> None:
        bench, px = self._bench, self._bench.theme.px
        self.notices = NoticeArea(self, bench.theme)
        appearance = Appearance(bench.settings.now.appearance)
        self.status = StatusLine(self, bench.theme, appearance, self.choose_appearance)
        line = ttk.Frame(self, style="Line.TFrame", height=1)
        self.tabs.grid(row=0, column=0, sticky="nsew")
        self.notices.grid(row=1, column=0, sticky="ew", padx=px(16), pady=(0, px(12)))
        self.notices.grid_remove()
        line.grid(row=2, column=0, sticky="ew")
        self.status.grid(row=3, column=0, sticky="ew")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)

    def call(self, action: Callable[[], None]) -> None:
        """Run this in Tk's thread soon; from any thread."""
        self._bench.pump.call(action)

    def come_forward(self) -> None:
        if self._is_closing:
            return
        if self.state() != "normal":
            self.deiconify()
        self.lift()
        self.attributes("-topmost", True)  # some systems let no window come forward otherwise
        self.after_idle(self.attributes, "-topmost", False)
        self.focus_force()

    # What the tabs ask of one another

    def try_it(self) -> None:
        """Start a tracker and a seeder of the example files on this computer; show their list."""
        self.tabs.show("Leecher")

        def go_on(tracker: Address) -> None:
            self.seeder.seed(bundled_folder("data"), tracker, only_here=True)
            self.leecher.use_tracker(tracker)

        self.tracker.start_only_here(go_on)

    def _join(self, tracker: Address) -> None:
        self.leecher.use_tracker(tracker)
        self.tabs.show("Leecher")

    def toggle_full_screen(self) -> None:
        """The room alone, large enough for a projector; and back."""
        self.is_full_screen = not self.is_full_screen
        if self.is_full_screen:
            self.tabs.show("Tracker")
        self.tabs.configure(style="Bare.TNotebook" if self.is_full_screen else "TNotebook")
        wide = self.winfo_screenwidth() / self._bench.theme.px(PROJECTOR_WIDTH)
        zoom = max(1.0, min(PROJECTOR_ZOOM, wide))
        self.tracker.zoom(zoom if self.is_full_screen else 1.0)
        self.attributes("-fullscreen", self.is_full_screen)

    def _leave(self) -> None:
        """What Escape does: leave what was opened last."""
        if self.tabs.in_front is self.tracker and self.tracker.room.close_details():
            return
        if self._close_newest_notice():
            return
        if self.is_full_screen:
            self.toggle_full_screen()

    def _start_tracker(self) -> None:
        self.tabs.show("Tracker")
        self.tracker.start()

    # Keys

    def _bind_keys(self) -> None:
        keyboard.add_missing_keys(self)
        keys: dict[str, Callable[[], None]] = {
            "<F5>": self.leecher.refresh,
            "<F6>": lambda: keyboard.focus_next_pane(self.tabs.in_front),
            "<Control-o>": self._choose_folder,
            "<Control-p>": self.leecher.pause_or_resume,
            "<Control-f>": self._find,
            "<Escape>": self._leave,
            "<F11>": self.toggle_full_screen,
            "<Control-q>": self.close,
        }
        for number, name in enumerate(self.tabs.names, 1):
            keys[f"<Control-Key-{number}>"] = partial(self.tabs.show, name)
        for key, act in keys.items():
            self.bind(key, lambda _event, act=act: act())  # type: ignore[misc]
        self.bind("<Alt-Key>", lambda event: keyboard.press_underlined(self, event.keysym), add="+")

    def _choose_folder(self) -> None:
        if self.tabs.in_front is self.seeder:
            self.seeder.form.folder.choose()
        elif self.tabs.in_front is self.leecher:
            self.leecher.form.folder.choose()

    def _find(self) -> None:
        self.tabs.show("Leecher")
        # After the focus of the tab's first field.
        self.after(AFTER_TAB_MS, self.leecher.list.finder.entry.focus_set)

    def _close_newest_notice(self) -> bool:
        in_tab = getattr(self.tabs.in_front, "notices", self.notices)
        return bool(in_tab.close_newest()) or self.notices.close_newest()

    def _tab_changed(self) -> None:
        first = keyboard.first_control(self.tabs.in_front)
        if first is not None:
            first.focus_set()

    # Colours

    def choose_appearance(self, appearance: Appearance) -> None:
        """Use these colours now and at the next start."""
        self._bench.settings.change(appearance=appearance.value)
        self.status.show_appearance(appearance)
        self._apply_appearance()

    def _look_at_system(self) -> None:
        self.after(SYSTEM_LOOK_MS, self._look_at_system)
        self._apply_appearance()

    def _apply_appearance(self) -> None:
        appearance, theme = self._bench.settings.now.appearance, self._bench.theme

        def apply(is_dark: bool) -> None:
            is_meant = self._bench.settings.now.appearance == appearance
            if is_meant and theme.is_dark != is_dark:
                theme.apply(is_dark=is_dark)

        if appearance == Appearance.SYSTEM.value:
            self._bench.pump.in_background(is_system_dark, apply)
        else:
            apply(appearance == Appearance.DARK.value)

    # What is shown below the tabs

    def _show_status(self) -> None:
        self.after(STATUS_MS, self._show_status)
        model = self.leecher.model
        self.seeder.show_from_downloads(model.uploads)
        words = health(model, self.seeder.seeded_files, self.tracker.seeder_count)
        if self.tabs.in_front is self.tracker:
            words = self.tracker.counts or words
        self.status.show(down=model.rate, up=self.seeder.rate, health=words)
        title = f"{model.percent} % – {TITLE}" if model.is_busy else TITLE
        if title != self.title():
            self.title(title)

    def _warn(self, sentence: str, key: str = "") -> None:
        self.notices.say(sentence, tone="Warning", key=key)

    def _say_failed(self, sentence: str) -> None:
        self.notices.say(sentence, tone="Bad", key="failed")

    # The end

    def close(self) -> None:
        """Ask if somebody is being served, then end."""
        served = self.seeder.served
        if not served or self._is_closing:
            self.close_now()
            return
        are = "is" if served == 1 else "are"
        self.notices.ask(
            f"{wording.count(served, 'computer')} {are} still taking files from you.",
            [Choice("Stay", lambda: None), Choice("Close all the same", self.close_now)],
            key="close",
            tone="Warning",
        )

    def close_now(self) -> None:
        """Stop every role, wait for them at most STOP_LIMIT_S, and go."""
        if self._is_closing:
            return
        self._is_closing = True
        self._bench.settings.change(window=self.geometry())
        self.leecher.model.close()
        self._bench.roles.stop_all()
        self.withdraw()
        self._stop_by = time.monotonic() + STOP_LIMIT_S
        self._end_when_all_ended()

    def interrupt(self) -> None:
        """Close after Ctrl-C, without a question."""
        self.is_interrupted = True
        self.close_now()

    def _end_when_all_ended(self) -> None:
        is_over = self._bench.roles.all_ended and not self._bench.settings.is_writing
        if is_over or time.monotonic() > self._stop_by:
            self.log.close()
            for timer in self.tk.splitlist(self.tk.call("after", "info")):
                self.tk.call("after", "cancel", timer)
            self.destroy()
        else:
            self.after(STOP_POLL_MS, self._end_when_all_ended)

    def report_callback_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Report what this computer refused, or else our own fault; the window goes on."""
        failure = failure_of(error)
        if failure is None:
            log.error("A fault of the program", exc_info=(kind, error, trace))
            sentence = "A fault in the program was noted in the log. Please send us the log file."
        else:
            log.warning("%s", failure)
            sentence = str(failure)
        self.notices.say(sentence, tone="Bad", key="fault")
