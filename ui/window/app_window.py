"""The window: a tab for each of three roles, which may all run at once, and one for the log.

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
from roles.program.user_folders import download_folder
from roles.values import figures
from roles.values.addresses import Address
from roles.values.program_settings import Appearance
from roles.values.settings import CheckSettings
from roles.worker import failure_of
from ui.window import keyboard, window_geometry
from ui.window.appearance_choice import AppearanceChoice
from ui.window.event_pump import EventPump
from ui.window.keep_awake import KeepAwake
from ui.window.leecher_tab import LeecherTab
from ui.window.log_tab import LogTab
from ui.window.notices import Choice, NoticeArea
from ui.window.room_codes import RoomCodes
from ui.window.running_roles import RunningRoles
from ui.window.setting_field import throttles_of
from ui.window.settings_keeper import SettingsKeeper
from ui.window.start_page import StartActions, StartPage, start_facts
from ui.window.status_line import StatusLine, health
from ui.window.tab_pages import TabPages
from ui.window.theme import Theme
from ui.window.tracker_choice import MakeDiscovery, TrackerChoice
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.check_page import CheckPage
    from ui.window.seeder_tab import SeederTab
    from ui.window.settings_page import SettingsPage
    from ui.window.tracker_tab import TrackerTab

log = logging.getLogger(__name__)

TITLE = "LMKtorrent"
STATUS_MS = 500
SEARCH_S = 2.0  # a tracker that answers does so within this time
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
        self._context = self._make_context(profile, environment)
        self.appearance = AppearanceChoice(self, self._context)
        self._is_closing = False
        self.is_interrupted = False
        self.is_full_screen = False
        self._stop_by = 0.0
        self._began = time.monotonic()
        self._searched_by = 0.0  # until then a tracker may still be found
        self._awake = KeepAwake(environment)
        self._make_tabs()
        self._make_lines_below()
        window_geometry.restore(self, self._context.theme, self._context.settings.now.window)
        self._icon = window_geometry.set_icon(self, "icon-64.png")
        self._bind_keys()
        self.protocol("WM_DELETE_WINDOW", self.close)
        self.after(STATUS_MS, self._show_status)
        for notice in (*notices, self._context.settings.notice):
            if notice:
                self._warn(notice)
        self.tabs.show("Leecher" if self._has_begun else "Start")
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
        trackers = self._context.trackers
        if discover is not None and trackers.may_search:
            self._searched_by = time.monotonic() + SEARCH_S
            self._context.roles.start(
                lambda post: discover(post, trackers.remembered), trackers.take
            )

    @property
    def network(self) -> str:
        """The only one to use, by this computer's address in it; "" for all."""
        return self._context.settings.now.network

    def _make_context(self, profile: Profile, environment: Mapping[str, str]) -> WindowContext:
        pump = EventPump(self)
        settings = SettingsKeeper(self, profile, pump, partial(self._warn, key="settings"))
        is_dark = settings.now.appearance == Appearance.DARK.value
        theme = Theme(self, is_dark=is_dark, percent=settings.now.size_percent)
        trackers = TrackerChoice(environment, settings)
        roles = RunningRoles(pump, throttles_of(settings.now), self._warn)
        codes = RoomCodes(self, profile, pump, roles, trackers, self._warn)
        return WindowContext(pump, theme, roles, settings, environment, trackers, codes)

    def _make_tabs(self) -> None:
        context = self._context
        self.tabs = TabPages(
            self,
            context.theme,
            {
                "Tracker": lambda: self.tracker,
                "Seeder": lambda: self.seeder,
                "Leecher": lambda: self.leecher,
                "Log": lambda: self.log,
            },
            first={"Start": lambda: self.start},
            passing={"Settings": lambda: self.settings, "Check": lambda: self.check},
        )
        steps = (
            Choice("Try it on this computer", self.try_it),
            Choice("Start a tracker", self._start_tracker),
            Choice("Seed a folder", lambda: self.tabs.show("Seeder")),
        )
        self.leecher = LeecherTab(
            self.tabs.page("Leecher"), context, steps, lambda *where: self.seeder.seed(*where)
        )
        self.log = LogTab(self.tabs.page("Log"), context)  # shows what is logged from now on

    @cached_property
    def tracker(self) -> TrackerTab:
        from ui.window.tracker_tab import TrackerActions, TrackerTab

        actions = TrackerActions(
            files_changed=self.leecher.tracker_changed,
            failed=self._say_failed,
            tries_again=lambda: self.notices.close("failed"),
            full_screen=self.toggle_full_screen,
            join=self._join,
            from_here=lambda: self.seeder.rate,
            steps=(Choice("Give a folder", lambda: self.tabs.show("Seeder")),),
        )
        return TrackerTab(self.tabs.page("Tracker"), self._context, actions)

    @cached_property
    def seeder(self) -> SeederTab:
        from ui.window.seeder_tab import SeederTab

        page = self.tabs.page("Seeder")
        failed = partial(self._say_failed, key="seeder failed")
        return SeederTab(page, self._context, failed, lambda: self.tracker.room.computers)

    @cached_property
    def start(self) -> StartPage:
        actions = StartActions(
            get=lambda: self.tabs.show("Leecher"),
            give=self._give_folder,
            run=self._start_tracker,
            try_it=self.try_it,
            check=self.check_computer,
        )
        return StartPage(self.tabs.page("Start"), self._context.theme, actions)

    @cached_property
    def settings(self) -> SettingsPage:
        from ui.window.settings_page import SettingsActions, SettingsPage

        actions = SettingsActions(
            folder=self.leecher.use_fields,
            networks=_own_addresses,
            check=self.check_computer,
        )
        return SettingsPage(self.tabs.page("Settings"), self._context, actions)

    @cached_property
    def check(self) -> CheckPage:
        from ui.window.check_page import CheckPage

        return CheckPage(self.tabs.page("Check"), self._context, self._check_settings)

    def _make_lines_below(self) -> None:
        context, px = self._context, self._context.theme.px
        self.notices = NoticeArea(self, context.theme, row=1, padx=px(16), pady=(0, px(12)))
        self.status = StatusLine(self, context.theme, lambda: self.tabs.show("Settings"))
        line = ttk.Frame(self, style="Line.TFrame", height=1)
        self.tabs.grid(row=0, column=0, sticky="nsew")
        line.grid(row=2, column=0, sticky="ew")
        self.status.grid(row=3, column=0, sticky="ew")
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)

    def call(self, action: Callable[[], None]) -> None:
        """Run this in Tk's thread soon; from any thread."""
        self._context.pump.call(action)

    def come_forward(self, folder: Path | None = None) -> None:
        """Be seen; with a folder to share, if there is one."""
        if self._is_closing:
            return
        if folder is not None:
            self.seeder.fill_in(folder)
            self.tabs.show("Seeder")
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
        wide = self.winfo_screenwidth() / self._context.theme.px(PROJECTOR_WIDTH)
        zoom = max(1.0, min(PROJECTOR_ZOOM, wide)) if self.is_full_screen else 1.0
        self._context.theme.enlarge(zoom)
        self.tracker.fill_screen(self.is_full_screen)
        self.attributes("-fullscreen", self.is_full_screen)

    def _leave(self) -> None:
        """What Escape does: leave what was opened last."""
        was_open = self.tabs.in_front.leave() or self.notices.close_newest()
        if not was_open and not self.tabs.hide_passing() and self.is_full_screen:
            self.toggle_full_screen()

    def _start_tracker(self) -> None:
        self.tabs.show("Tracker")
        self.tracker.start()

    def _give_folder(self) -> None:
        """Ask for a folder and share it, in a room of its own if there is none."""
        self.seeder.form.folder.choose(self._give_chosen)

    def _give_chosen(self) -> None:
        self.tabs.show("Seeder")
        wait_s = max(0.0, self._searched_by - time.monotonic())
        self.after(int(wait_s * 1000), self._give)

    def _give(self) -> None:
        trackers = self._context.trackers
        if trackers.is_known:
            self.seeder.start()
        elif not trackers.found:  # of several the user chooses one, as the field says
            self.tracker.start(self._give_there)

    def _give_there(self, _tracker: Address) -> None:
        self.seeder.start()

    def check_computer(self) -> None:
        self.tabs.show("Check")
        self.check.check()

    def _check_settings(self) -> CheckSettings | None:
        """None if a field cannot be used, which it then says."""
        trackers, kept = self._context.trackers, self._context.settings
        folder = self.leecher.form.folder.read(download_folder)
        tracker = self.leecher.form.tracker.read(trackers.parse)
        if folder is None or tracker is None:
            return None
        own = {trackers.own.port} if trackers.own is not None else set[int]()
        return CheckSettings(
            folder,
            tracker if trackers.is_known else None,
            kept.now.tracker_port,
            kept.now.seeder_port,
            kept.profile.state_folder,
            may_search=trackers.may_search,
            own_ports=frozenset(own | self.seeder.ports),
            code=self._context.codes.of(tracker),
            known=self.leecher.model.reachable,
        )

    # The start page

    @property
    def _has_begun(self) -> bool:
        """Whether a role has been used, now or in an earlier run."""
        kept = self._context.settings.now
        return bool(kept.has_begun or kept.recent_folders or kept.keep_seeding)

    def _show_start(self) -> None:
        """Say what there is of the room, until a role is used."""
        if not self.tabs.is_there("Start"):
            return
        trackers, model = self._context.trackers, self.leecher.model
        has_room = trackers.own is not None and not trackers.is_only_here
        if has_room or self.seeder.main is not None or model.downloads:
            self._context.settings.change(has_begun=True)
            if self.tabs.in_front is not self.start:
                self.tabs.hide("Start")
        looked_s = time.monotonic() - self._began
        self.start.show(start_facts(self._context, model, self.seeder.main, looked_s))

    # Keys

    def _bind_keys(self) -> None:
        keyboard.add_missing_keys(self)
        keys: dict[str, Callable[[], None]] = {
            "<F5>": self.leecher.refresh,
            "<F6>": lambda: keyboard.focus_next_pane(self.tabs.in_front),
            "<Control-o>": lambda: self.tabs.in_front.ask_for_folder(),
            "<Control-p>": self.leecher.pause_or_resume,
            "<Control-f>": self._find,
            "<Escape>": self._leave,
            "<F11>": self.toggle_full_screen,
            "<Control-q>": self.close,
            "<Control-comma>": partial(self.tabs.show, "Settings"),
        }
        for number, name in enumerate(self.tabs.names, 1):
            keys[f"<Control-Key-{number}>"] = partial(self.tabs.show, name)
        for key, act in keys.items():
            self.bind(key, lambda _event, act=act: act())  # type: ignore[misc]
        self.bind("<Alt-Key>", lambda event: keyboard.press_underlined(self, event.keysym), add="+")

    def _find(self) -> None:
        self.tabs.show("Leecher")
        # After the focus of the tab's first field.
        self.after(AFTER_TAB_MS, self.leecher.list.toolbar.finder.entry.focus_set)

    # What is shown below the tabs

    def _show_status(self) -> None:
        self.after(STATUS_MS, self._show_status)
        self._show_start()
        model = self.leecher.model
        self.seeder.show_from_downloads(model.uploads)
        self.seeder.watch_room()
        words = health(model, self.seeder.seeded_files, self.tracker.seeder_count)
        if self.tabs.in_front is self.tracker:
            words = self.tracker.counts or words
        is_busy = model.is_busy or bool(self.seeder.served)
        self._awake.hold(is_busy and self._context.settings.now.keep_awake)
        is_private = self._context.is_private
        self.status.show(down=model.rate, up=self.seeder.rate, health=words, is_private=is_private)
        title = f"{model.percent} % – {TITLE}" if model.is_busy else TITLE
        if title != self.title():
            self.title(title)

    def _warn(self, sentence: str, key: str = "") -> None:
        self.notices.say(sentence, tone="Warning", key=key)

    def _say_failed(self, sentence: str, key: str = "failed") -> None:
        self.notices.say(sentence, tone="Bad", key=key)

    # The end

    def close(self) -> None:
        """Ask if somebody is being served, then end."""
        served = self.seeder.served
        if not served or self._is_closing:
            self.close_now()
            return
        are = "is" if served == 1 else "are"
        self.notices.ask(
            f"{figures.count(served, 'computer')} {are} still downloading from you.",
            [Choice("Stay", lambda: None), Choice("Close anyway", self.close_now)],
            key="close",
            tone="Warning",
        )

    def close_now(self) -> None:
        """Stop every role, wait for them at most STOP_LIMIT_S, and go."""
        if self._is_closing:
            return
        self._is_closing = True
        self._context.settings.change(window=self.geometry())
        self._awake.hold(False)
        self._context.roles.stop_all()
        self.withdraw()
        self._stop_by = time.monotonic() + STOP_LIMIT_S
        self._end_when_all_ended()

    def interrupt(self) -> None:
        """Close after Ctrl-C, without a question."""
        self.is_interrupted = True
        self.close_now()

    def _end_when_all_ended(self) -> None:
        is_writing = self._context.settings.is_writing or self._context.codes.is_writing
        is_over = self._context.roles.all_ended and not is_writing
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


def _own_addresses() -> tuple[str, ...]:
    from roles.net.interfaces import own_addresses  # not before the window is painted

    return own_addresses()
