"""The command `get`: choose, download, verify, report, and keep seeding if that is wanted."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from roles.leecher import Leecher
from roles.program.profile import Profile
from roles.program.user_folders import default_download_folder
from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORT, Address
from roles.values.errors import ListNotPassedError, NoSeederError, UserInputError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    FilesEnded,
    FilesListed,
    ListedFile,
    ListFailed,
    NetworkChanged,
    TrackerMoved,
)
from roles.values.safe_names import shown_name
from roles.values.settings import (
    GIVE_UP_AFTER_S,
    Existing,
    Follow,
    LeecherSettings,
    SeederSettings,
)
from ui import wording
from ui.existing_files import existing_names
from ui.exit_codes import ExitCode
from ui.terminal import phrases
from ui.terminal.choosing import (
    SHOWN_ONE_BY_ONE,
    Chosen,
    OfferedList,
    Unclear,
    choices,
    chosen_by_number,
    once,
)
from ui.terminal.download_report import DownloadReport
from ui.terminal.limits import Limits
from ui.terminal.list_command import tell_refused
from ui.terminal.output import Output, can_ask
from ui.terminal.seeder_report import SeederReport, tell_network
from ui.terminal.serve_commands import follow
from ui.terminal.session import Interrupted, Session
from ui.terminal.tracker_choice import chosen_tracker

LIST_AGAIN_S = 1.0
KEPT = "What was downloaded is kept: the same command resumes there."
_ANSWERS = {"s": Existing.SKIP, "k": Existing.KEEP_BOTH, "r": Existing.REPLACE}


def run_get(chosen: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Download what was chosen. Raises TrackerSilentError, NoSeederError or UserInputError."""
    if not (chosen.names or chosen.all or (can_ask() and not output.as_json)):
        raise UserInputError("Name the files to get, or say --all. `lmktorrent list` shows them.")
    limits = Limits(chosen.up, chosen.down)
    tracker = chosen_tracker(chosen, output)
    settings = LeecherSettings(
        chosen.to or _usual_folder(),
        tracker.address,
        follow=tracker.follow,
        give_up_after_s=GIVE_UP_AFTER_S,
        bind=chosen.bind or Address(EVERY_INTERFACE, SEEDER_PORT),
        bind_exactly=chosen.bind is not None,
        state_folder=profile.state_folder,
    )
    with Session() as session:
        leecher = session.start(limits.leecher(settings))
        listed = _awaited_list(session, leecher, output, tracker.follow)
        tell_refused(listed, output)
        offer = OfferedList(listed)
        if not (offer.files or offer.folders):
            raise NoSeederError(
                f"The tracker {listed.tracker} lists no files. Is a seeder running?"
            )
        wanted, unclear = _chosen(chosen, offer, session)
        tell_unclear(unclear, output)
        existing = _chosen_existing(chosen, output, session, settings.folder, wanted)
        report = DownloadReport(output, wanted, in_vain=len(unclear))
        code = download(session, leecher, report, wanted, existing, output)
        if chosen.keep_seeding:
            _keep_seeding(session, settings, limits, output, is_swarm=bool(offer.folders))
    return code


def _usual_folder() -> Path:
    try:
        return default_download_folder()
    except UserInputError as error:
        raise UserInputError(f"{error} Use --to FOLDER.") from None


def _awaited_list(
    session: Session, leecher: Leecher, output: Output, follow: Follow
) -> FilesListed:
    """The room's list. If the program may look for trackers itself, tracker and seeder may start a
    little later than this command; any tracker may lack descriptors for a moment.

    Raises TrackerSilentError.
    """
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    has_waited = False
    while True:
        _, event = session.next_event()
        is_time_left = time.monotonic() < deadline
        match event:
            case FilesListed() as listed if listed.files or listed.folders:
                return listed
            case FilesListed() as listed:
                if not (has_waited and is_time_left and follow is Follow.ANY):
                    return listed
                time.sleep(LIST_AGAIN_S)
                leecher.refresh()
            case ListFailed(_, reason):
                is_waited_for = follow is Follow.ANY or isinstance(reason, ListNotPassedError)
                if not (is_waited_for and is_time_left):
                    raise reason
                if not has_waited:
                    has_waited = True
                    output.say(f"{reason} Still searching for {GIVE_UP_AFTER_S:.0f} s.")
            case NetworkChanged() | TrackerMoved():
                _tell_of_network(event, output)
            case _:
                continue


def _tell_of_network(event: NetworkChanged | TrackerMoved, output: Output) -> None:
    if isinstance(event, NetworkChanged):
        tell_network(event, output)
    else:
        output.say(wording.tracker_moved(event))


