"""The command `demo` without a window: the whole job once, on this computer."""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import NamedTuple

from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.program.profile import Profile, bundled_folder
from roles.program.user_folders import folder_named
from roles.seeder import Seeder
from roles.tracker import Tracker
from roles.values import figures
from roles.values.addresses import LOOPBACK, SEEDER_PORT, TRACKER_PORT, Address
from roles.values.disk_names import on_disk, shown_path
from roles.values.events import (
    FilesListed,
    FolderScanned,
    ListFailed,
    RoleStarted,
    TrackerLost,
)
from roles.values.safe_names import shown_name
from roles.values.settings import (
    GIVE_UP_AFTER_S,
    Existing,
    LeecherSettings,
    SeederSettings,
    TrackerSettings,
)
from ui.exit_codes import ExitCode
from ui.terminal.download_report import DownloadReport
from ui.terminal.get_command import download
from ui.terminal.offered_list import Chosen, OfferedList
from ui.terminal.output import Output
from ui.terminal.session import Session

LISTING_S = 10.0  # how long the files may take to appear in the list
AGAIN_S = 0.2  # between two looks at the list
DOWNLOAD_FOLDER = "tmp"  # below the current folder, as in the quick run of the original


class DemoResult(NamedTuple):
    """What came of a download: the exit code, what was asked for, and where its files are."""

    code: ExitCode
    wanted: list[Chosen]
    saved: dict[str, str]  # paths on the disk, by path in the list


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Do the main job on loopback and compare every file with its source."""
    source, target = bundled_folder("data"), folder_named(DOWNLOAD_FOLDER)
    throttles = Throttles(Throttle(args.up), Throttle(args.down))
    code, _, saved = share_on_loopback(source, target, output, throttles)
    folder = target
    for name, path in ((name, Path(text)) for name, text in saved.items()):
        folder = path.parents[name.count("/")]
        if not _is_same(source.joinpath(*map(on_disk, name.split("/"))), path, output):
            code = ExitCode.CONTENT
    output.say(f"The files are in {shown_path(folder)}.")
    return code


def share_on_loopback(
    source: Path, target: Path, output: Output, throttles: Throttles, *, any_port: bool = False
) -> DemoResult:
    """Start a tracker, a seeder and a leecher, and download all of `source` to `target`.

    Raises TrackerSilentError if programs on this computer cannot talk to each other.
    """
    at_tracker = Address(LOOPBACK, 0 if any_port else TRACKER_PORT)
    at_peer = Address(LOOPBACK, 0 if any_port else SEEDER_PORT)
    with Session(output) as session:
        session.start(lambda post: Tracker(TrackerSettings(at_tracker, any_port), post))
        tracker = _tracker_address(session)
        output.say(f"Tracker on {tracker}")
        seeding = SeederSettings(source, tracker, at_peer, any_port)
        session.start(lambda post: Seeder(seeding, post, throttles))
        leeching = LeecherSettings(
            target,
            tracker,
            give_up_after_s=GIVE_UP_AFTER_S,
            waits_for_space=False,
            bind=at_peer,
            bind_exactly=any_port,
        )
        leecher = session.start(lambda post: Leecher(leeching, post, throttles))
        wanted = OfferedList(_whole_list(session, leecher, source, output)).all()
        report = DownloadReport(output, wanted)
        code = download(session, leecher, report, Existing.SKIP)
    return DemoResult(code, wanted, report.saved)


def _tracker_address(session: Session) -> Address:
    while True:
        match session.next_event():
            case RoleStarted(Address() as address):
                return address
            case _:
                continue


def _whole_list(session: Session, leecher: Leecher, source: Path, output: Output) -> FilesListed:
    """The list once it has all files: a seeder lists files as it reads them."""
    deadline = time.monotonic() + LISTING_S
    files: int | None = None
    while True:
        event = session.next_event()
        is_late = time.monotonic() > deadline
        match event:
            case RoleStarted(Address() as address):
                output.say(f"Seeder of {source} on {address}")
            case FolderScanned(announced=announced, is_whole=True):
                files = announced or None
            case FilesListed() as listed if is_late or (files and len(listed.files) >= files):
                return listed
            case ListFailed(_, reason) | TrackerLost(_, reason) if is_late:
                raise reason
            case FilesListed() | ListFailed():
                time.sleep(AGAIN_S)
                leecher.refresh()
            case _:
                continue


def _is_same(source: Path, copy: Path, output: Output) -> bool:
    """Compare the digests of both files and print the result."""
    digest = _digest(copy)
    is_same = digest == _digest(source)
    verdict = "same" if is_same else "DIFFERENT"
    size = figures.size(copy.stat().st_size)
    output.say(f"{verdict}  sha256 {digest[:16]}…  {size:>10}  {shown_name(shown_path(copy.name))}")
    return is_same


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
