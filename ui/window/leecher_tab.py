"""The Leecher tab: which tracker, which folder, what there is, and how far it is."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tkinter import ttk

from roles.program.user_folders import default_download_folder, folder_named
from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FilesEnded,
    FilesListed,
    ListFailed,
    NetworkChanged,
    RoleEvent,
    RoleStopped,
    TrackerMoved,
)
from roles.values.settings import LeecherSettings, parse_parallel_seeders
from ui import wording
from ui.window import desktop
from ui.window.download_list import DownloadList, FirstSteps
from ui.window.download_rows import folder_of
from ui.window.download_start import QUESTION, DownloadStart
from ui.window.keyboard import tab_in_order
from ui.window.leecher_form import LeecherForm
from ui.window.leecher_run import LeecherRun
from ui.window.leecher_switch import LeecherSwitch
from ui.window.notices import Choice, NoticeArea
from ui.window.workbench import Workbench

LIST_AGAIN_MS = 15_000
MAX_PORT = 65535


class LeecherTab(ttk.Frame):
    """Owns the leecher of this window; one runs from the first look at the tab until the end."""

    def __init__(
        self,
        parent: tk.Misc,
        bench: Workbench,
        first_steps: FirstSteps,
        seed: Callable[[Path, Address], None],
    ) -> None:
        """`seed` is asked to seed a folder to a tracker."""
        px = bench.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._bench = bench
        self._seed = seed
        self._agreed: LeecherSettings | None = None  # to change to, once everything has ended
        self._once_listed: Callable[[LeecherRun], None] | None = None
        self._kept_seeding: Path | None = None
        self.form = LeecherForm(self, bench, self)
        self.notices = NoticeArea(self, bench.theme)
        self.list = DownloadList(self, bench.theme, self, first_steps)
        self._start = DownloadStart(bench.pump, self.notices)
        self.form.grid(row=0, column=0, sticky="ew")
        self.notices.grid(row=1, column=0, sticky="ew")
        self.notices.grid_remove()
        self.list.grid(row=2, column=0, sticky="nsew", pady=(px(8), 0))
        self.form.options.grid(row=3, column=0, sticky="ew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        tab_in_order(self.form, self.notices, self.list, self.form.options)
        self._again_id = self.after(LIST_AGAIN_MS, self._list_again)
        self._switch = LeecherSwitch(bench.roles, self._handle, self.list.show_run)
        bench.trackers.follow(self._trackers_changed)

    # What the rest of the window asks

    def open(self) -> None:
        """Fetch the tracker's list for the first time."""
        self._take_fields(_nothing_more)

    def use_tracker(self, address: Address) -> None:
        """Show this tracker's list."""
        self._bench.trackers.use_for_now(address)
        self._take_fields(_nothing_more)

    def tracker_changed(self, address: Address) -> None:
        """This window's tracker has other files: fetch its list at once if it is the one in use."""
        if self._switch.run is not None and self._switch.run.settings.tracker == address:
            self._switch.run.leecher.refresh()

    def _trackers_changed(self) -> None:
        """Another tracker was found or started here: an empty field may mean that one now."""
        run, trackers = self._switch.run, self._bench.trackers
        if run is None or not trackers.is_open or trackers.parse("") == run.settings.tracker:
            return
        settings = self._settings()
        # Running downloads keep their tracker; if that has never answered, they switch to this one.
        if settings is not None and (not run.unfinished or run.listed is None):
            self._renew(settings, _nothing_more)

    @property
    def run(self) -> LeecherRun | None:
        """The leecher in use."""
        return self._switch.run

    def close(self) -> None:
        """The window is closing: start no new leecher."""
        self._switch.close()
        self.after_cancel(self._again_id)

    # What the user asks

    def refresh(self) -> None:
        """Fetch the tracker's list now."""
        run = self._switch.run
        self._take_fields(_nothing_more)
        if self._switch.run is not None and self._switch.run is run:
            self.form.say_list("Asking the tracker …")
            self._switch.run.leecher.refresh()

    def fields_changed(self) -> None:
        """Use what is in the fields now."""
        self._take_fields(_nothing_more)

    def download_chosen(self) -> None:
        """Start or resume the selected files."""
        names = self.list.chosen
        if names:
            self._take_fields(lambda run: self._start.these(run, names))

    def download_all(self) -> None:
        """Start or resume every file of the list that is not here yet."""
        self._take_fields(self._start.all)

    def pause(self) -> None:
        """The selected downloads, or all."""
        if self._switch.run is not None:
            self._switch.run.leecher.pause(self.list.can_pause())

    def resume(self) -> None:
        """The selected downloads, or all."""
        if self._switch.run is not None:
            self._switch.run.leecher.resume(self.list.can_resume())

    def pause_or_resume(self) -> None:
        """One key for both."""
        if self.list.can_pause():
            self.pause()
        else:
            self.resume()

    def cancel(self) -> None:
        """The selected downloads, or all; finished files stay."""
        if self._switch.run is not None:
            self._switch.run.leecher.cancel(self.list.can_cancel())

    def open_row(self) -> None:
        """For a finished file, show its folder; start any other."""
        names = self.list.chosen
        if self._switch.run is None or not names:
            return
        download = self._switch.run.downloads.get(names[0])
        folder = folder_of(download) if download is not None else None
        if folder is not None:
            self._open(folder)
        else:
            self.download_chosen()

    def open_folder(self) -> None:
        """Show the download folder in the system's file manager."""
        folder = self.form.folder.read(_folder_to_save_to)
        if folder is not None:
            self._open(folder)

    def keep_seeding_changed(self) -> None:
        """The box was ticked or cleared."""
        self._bench.settings.change(keep_seeding=self.form.keep_seeding.get())
        self._kept_seeding = None
        self._seed_what_came()

    # From the fields to a running leecher

    def _take_fields(self, then: Callable[[LeecherRun], None]) -> None:
        """Call `then` once a leecher runs with the settings of the fields and knows the list."""
        settings = self._settings()
        if settings is None:
            return
        run = self._switch.run
        if run is not None and run.settings == settings:
            self.notices.close("renew")
            then(run)
        elif run is not None and run.unfinished and settings == self._agreed:
            then(run)
        elif run is not None and run.unfinished:
            self._ask_to_renew(settings)
        else:
            self._renew(settings, then)

    def _settings(self) -> LeecherSettings | None:
        """What the fields say; None if one of them cannot be used, which it then shows."""
        form = self.form
        tracker = form.tracker.read(self._bench.trackers.parse)
        parallel = form.parallel.read(parse_parallel_seeders)
        folder = form.folder.read(_folder_to_save_to)
        if tracker is None or parallel is None or folder is None:
            return None
        self._bench.trackers.keep()
        self._bench.settings.change(download_folder=form.folder.folder, parallel_seeders=parallel)
        profile = self._bench.settings.profile
        return LeecherSettings(
            folder,
            tracker,
            parallel,
            bind=self._bind(tracker),
            state_folder=profile.state_folder,
            follow=self._bench.trackers.follow_of(tracker),
        )

    def _bind(self, tracker: Address) -> Address:
        """Where it listens for other leechers: beside the seeder, and where others reach that."""
        if self._switch.run is not None and self._switch.run.settings.tracker == tracker:
            return self._switch.run.settings.bind  # another port is no reason to restart
        is_only_here = self._bench.trackers.is_only_here
        port = min(self._bench.settings.now.seeder_port + 1, MAX_PORT)
        return Address(LOOPBACK if is_only_here else EVERY_INTERFACE, port)

    def _ask_to_renew(self, settings: LeecherSettings) -> None:
        run = self._switch.run
        assert run is not None
        waiting = wording.count(len(run.unfinished), "download")
        self.notices.ask(
            f"The change counts once {waiting} ended. Until then all goes on as before.",
            [
                Choice("Wait for that", lambda: self._agree(settings)),
                Choice("Cancel them and change now", lambda: self._cancel_and_renew(settings)),
                Choice("Change nothing", self._restore_fields),
            ],
            key="renew",
        )

    def _agree(self, settings: LeecherSettings) -> None:
        """Change to these settings as soon as everything has ended."""
        self._agreed = settings

    def _restore_fields(self) -> None:
        assert self._switch.run is not None
        self._agreed = None
        self.form.fill_in(self._switch.run.settings)

    def _cancel_and_renew(self, settings: LeecherSettings) -> None:
        if self._switch.run is not None:
            self._switch.run.leecher.cancel(self._switch.run.unfinished)
        self._renew(settings, _nothing_more)

    def _renew(self, settings: LeecherSettings, then: Callable[[LeecherRun], None]) -> None:
        self._once_listed, self._agreed = then, None
        self.notices.close("renew")
        self.notices.close(QUESTION)
        self.form.say_list(f"Asking the tracker ({wording.place(settings.tracker)}) …")
        self._switch.renew(settings)

    # Events

    def _handle(self, event: RoleEvent) -> None:
        run = self._switch.run
        if run is None:
            return
        match event:
            case FilesListed(tracker=tracker, refused=refused):
                self.form.say_list(wording.list_status(event))
                self._bench.trackers.remember(tracker)
                self._say_refused(refused)
                self.list.show_run(run)
                then, self._once_listed = self._once_listed, None
                if then is not None:
                    then(run)
            case NetworkChanged() if wording.network_changed(event):
                self.form.say_list(wording.network_changed(event), tone="Warning")
            case TrackerMoved(former, tracker):
                self.form.say_list(wording.tracker_moved(event), tone="Warning")
                if self._bench.trackers.is_open:
                    run.settings = replace(run.settings, tracker=tracker)
                    self._bench.trackers.moved(former, tracker)
            case ListFailed(_, reason):
                self._once_listed = None
                self.form.say_list(str(reason), tone="Warning")
                self.list.show_run(run)
            case DownloadChanged():
                self.list.put(event)
                if event.state in (DownloadState.DONE, DownloadState.SKIPPED):
                    self._seed_what_came()
            case FilesEnded():
                self.list.put_files(event)
            case AllDownloadsEnded():
                self._sum_up(run)
                self._seed_what_came()
                if self._agreed is not None or self.notices.has("renew"):
                    self._take_fields(_nothing_more)
            case RoleStopped(failure):
                self._switch.ended()
                if failure is not None:
                    self.notices.say(f"Downloading ended: {failure}", tone="Bad", key="ended")
            case _:
                pass

    def _say_refused(self, refused: tuple[str, ...]) -> None:
        if not refused:
            self.notices.close("refused")
            return
        names = ", ".join(f"“{name}”" for name in refused[:3])
        what = wording.count(len(refused), "name")
        self.notices.say(
            f"Refused {what} that could leave the folder or fool you: {names}.",
            tone="Warning",
            key="refused",
        )

    def _sum_up(self, run: LeecherRun) -> None:
        failed = run.in_states(run.downloads, DownloadState.FAILED)
        if failed:
            self.notices.ask(
                f"{wording.count(run.failed_count, 'file').capitalize()} could not be downloaded.",
                [Choice("Try again", lambda: run.leecher.resume(failed))],
                key="failed",
                tone="Bad",
                takes_focus=False,
            )
        else:
            self.notices.close("failed")

    def _seed_what_came(self) -> None:
        """Keep seeding the download folder, if that is wanted and there is something in it."""
        run = self._switch.run
        if run is None or not self.form.keep_seeding.get() or not run.had_count:
            return
        if self._kept_seeding != run.settings.folder:
            self._kept_seeding = run.settings.folder
            self._seed(run.settings.folder, run.settings.tracker)

    # The rest

    def _open(self, folder: Path) -> None:
        def say(problem: str) -> None:
            if problem:
                self.notices.say(problem, tone="Warning", key="open")

        environment = self._bench.environment
        self._bench.pump.in_background(lambda: desktop.open_folder(folder, environment), say)

    def _list_again(self) -> None:
        """A list grows old, and a tracker may have been started in the meantime."""
        self._again_id = self.after(LIST_AGAIN_MS, self._list_again)
        if self._switch.run is not None:
            self._switch.run.leecher.refresh()


def _nothing_more(_run: LeecherRun) -> None:
    """For callers that want only the list."""


def _folder_to_save_to(typed: str) -> Path:
    return folder_named(typed) if typed.strip() else default_download_folder()
