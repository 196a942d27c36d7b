"""The command `demo` without a window: the whole job once, on this computer."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from roles.leecher import Leecher
from roles.program.profile import bundled_folder, is_zipped
from roles.program.user_folders import folder_named
from roles.tracker import Tracker
from roles.values.addresses import LOOPBACK, SEEDER_PORT, TRACKER_PORT, Address
from roles.values.disk_names import on_disk, shown_path
from roles.values.events import FilesListed, FolderScanned, RoleStarted, TrackerLost
from roles.values.safe_names import shown_name
from roles.values.settings import (
    GIVE_UP_AFTER_S,
    Existing,
    LeecherSettings,
    SeederSettings,
    TrackerSettings,
)
from ui import wording
from ui.exit_codes import ExitCode
from ui.terminal.choosing import OfferedList
from ui.terminal.download_report import DownloadReport
from ui.terminal.get_command import download
from ui.terminal.limits import Limits
from ui.terminal.list_command import wait_for_list
from ui.terminal.output import Output
from ui.terminal.session import Session

_SEEDER = Address(LOOPBACK, SEEDER_PORT)
LISTING_S = 10.0  # how long the example files may take to appear in the list
AGAIN_S = 0.2  # between two looks at the list
DOWNLOAD_FOLDER = "tmp"  # below the current folder, as in the quick run of the original


def run_demo(output: Output, limits: Limits) -> ExitCode:
    """Do the main job on loopback and compare every file with its source."""
    source, target = bundled_folder("data"), folder_named(DOWNLOAD_FOLDER)
    with Session() as session:
        tracker = _start_tracker(session, output)
        announced = _start_seeder(
            session, output, limits, SeederSettings(source, tracker, bind=_SEEDER)
        )
        settings = LeecherSettings(target, tracker, give_up_after_s=GIVE_UP_AFTER_S, bind=_SEEDER)
        leecher = session.start(limits.leecher(settings))
        wanted = OfferedList(_wait_for_all(session, leecher, announced)).all()
        report = DownloadReport(output, wanted)
        code = download(session, leecher, report, wanted, Existing.SKIP, output)
    for name, path in report.saved.items():
        if not _is_same(source.joinpath(*map(on_disk, name.split("/"))), path, output):
            code = ExitCode.CONTENT
    output.say(f"The files are in {target}.")
    if is_zipped():
        output.say("This .pyz has only the small example files; the large ones are in the source.")
    return code


def _start_tracker(session: Session, output: Output) -> Address:
    settings = TrackerSettings(bind=Address(LOOPBACK, TRACKER_PORT))
    tracker = session.start(lambda post: Tracker(settings, post))
    while True:
        match session.next_event():
            case (role, RoleStarted(Address() as address)) if role is tracker:
                output.say(f"Tracker on {address}")
                return address
            case _:
                continue


def _start_seeder(
    session: Session, output: Output, limits: Limits, settings: SeederSettings
) -> int:
    """Start it and wait until the tracker has its list; returns how many files that has.

    Raises TrackerSilentError if programs on this computer cannot talk to each other.
    """
    session.start(limits.seeder(settings))
    deadline = time.monotonic() + LISTING_S
    while True:
        match session.next_event():
            case (_, RoleStarted(Address() as address)):
                output.say(f"Seeder of {settings.folder} on {address}")
            case (_, FolderScanned(announced=announced, is_whole=True)) if announced:
                return announced
            case (_, TrackerLost(_, reason)) if time.monotonic() > deadline:
                raise reason
            case _:
                continue


def _wait_for_all(session: Session, leecher: Leecher, files: int) -> FilesListed:
    """The list once it has this many files: a seeder lists files as it reads them."""
    deadline = time.monotonic() + LISTING_S
    while True:
        listed = wait_for_list(session)
        if len(listed.files) >= files or time.monotonic() > deadline:
            return listed
        session.event_within(AGAIN_S)
        leecher.refresh()


def _is_same(source: Path, copy: Path, output: Output) -> bool:
    """Compare the digests of both files and print the result."""
    digest = _digest(copy)
    is_same = digest == _digest(source)
    verdict = "same" if is_same else "DIFFERENT"
    size = wording.size(copy.stat().st_size)
    output.say(f"{verdict}  sha256 {digest[:16]}…  {size:>10}  {shown_name(shown_path(copy.name))}")
    return is_same


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