def download(
    session: Session,
    leecher: Leecher,
    report: DownloadReport,
    wanted: Sequence[Chosen],
    existing: Existing,
    output: Output,
) -> ExitCode:
    """Download this and report; returns the exit code."""
    leecher.download([one.key for one in wanted], existing)
    try:
        _until_ended(session, report, output)
    except Interrupted:
        if report.is_kept:
            output.say(KEPT)
        raise
    return report.conclude()


def tell_unclear(unclear: Sequence[Unclear], output: Output) -> None:
    for one in unclear:
        name = shown_name(one.name)
        output.error(f"Cannot get “{name}”: {one.reason}. `lmktorrent list` shows the names.")
        output.json(
            event="file",
            download=None,
            name=one.name,
            state="failed",
            size=None,
            path=None,
            renamed=False,
            error=one.reason,
        )


def _until_ended(session: Session, report: DownloadReport, output: Output) -> None:
    while not report.is_complete:
        match session.next_event():
            case (_, DownloadChanged() as changed):
                report.note(changed)
            case (_, FilesEnded() as ended):
                report.note_files(ended)
            case (_, (NetworkChanged() | TrackerMoved()) as event):
                _tell_of_network(event, output)
            # Before our own downloads have begun, this event is about what an earlier run left.
            case (_, AllDownloadsEnded()) if report.has_begun:
                return
            case _:
                continue


def _keep_seeding(
    session: Session, settings: LeecherSettings, limits: Limits, output: Output, *, is_swarm: bool
) -> None:
    """Keep seeding until Ctrl-C: in a swarm by the leecher itself, otherwise by a seeder that
    registers.

    A seeder for every leecher would make the list of a swarm as long as the room is large.
    """
    if is_swarm:
        output.say("Sharing what was downloaded. Press Ctrl-C to stop.")
    else:
        seeding = SeederSettings(
            settings.folder,
            settings.tracker,
            follow=settings.follow,
            bind=settings.bind,
            state_folder=settings.state_folder,
        )
        output.say(f"Seeding {settings.folder} until Ctrl-C.")
        session.start(limits.seeder(seeding))
    follow(session, SeederReport(output))


def _chosen(
    chosen: argparse.Namespace, offer: OfferedList, session: Session
) -> tuple[list[Chosen], list[Unclear]]:
    """What to download, and the names that mean nothing or more than one thing."""
    if chosen.all:
        return offer.all(), []
    if not chosen.names:
        return _ask(session, offer), []
    found = [offer.named(name) for name in dict.fromkeys(chosen.names)]
    unclear = [one for one in found if isinstance(one, Unclear)]
    return once(one for some in found if isinstance(some, list) for one in some), unclear


def _ask(session: Session, offer: OfferedList) -> list[Chosen]:
    """Print a numbered list and ask, as the original's command line does. Raises UserInputError."""
    asking, rows = Output(), choices(offer)
    for number, row in enumerate(rows, 1):
        text = phrases.file(row) if isinstance(row, ListedFile) else phrases.folder_row(row)
        asking.result(f"{number:4}  {text}")
    typed = session.ask("Which ones? Numbers separated by spaces, or a for all: ")
    if not typed:
        raise UserInputError("Nothing was chosen, so nothing was downloaded.")
    if typed.lower() in {"a", "all"}:
        return offer.all()
    found = [offer.of(rows[number - 1]) for number in chosen_by_number(typed, len(rows))]
    return once(found)


def _chosen_existing(
    chosen: argparse.Namespace,
    output: Output,
    session: Session,
    folder: Path,
    wanted: Sequence[Chosen],
) -> Existing:
    """What --existing says, otherwise what the person answers, otherwise SKIP, which loses nothing.

    For many files it does not ask: most often an earlier run of the same command has left them.
    """
    if chosen.existing is not None:
        return Existing(chosen.existing)
    names = [file.name for one in wanted for file in one.files]
    if output.as_json or not can_ask() or len(names) > SHOWN_ONE_BY_ONE:
        return Existing.SKIP
    return _ask_about_existing(session, folder, names)


def _ask_about_existing(session: Session, folder: Path, names: Sequence[str]) -> Existing:
    """Ask once what to do with the names that exist, until the answer is s, k or r."""
    there = existing_names(folder, names)
    if not there:
        return Existing.SKIP
    which = shown_name(there[0]) if len(there) == 1 else wording.count(len(there), "file")
    question = f"{folder} has {which} already: (s)kip if the same, (k)eep both, (r)eplace? "
    while True:
        answer = session.ask(question).lower()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        if not answer:  # Enter or the end of input: the answer that loses nothing
            return Existing.SKIP
