"""The command `demo` without a window: the whole job once, all of it on this computer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roles.addresses import LOOPBACK, SEEDER_PORT, TRACKER_PORT, Address
from roles.events import FolderScanned, RoleStarted
from roles.leecher import Leecher
from roles.profile import bundled_folder
from roles.safe_names import shown_name
from roles.seeder import Seeder
from roles.settings import (
    GIVE_UP_AFTER_S,
    Existing,
    LeecherSettings,
    SeederSettings,
    TrackerSettings,
)
from roles.tracker import Tracker
from ui import wording
from ui.exit_codes import ExitCode
from ui.terminal.get_command import download
from ui.terminal.list_command import wait_for_list
from ui.terminal.output import Output
from ui.terminal.session import Session

DOWNLOAD_FOLDER = Path("tmp")  # below the current folder, as in the original's quick run


def run_demo(output: Output) -> ExitCode:
    """Do the main job on loopback and compare every file with its source."""
    source, target = bundled_folder("data"), DOWNLOAD_FOLDER.absolute()
    with Session() as session:
        tracker = _start_tracker(session, output)
        _start_seeder(session, output, source, tracker)
        settings = LeecherSettings(target, tracker, give_up_after_s=GIVE_UP_AFTER_S)
        leecher = session.start(lambda post: Leecher(settings, post))
        listed = wait_for_list(session)
        names = [file.name for file in listed.files]
        code, saved = download(session, leecher, listed, names, Existing.SKIP, output)
    for name, path in saved.items():
        if not _is_same(source / name, path, output):
            code = ExitCode.CONTENT
    output.say(f"The files are in {target}.")
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


def _start_seeder(session: Session, output: Output, source: Path, tracker: Address) -> None:
    """Start it and wait until the tracker has its list."""
    settings = SeederSettings(source, tracker, bind=Address(LOOPBACK, SEEDER_PORT))
    session.start(lambda post: Seeder(settings, post))
    while True:
        match session.next_event():
            case (_, RoleStarted(Address() as address)):
                output.say(f"Seeder of {source} on {address}")
            case (_, FolderScanned(announced=announced)) if announced:
                return
            case _:
                continue


def _is_same(source: Path, copy: Path, output: Output) -> bool:
    """Compare the digests of both files and say so."""
    digest = _digest(copy)
    is_same = digest == _digest(source)
    verdict = "same" if is_same else "DIFFERENT"
    size = wording.size(copy.stat().st_size)
    output.say(f"{verdict}  sha256 {digest[:16]}…  {size:>10}  {shown_name(copy.name)}")
    return is_same


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
