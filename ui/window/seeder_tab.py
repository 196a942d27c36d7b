"""The Seeder tab: which folder is offered, to which tracker, and who downloads what."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from pathlib import Path
from tkinter import ttk

from roles.program.user_folders import folder_named
from roles.values.addresses import LOOPBACK, Address, is_loopback
from roles.values.computers import Computer
from roles.values.errors import CodeRefusedError, UserInputError
from roles.values.events import FolderScanned, Upload
from roles.values.settings import SeederSettings, TorrentKind
from ui.file_list import SharedFiles
from ui.window.file_tree import FILES, NAME, SIZE, FileRow, FileTree, SharedFolder
from ui.window.labels import Sentence
from ui.window.room_watch import RoomWatch
from ui.window.running_roles import RunState
from ui.window.seeder_columns import RECEIVER_COLUMNS, receiver_icon, receiver_tone, receivers_of
from ui.window.seeder_form import SeederForm
from ui.window.seeder_run import SeederRun
from ui.window.tab_pages import Page
from ui.window.table import Table
from ui.window.window_context import WindowContext

BUILD_AT_ONCE = 3_000  # files that are counted within a frame


class SeederTab(Page):
    """Owns the seeders of this window: the one of the fields, and others beside it."""

    def __init__(
        self,
        parent: tk.Misc,
        context: WindowContext,
        tell: Callable[[str], None],
        computers: Callable[[], Sequence[Computer]],
    ) -> None:
        """`tell` gets what goes wrong with a seeder that was started from elsewhere.
        `computers` are those of this window's room.
        """
        px = context.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._context = context
        self._tell = tell
        self.main: SeederRun | None = None  # the seeder of the fields
        self._refused = list[SeederRun]()  # those that ended for want of the right code
        self.besides: dict[SeederRun, _BesidesLine] = {}  # the others
        self._from_downloads: tuple[Upload, ...] = ()
        self._own_room = computers
        self._room = RoomWatch(context)  # of another computer
        self._listings_shown: dict[Path, FolderScanned] = {}
        self.form = SeederForm(self, context)
        self._lines = ttk.Frame(self)
        self.form.grid(row=0, column=0, sticky="ew")
        self._lines.grid(row=2, column=0, sticky="ew")
        self.uploads = Table(
            self,
            context.theme,
            RECEIVER_COLUMNS,
            height=3,
            title="Downloading from you",
            tone=receiver_tone,
            icon=receiver_icon,
        )
        self.offered = FileTree(self, context.theme, (NAME, SIZE, FILES), title="Shared files")
        tables: tuple[ttk.Frame, ...] = (self.uploads, self.offered)
        for row, table in enumerate(tables, 3):
            table.grid(row=row, column=0, sticky="nsew", pady=(px(12), 0))
            self.rowconfigure(row, weight=1, uniform="tables")
        self.columnconfigure(0, weight=1)
        self._show()
        context.codes.follow(self._codes_changed)

    # What the rest of the window asks

    def take_focus(self) -> None:
        if not self.form.code.take_focus():
            super().take_focus()

    def ask_for_folder(self) -> None:
        self.form.folder.choose()

    def fill_in(self, folder: Path) -> None:
        """Choose this folder, and start nothing."""
        self.form.folder.variable.set(str(folder))
        self.folder_chosen()

    def seed(self, folder: Path, tracker: Address, *, only_here: bool = False) -> None:
        """Seed this folder too, unless it is seeded already. The fields stay as they are."""
        if any(run.state.is_up and run.settings.folder == folder for run in self._runs()):
            return
        run = self._start(folder, tracker, LOOPBACK if only_here else self._context.host)
        if run is not None:
            self.besides[run] = _BesidesLine(self._lines, self._context, run)
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
        """The ports where they listen."""
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
        """What the button does: with another folder in the field, that is shared, too."""
        if self.main is not None and self.main.state.is_up and not self.is_adding:
            self.main.stop()
            return
        folder = self.form.folder.read(_folder_to_seed)
        if folder is None:
            self.form.folder.entry.focus_set()
            return
        tracker = self.form.tracker.read(self._context.trackers.parse)
        if tracker is None:
            return
        self._context.trackers.keep()
        if self._context.codes.is_needed(tracker):
            self.form.code.join(self.start_or_stop)
            return
        if self.is_adding:
            self._keep_recent(folder)
            self.seed(folder, tracker)
            return
        for run in [run for run in self.besides if run.settings.folder == folder]:
            run.stop()
        self.main = self._start(folder, tracker, self._context.host)
        if self.main is not None:
            self._keep_recent(folder)
        self._show()

    def start(self) -> None:
        """Do what the button does, unless it stops the seeder."""
        if self.main is None or not self.main.state.is_up or self.is_adding:
            self.start_or_stop()

    @property
    def is_adding(self) -> bool:
        """Whether the field names another folder than those that are shared."""
        if self.main is None or not self.main.state.is_up:
            return False
        typed = self.form.folder.folder
        shared = {str(run.settings.folder) for run in self._runs() if run.state.is_up}
        return bool(typed) and str(Path(typed)) not in shared

    def _keep_recent(self, folder: Path) -> None:
        settings = self._context.settings
        settings.replace(settings.now.with_recent_folder(str(folder)))
        self.form.folder.offer(settings.now.recent_folders)

    def folder_typed(self) -> None:
        self.form.show_run(self.main, is_adding=self.is_adding)

    def folder_chosen(self) -> None:
        self.form.folder.complain("")
        self._context.settings.change(shared_folder=self.form.folder.folder)

    # The seeders

    def _start(self, folder: Path, tracker: Address, host: str) -> SeederRun | None:
        options = self.form.read_options()
        if options is None:
            return None
        (port, slots), now = options, self._context.settings.now
        settings = SeederSettings(
            folder,
            tracker,
            Address(host, port),
            slots=slots,
            state_folder=self._context.settings.profile.state_folder,
            name=self._context.told_name,
            code=self._context.codes.of(tracker),
            failover=self._context.trackers.failover_for(tracker),
            door=now.door,
            torrent=TorrentKind.PRIVATE if now.torrent and now.door else TorrentKind.NONE,
        )
        return SeederRun(self._context.roles, settings, self._changed)

    def _codes_changed(self) -> None:
        """Start seeders again that could not enter the room, or were thrown out."""
        codes = self._context.codes
        for run in list(self._refused):
            settings = run.settings
            if codes.of(settings.tracker) in ("", settings.code):
                continue
            self._refused.remove(run)
            if run is self.main:
                self.main = self._start(settings.folder, settings.tracker, settings.bind.host)
            elif not any(other.settings.folder == settings.folder for other in self._runs()):
                only_here = is_loopback(settings.bind.host)
                self.seed(settings.folder, settings.tracker, only_here=only_here)
        self._show()

    def _runs(self) -> list[SeederRun]:
        return [*([self.main] if self.main else []), *self.besides]

    def _changed(self, run: SeederRun) -> None:
        line = self.besides.get(run)
        wants_code = isinstance(run.failure, CodeRefusedError)
        if line is not None and run.state is RunState.STOPPED:
            line.destroy()
            del self.besides[run]
            if not self.besides:
                self._lines.configure(height=1)  # an empty frame would keep its last size
            if run.failure is not None and not wants_code:
                self._tell(run.why_it_ended)
        elif line is not None:
            line.show()
        if wants_code:
            self._refused.append(run)
            self._context.codes.refused(run.settings.tracker, run.settings.code, run.failure)
        self._show()

    def _show(self) -> None:
        self.form.show_run(self.main, is_adding=self.is_adding)
        running = [run for run in self._runs() if run.state is RunState.RUNNING]
        uploads = [upload for run in running for upload in run.uploads]
        computers = self._own_room() or self._room.computers
        self.uploads.show(receivers_of((*uploads, *self._from_downloads), computers))
        self._show_offered({run.settings.folder: run.listing for run in running if run.listing})
        if not running:
            self.uploads.say_empty("Nothing is shared yet")
            self.offered.say_empty(
                "Nothing is shared yet", "Choose a folder above, then press “Start seeding”."
            )
            return
        self.uploads.say_empty("Nobody is downloading from you now")
        reading = " ".join(filter(None, (run.progress() for run in running)))
        if reading or any(run.listing is None or not run.listing.is_whole for run in running):
            self.offered.say_empty("The folder is being read", reading)
        else:
            self.offered.say_empty("This folder has no files to share", "Put some into it.")

    # Who takes

    def watch_room(self) -> None:
        """Ask the tracker of another computer how far those are that take; called often."""
        run = next((run for run in self._runs() if run.state is RunState.RUNNING), None)
        is_wanted = run is not None and bool(self.served) and self.winfo_ismapped()
        if run is None or not is_wanted or self._context.codes.is_needed(run.settings.tracker):
            self._room.watch(None)
            return
        is_own = run.settings.tracker == self._context.trackers.own
        self._room.watch(None if is_own else run.settings.tracker)
        self._show()

    # What is shared

    def _show_offered(self, listings: dict[Path, FolderScanned]) -> None:
        if listings == self._listings_shown:  # it is called for every change of an upload
            return
        self._listings_shown = listings

        def build() -> list[SharedFolder]:
            return [
                _shared(folder, SharedFiles(listing.files)) for folder, listing in listings.items()
            ]

        def apply(folders: list[SharedFolder]) -> None:
            if listings is self._listings_shown:
                has_files = any(folder.row.files for folder in folders)
                self.offered.fill(folders if has_files else ())

        if sum(len(listing.files) for listing in listings.values()) <= BUILD_AT_ONCE:
            apply(build())
        else:
            self._context.pump.in_background(build, apply)


def _shared(folder: Path, known: SharedFiles) -> SharedFolder:
    files, size = known.measure("")
    return SharedFolder(FileRow(str(folder), str(folder), size, files), known)


def _folder_to_seed(typed: str) -> Path:
    if not typed.strip():
        raise UserInputError("Choose the folder that you want to seed.")
    return folder_named(typed)


class _BesidesLine(ttk.Frame):
    """One seeder beside that of the fields: its state and its own stop button."""

    def __init__(self, parent: tk.Misc, context: WindowContext, run: SeederRun) -> None:
        px = context.theme.px
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
