"""The commands that run until Ctrl-C: `tracker` and `seed`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from roles.addresses import EVERY_INTERFACE, SEEDER_PORT, TRACKER_PORT, Address
from roles.events import (
    FolderScanned,
    ListedSeeder,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
    TrackerAnswered,
    TrackerLost,
    Upload,
    UploadsChanged,
)
from roles.profile import Profile, bundled_folder
from roles.safe_names import shown_name
from roles.seeder import Seeder
from roles.settings import SeederSettings, TrackerSettings
from roles.tracker import Tracker
from ui import wording
from ui.terminal.arguments import chosen_tracker
from ui.terminal.output import Output
from ui.terminal.session import Session


def run_tracker(chosen: argparse.Namespace, profile: Profile, output: Output) -> None:
    """Run a tracker; ends by the exception that Session raises."""
    settings = TrackerSettings(
        bind=chosen.bind or Address(EVERY_INTERFACE, TRACKER_PORT),
        bind_exactly=chosen.bind is not None,
        state_file=profile.tracker_state_file,
    )
    with Session() as session:
        session.start(lambda post: Tracker(settings, post))
        follow(session, TrackerReport(output))


def run_seed(chosen: argparse.Namespace, output: Output) -> None:
    """Seed a folder; ends by the exception that Session raises."""
    tracker = chosen_tracker(chosen)
    folder: Path = chosen.folder if chosen.folder is not None else bundled_folder("data")
    settings = SeederSettings(
        folder=folder.absolute(),
        tracker=tracker,
        bind=chosen.bind or Address(EVERY_INTERFACE, SEEDER_PORT),
        bind_exactly=chosen.bind is not None,
        slots=chosen.slots,
    )
    output.say(f"Seeding {folder.absolute()}")
    with Session() as session:
        session.start(lambda post: Seeder(settings, post))
        follow(session, SeederReport(output))


def follow(session: Session, report: TrackerReport | SeederReport) -> None:
    """Report what happens until a role stops; ends by the exception that Session raises."""
    event: RoleEvent | None = None
    while not isinstance(event, RoleStopped):
        _, event = session.next_event()
        report.tell(event)


@dataclass(slots=True)
class TrackerReport:
    """A line for each thing that happens to a tracker."""

    output: Output
    _seeders: dict[Address, ListedSeeder] = field(default_factory=dict)

    def tell(self, event: RoleEvent) -> None:
        """Say what changed."""
        match event:
            case RoleStarted(address, for_others, note):
                if note:
                    self.output.say(note)
                self.output.say(f"Tracker listening on {address}. Others type {for_others}.")
            case RoomChanged(seeders):
                self._tell_differences({seeder.address: seeder for seeder in seeders})
            case _:
                return

    def _tell_differences(self, seeders: dict[Address, ListedSeeder]) -> None:
        for address, seeder in seeders.items():
            before = self._seeders.get(address)
            if seeder.files != (before.files if before is not None else 0):
                offers = wording.count(seeder.files, "file")
                self.output.say(f"{wording.place(address)} offers {offers}")
        for address in self._seeders.keys() - seeders.keys():
            self.output.say(f"{wording.place(address)} is gone")
        self._seeders = seeders


@dataclass(slots=True)
class SeederReport:
    """A line for each thing that happens to a seeder."""

    output: Output
    _folder: str = ""
    _lost: str = ""
    _uploads: frozenset[tuple[Address, str]] = frozenset()

    def tell(self, event: RoleEvent) -> None:
        """Say what changed."""
        match event:
            case RoleStarted(address, for_others, note):
                if note:
                    self.output.say(note)
                self.output.say(f"Seeder listening on {address}. Others reach it at {for_others}.")
            case FolderScanned() as folder:
                self._tell_folder(folder)
            case TrackerAnswered(tracker, is_original):
                kind = "an original program" if is_original else "LMKtorrent"
                self.output.say(f"On the list of the tracker {tracker} ({kind}).")
                self._lost = ""
            case TrackerLost(_, reason):
                if str(reason) != self._lost:
                    self._lost = str(reason)
                    self.output.error(f"{reason} It goes on asking.")
            case UploadsChanged(_, uploads):
                self._tell_uploads(uploads)
            case _:
                return

    def _tell_folder(self, folder: FolderScanned) -> None:
        text = wording.folder_status(folder)
        if text != self._folder and (folder.announced or not folder.files):
            self._folder = text
            self.output.say(text)

    def _tell_uploads(self, uploads: tuple[Upload, ...]) -> None:
        now = frozenset((upload.leecher, upload.name) for upload in uploads if upload.name)
        for leecher, name in sorted(now - self._uploads):
            self.output.say(f"{leecher.host} takes {shown_name(name)}")
        self._uploads = now
