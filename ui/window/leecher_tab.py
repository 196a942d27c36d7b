"""The Leecher tab: which tracker, which folder, what there is, and how far each download is."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from roles.program.user_folders import download_folder
from roles.values import figures
from roles.values.addresses import LOOPBACK, MAX_PORT, Address
from roles.values.errors import LmkError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    FilesEnded,
    FilesListed,
    ListFailed,
    NetworkChanged,
    QueueChanged,
    RoleEvent,
    RoleStopped,
    TrackerMoved,
)
from roles.values.settings import LeecherSettings
from roles.values.typed_settings import parse_parallel_seeders
from roles.values.watched import Watched
from ui import wording
from ui.start_words import CALM_S
from ui.window.download_list import DownloadList
from ui.window.download_notices import DownloadNotices
from ui.window.download_start import QUESTION, DownloadStart
from ui.window.keyboard import tab_in_order
from ui.window.leecher_form import LeecherForm
from ui.window.leecher_model import COMPLETE, LeecherModel
from ui.window.list_columns import folder_of
from ui.window.list_order import RowFilter
from ui.window.notices import Choice, NoticeArea
from ui.window.running_roles import explained
from ui.window.tab_pages import Page
from ui.window.window_context import WindowContext

LIST_AGAIN_MS = 15_000
FREE_AGAIN_MS = 5_000  # between two looks at how much space is free on the disk
ASKING = "asking …"


class LeecherTab(Page):
    """A leecher runs from the first look at the tab until the end."""

    def __init__(
        self,
        parent: tk.Misc,
        context: WindowContext,
        steps: Sequence[Choice],
        seed: Callable[[Path, Address], None],
    ) -> None:
        """`steps` are offered by an empty list; `seed` is asked to seed a folder to a tracker."""
        px = context.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._context = context
        self._seed = seed
        self._began = time.monotonic()
        self._agreed: LeecherSettings | None = None  # to change to, once everything has ended
        self._once_listed: Callable[[], None] | None = None
        self._kept_seeding: Path | None = None
        self._asks_for_free_space = False
        self.model = LeecherModel(context, self._show)
        self.form = LeecherForm(self, context)
        self.notices = NoticeArea(self, context.theme, row=1)
        self.list = DownloadList(self, context.theme, self.model, context.settings, steps)
        self._download_notices = DownloadNotices(self, context)
        self._start = DownloadStart(context.pump, self.notices, self.model)
        self.form.grid(row=0, column=0, sticky="ew")
        self.list.grid(row=2, column=0, sticky="nsew", pady=(px(8), 0))
        self.form.options.grid(row=3, column=0, sticky="ew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        tab_in_order(self.form, self.notices, self.list, self.form.options)
        self.after(LIST_AGAIN_MS, self._list_again)
        self.after(FREE_AGAIN_MS, self._show_free_space_again)
        context.trackers.follow(self._trackers_changed)
        context.codes.follow(self._codes_changed)

    # What the rest of the window asks

    def take_focus(self) -> None:
        if not self.form.code.take_focus():
            super().take_focus()

    def ask_for_folder(self) -> None:
        self.form.folder.choose()

    def leave(self) -> bool:
        return self.notices.close_newest()

    def use_tracker(self, address: Address) -> None:
        self._context.trackers.use_for_now(address)
        self.use_fields()

    def tracker_changed(self, address: Address) -> None:
        """This window's tracker has other files: fetch its list at once if it is the one in use."""
        if self.model.settings is not None and self.model.settings.tracker == address:
            self._ask_for_list()

    def _trackers_changed(self) -> None:
        """Another tracker was found or started here: an empty field may mean that one now."""
        model, trackers = self.model, self._context.trackers
        if model.leecher is None or model.settings is None or not trackers.is_open:
            return
        if trackers.parse("") == model.settings.tracker:
            return
        settings = self._settings()
        # Running downloads keep their tracker; if that has never answered, they switch to this one.
        if settings is None or (model.settings.code and not settings.code):
            return  # out of a private room only when the user says so
        if not model.unfinished or model.listed is None:
            self._renew(settings)

    def _codes_changed(self) -> None:
        """What could not enter the room, or was thrown out, begins anew with the right code."""
        settings, codes = self.model.settings, self._context.codes
        if settings is None or codes.is_needed(settings.tracker):
            return
        code = codes.of(settings.tracker)
        has_ended = self.model.leecher is None or self.model.list_failed is not None
        if code != settings.code and (code or has_ended):
            self._renew(replace(settings, code=code))

    # What the user asks

    def refresh(self) -> None:
        leecher = self.model.leecher
        self.use_fields()
        if leecher is not None and self.model.leecher is leecher:
            self.form.say_news(ASKING)
            self._ask_for_list()

    def use_fields(self) -> None:
        self._take_fields(lambda: None)

    def download_chosen(self) -> None:
        names = self.list.chosen
        if names:
            self._take_fields(lambda: self._start.these(names))

    def download_all(self) -> None:
        """Start or resume what is not here yet: of everything, or of what the list shows."""
        if self.list.toolbar.row_filter is RowFilter.PROBLEMS:
            self.retry(self.list.everything)
        else:
            self._take_fields(lambda: self._start.all(self.list.everything))

    def retry_chosen(self) -> None:
        """Try again what failed of the selected rows."""
        self.retry(self.list.can_retry())

    def retry(self, names: Sequence[str]) -> None:
        """Try again what failed of these downloads."""
        self.model.retry(names)
        self.notices.close("failed")
        self.list.show_anew()

    def verify(self) -> None:
        """Read anew from the disk what the selected rows have brought."""
        if self.model.leecher is not None:
            for name, path in self.list.to_verify():
                self.model.leecher.verify(name, path)

    def choose_folder(self) -> None:
        """Choose another folder for downloads."""
        self.form.to_line.unfold()

    def pause(self) -> None:
        if self.model.leecher is not None:
            self.model.leecher.pause(self.list.can_pause())

    def resume(self) -> None:
        if self.model.leecher is not None:
            self.model.leecher.resume(self.list.can_resume())

    def pause_or_resume(self) -> None:
        """What Ctrl+P does: pause if anything runs."""
        if self.list.can_pause():
            self.pause()
        else:
            self.resume()

    def cancel(self) -> None:
        if self.model.leecher is not None:
            self.model.leecher.cancel(self.list.can_cancel())

    def open_row(self) -> None:
        """Show the selected file in its folder if it is here, otherwise download it."""
        row = self.list.selected
        folder = folder_of(row.download) if row is not None and row.download is not None else None
        if folder is not None:
            self._context.open_folder(folder, self.notices)
        else:
            self.download_chosen()

    def open_folder(self) -> None:
        folder = self.form.folder.read(download_folder)
        if folder is not None:
            self._context.open_folder(folder, self.notices)

    def keep_seeding_changed(self) -> None:
        self._kept_seeding = None
        self._seed_what_came()

    # From the fields to a running leecher

    def _take_fields(self, then: Callable[[], None]) -> None:
        """Call `then` once a leecher runs with the settings of the fields and knows the list."""
        settings, model = self._settings(), self.model
        if settings is None:
            return
        if self._context.codes.is_needed(settings.tracker) and self._had_code(settings.tracker):
            return  # its row asks for it
        if model.leecher is not None and model.settings == settings:
            self.notices.close("renew")
            then()
        elif model.unfinished and settings == self._agreed:
            then()
        elif model.unfinished:
            self._ask_to_renew(settings)
        else:
            self._renew(settings, then)

    def _had_code(self, tracker: Address) -> bool:
        before = self.model.settings
        return before is not None and before.tracker == tracker and bool(before.code)

    def _settings(self) -> LeecherSettings | None:
        """What the fields say; None if one of them cannot be used, which it then shows."""
        form = self.form
        tracker = form.tracker.read(self._context.trackers.parse)
        parallel = form.parallel.read(parse_parallel_seeders)
        folder = form.folder.read(download_folder)
        if tracker is None or parallel is None or folder is None:
            return None
        self._context.trackers.keep()
        self._context.settings.change(download_folder=form.folder.folder, parallel_seeders=parallel)
        return LeecherSettings(
            folder,
            tracker,
            parallel,
            bind=self._bind(tracker),
            state_folder=self._context.settings.profile.state_folder,
            name=self._context.told_name,
            code=self._context.codes.of(tracker),
            failover=self._context.trackers.failover_for(tracker),
            own_folders=self._context.settings.now.own_folders,
        )

    def _bind(self, tracker: Address) -> Address:
        """Where to listen for other leechers: beside the seeder, where others reach that one."""
        before = self.model.settings
        if self.model.leecher is not None and before is not None and before.tracker == tracker:
            return before.bind  # another port is no reason to restart
        is_only_here = self._context.trackers.is_only_here
        port = min(self._context.settings.now.seeder_port + 1, MAX_PORT)
        return Address(LOOPBACK if is_only_here else self._context.host, port)

    def _ask_to_renew(self, settings: LeecherSettings) -> None:
        def wait() -> None:
            self._agreed = settings

        def cancel_and_renew() -> None:
            if self.model.leecher is not None:
                self.model.leecher.cancel(self.model.unfinished)
            self._renew(settings)

        waiting = figures.count(len(self.model.unfinished), "download")
        self.notices.ask(
            f"The change waits for {waiting} to end. Until then all continues as before.",
            [
                Choice("Wait for that", wait),
                Choice("Cancel them and change now", cancel_and_renew),
                Choice("Change nothing", self._restore_fields),
            ],
            key="renew",
        )

    def _restore_fields(self) -> None:
        self._agreed = None
        if self.model.settings is not None:
            self.form.fill_in(self.model.settings)

    def _renew(self, settings: LeecherSettings, then: Callable[[], None] | None = None) -> None:
        self._once_listed, self._agreed = then, None
        self.notices.close("renew")
        self.notices.close(QUESTION)
        self._download_notices.forget_verified()
        self.form.say_news(ASKING)
        self.model.renew(settings)
        self._show_free_space()
        self.list.show()

    # Events

    def _show(self, event: RoleEvent) -> None:
        model = self.model
        self._download_notices.take(event)
        match event:
            case FilesListed(tracker=tracker):
                self.form.say_news(wording.list_status(event))
                self._say("")
                self._context.trackers.remember(tracker)
                if model.settings is not None and not model.settings.code:
                    self._context.codes.is_open(model.settings.tracker)
                self.list.show()
                then, self._once_listed = self._once_listed, None
                if then is not None:
                    then()
            case NetworkChanged() if wording.network_changed(event):
                self._say(wording.network_changed(event), tone="Warning")
            case TrackerMoved(former, tracker):
                self._say(wording.tracker_moved(event), tone="Warning")
                self._context.codes.moved(former, tracker)
                if self._context.trackers.is_open and model.settings is not None:
                    model.settings = replace(model.settings, tracker=tracker)
                    self._context.trackers.moved(former, tracker)
            case ListFailed(_, reason):
                self._once_listed = None
                is_calm = time.monotonic() - self._began < CALM_S
                self.form.say_news("")
                is_for_code = self._is_for_code(reason)
                sentence = "" if is_for_code else str(reason)
                self._say(sentence, tone="Muted" if is_calm else "Warning")
                self.list.show()
            case DownloadChanged():
                self.list.put(event.name)
                if event.state in COMPLETE:
                    self._seed_what_came()
            case FilesEnded(download=download):
                self.list.put(download)
            case QueueChanged():
                self.list.put_queue()
            case Watched():
                self.list.show_watched(event)
            case AllDownloadsEnded():
                self._seed_what_came()
                if self._agreed is not None or self.notices.has("renew"):
                    self.use_fields()
            case RoleStopped():
                if event.failure is not None and self._is_for_code(event.failure):
                    self.form.say_news("")
                    self._say("")
                    self.list.show()
                elif event.failure is not None:
                    why = explained(event.failure, self._context.host)
                    self.notices.say(f"Downloading ended: {why}", tone="Bad", key="ended")
            case _:
                pass

    def _is_for_code(self, why: LmkError) -> bool:
        """Whether the room wants another code, which its row then asks for."""
        settings = self.model.settings
        return settings is not None and self._context.codes.refused(
            settings.tracker, settings.code, why
        )

    def _say(self, sentence: str, *, tone: str = "Muted") -> None:
        self.form.tracker_said.say(sentence, tone=tone)

    def _seed_what_came(self) -> None:
        """Keep seeding the download folder, if that is wanted and there is something in it.

        In a swarm the leecher itself shares what it has, as part of the folders that it came from.
        """
        if self.model.listed is not None and self.model.listed.folders:
            return
        settings = self.model.settings
        if settings is None or not self.form.keep_seeding.get() or not self.model.complete_count:
            return
        if self._kept_seeding != settings.folder:
            self._kept_seeding = settings.folder
            self._seed(settings.folder, settings.tracker)

    # The rest

    def _list_again(self) -> None:
        """Fetch the list again: it grows old, and a tracker may have been started meanwhile."""
        self.after(LIST_AGAIN_MS, self._list_again)
        self._ask_for_list()

    def _show_free_space_again(self) -> None:
        self.after(FREE_AGAIN_MS, self._show_free_space_again)
        self._show_free_space()

    def _show_free_space(self) -> None:
        """A network drive may take long to answer: it is asked outside Tk's thread, and once."""
        leecher = self.model.leecher
        if leecher is None or self._asks_for_free_space:
            return

        def show(free: int | None) -> None:
            self._asks_for_free_space = False
            if self.model.leecher is leecher:
                self.form.say_free_space(free)

        self._asks_for_free_space = True
        self._context.pump.in_background(leecher.free_space, show)

    def _ask_for_list(self) -> None:
        if self.model.leecher is not None:
            self.model.leecher.refresh()
