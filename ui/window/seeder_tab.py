"""The Seeder tab: which folder is offered, to which tracker, and who downloads what."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk

from roles.program.user_folders import folder_named
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import UserInputError
from roles.values.events import FolderScanned, Upload
from roles.values.settings import SeederSettings
from ui.window.fields import Sentence
from ui.window.seeder_columns import OFFERED_COLUMNS, UPLOAD_COLUMNS, Offered, offered, upload_tone
from ui.window.seeder_form import SeederForm
from ui.window.seeder_run import SeederRun
from ui.window.table import Table
from ui.window.workbench import RunState, Workbench


class SeederTab(ttk.Frame):
    """Owns the seeders of this window: the one of the fields, and others beside it."""

    def __init__(self, parent: tk.Misc, bench: Workbench, tell: Callable[[str], None]) -> None:
        """`tell` gets what goes wrong with a seeder that was started from elsewhere."""
        px = bench.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._bench = bench
        self._tell = tell
        self.main: SeederRun | None = None  # the seeder of the fields
        self.besides: dict[SeederRun, _BesidesLine] = {}  # the others
        self._from_downloads: tuple[Upload, ...] = ()
        self._listings_shown: dict[Path, FolderScanned] = {}
        self.form = SeederForm(self, bench)
        self._lines = ttk.Frame(self)
        self.form.grid(row=0, column=0, sticky="ew")
        self._lines.grid(row=2, column=0, sticky="ew")
        self.uploads = Table(
            self,
            bench.theme,
            UPLOAD_COLUMNS,
            height=3,
            title="Who is taking what",
            tone=upload_tone,
        )
        self.offered = Table(
            self,
            bench.theme,
            OFFERED_COLUMNS,
            height=4,
            title="What is offered",
            tone=lambda row: row.tone,
            rank=lambda row: row.size is None,
        )
        tables: tuple[ttk.Frame, ...] = (self.uploads, self.offered)
        for row, table in enumerate(tables, 3):
            table.grid(row=row, column=0, sticky="nsew", pady=(px(12), 0))
            self.rowconfigure(row, weight=1, uniform="tables")
        self.columnconfigure(0, weight=1)
        self._show()

    # What the rest of the window asks

    def fill_in(self, folder: Path) -> None:
        """Choose this folder, and start nothing."""
        self.form.folder.variable.set(str(folder))
        self.folder_chosen()

    def seed(self, folder: Path, tracker: Address, *, only_here: bool = False) -> None:
        """Seed this folder too, unless it is seeded already. The fields stay as they are."""
        if any(run.state.is_up and run.settings.folder == folder for run in self._runs()):
            return
        run = self._start(folder, tracker, LOOPBACK if only_here else self._bench.host)
        if run is not None:
            self.besides[run] = _BesidesLine(self._lines, self._bench, run)
            self._show()

    def show_from_downloads(self, uploads: tuple[Upload, ...]) -> None:
        if uploads != self._from_downloads:
            self._from_downloads = uploads
            self._show()

    @property
    def rate(self) -> float:
        given = sum(upload.rate for upload in self._from_downloads)
        return sum(run.rate for run in self._runs()) + given

    @property
    def ports(self) -> set[int]:
        """Where it listens."""
        return {run.address.port for run in self._runs() if run.state.is_up and run.address}

    @property
    def served(self) -> int:
        """How many machines are downloading now."""
        uploads = [upload for run in self._runs() for upload in run.uploads]
        return len({upload.leecher.host for upload in (*uploads, *self._from_downloads)})

    @property
    def seeded_files(self) -> int | None:
        """None while nothing is seeded."""
        up = [run for run in self._runs() if run.state is RunState.RUNNING]
        return sum(run.listing.announced for run in up if run.listing) if up else None

    # What the user does

    def start_or_stop(self) -> None:
        if self.main is not None and self.main.state.is_up:
            self.main.stop()
            return
        folder = self.form.folder.read(_folder_to_seed)
        if folder is None:
            self.form.folder.entry.focus_set()
            return
        tracker = self.form.tracker.read(self._bench.trackers.parse)
        if tracker is None:
            return
        self._bench.trackers.keep()
        for run in [run for run in self.besides if run.settings.folder == folder]:
            run.stop()
        self.main = self._start(folder, tracker, self._bench.host)
        if self.main is not None:
            settings = self._bench.settings
            settings.replace(settings.now.with_recent_folder(str(folder)))
            self.form.folder.offer(settings.now.recent_folders)
        self._show()

    def folder_chosen(self) -> None:
        self.form.folder.complain("")
        self._bench.settings.change(shared_folder=self.form.folder.folder)

    # The seeders

    def _start(self, folder: Path, tracker: Address, host: str) -> SeederRun | None:
        options = self.form.read_options()
        if options is None:
            return None
        port, slots = options
        settings = SeederSettings(
            folder,
            tracker,
            Address(host, port),
            slots=slots,
            state_folder=self._bench.settings.profile.state_folder,
            name=self._bench.told_name,
            follow=self._bench.trackers.follow_of(tracker),
        )
        return SeederRun(self._bench.roles, settings, self._changed)

    def _runs(self) -> list[SeederRun]:
        return [*([self.main] if self.main else []), *self.besides]

    def _changed(self, run: SeederRun) -> None:
        line = self.besides.get(run)
        if line is not None and run.state is RunState.STOPPED:
            line.destroy()
            del self.besides[run]
            if not self.besides:
                self._lines.configure(height=1)  # an empty frame would keep its last size
            if run.failure is not None:
                self._tell(str(run.failure))
        elif line is not None:
            line.show()
        self._show()

    def _show(self) -> None:
        self.form.show_run(self.main)
        running = [run for run in self._runs() if run.state is RunState.RUNNING]
        uploads = {
            f"{run.settings.folder}\0{upload.leecher}": upload
            for run in running
            for upload in run.uploads
        }
        uploads |= {str(upload.leecher): upload for upload in self._from_downloads}
        self.uploads.show(uploads)
        self._show_offered({run.settings.folder: run.listing for run in running if run.listing})
        if running:
            self.uploads.say_empty("Nobody is taking anything now")
            self.offered.say_empty("This folder has no files to offer", "Put some into it.")
        else:
            self.uploads.say_empty("Nothing is seeded yet")
            self.offered.say_empty(
                "Nothing is seeded yet", "Choose a folder above, then press “Start seeding”."
            )

    def _show_offered(self, listings: dict[Path, FolderScanned]) -> None:
        if listings == self._listings_shown:  # it is called for every change of an upload
            return
        self._listings_shown = listings
        rows: dict[str, Offered] = {}
        for folder, listing in listings.items():
            rows |= offered(listing.files, folder)
        self.offered.show(rows)


def _folder_to_seed(typed: str) -> Path:
    if not typed.strip():
        raise UserInputError("Choose the folder that you want to seed.")
    return folder_named(typed)


class _BesidesLine(ttk.Frame):
    """One seeder beside that of the fields: its state and its own stop button."""

    def __init__(self, parent: tk.Misc, bench: Workbench, run: SeederRun) -> None:
        px = bench.theme.px
        super().__init__(parent, style="Tint.TFrame", padding=(px(12), px(6)))
        self._run = run
        self._sentence = Sentence(self, ground="Tint.")
        self._stop = ttk.Button(self, text="Stop", command=run.stop)
        self._sentence.grid(row=0, column=0, sticky="ew")
        self._stop.grid(row=0, column=1, padx=(px(12), 0))
        self.columnconfigure(0, weight=1)
        self.pack(fill="x", pady=(px(8), 0))
        self.show()

    def show(self) -> None:
        run = self._run
        sentence, tone = run.sentence()
        words = (sentence, run.offers(), run.progress(), run.warning())
        tone = "Warning" if run.warning() and tone != "Bad" else tone
        self._sentence.say(
            " ".join((f"Also seeding {run.settings.folder}.", *filter(None, words))),
            tone="Plain" if tone in ("Good", "Muted") else tone,
        )
        self._stop.state(["!disabled" if run.state.is_up else "disabled"])
