"""The command `get`: choose, download, verify, report, and keep seeding if that is wanted."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.program.profile import Profile
from roles.program.user_folders import default_download_folder
from roles.values import figures
from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORT, Address
from roles.values.disk_names import shown_path
from roles.values.errors import (
    CodeRefusedError,
    ListNotPassedError,
    NoSeederError,
    UserInputError,
)
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    FilesEnded,
    FilesListed,
    ListFailed,
    UpdateFound,
)
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from roles.values.settings import (
    GIVE_UP_AFTER_S,
    Existing,
    Failover,
    LeecherSettings,
    SeederSettings,
)
from ui.existing_files import existing_names
from ui.exit_codes import ExitCode, Interrupted
from ui.terminal.download_report import DownloadReport
from ui.terminal.list_command import file_line, print_refused
from ui.terminal.offered_list import (
    SHOWN_ONE_BY_ONE,
    Chosen,
    OfferedList,
    Unclear,
    choices,
    chosen_by_number,
    once,
)
from ui.terminal.output import Output, can_ask
from ui.terminal.session import POLL_S, Session
from ui.terminal.tracker_choice import ChosenTracker, in_room

LIST_AGAIN_S = 1.0
_ANSWERS = {"s": Existing.SKIP, "k": Existing.KEEP_BOTH, "r": Existing.REPLACE}


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Download what was chosen. Raises TrackerSilentError, NoSeederError or UserInputError."""
    if not (args.names or args.all or (can_ask() and not output.as_json)):
        raise UserInputError(
            "Name the files to download, or use --all. `lmktorrent list` shows them."
        )
    return in_room(args, output, lambda tracker: _get(args, profile, output, tracker))


def _get(
    args: argparse.Namespace, profile: Profile, output: Output, tracker: ChosenTracker
) -> ExitCode:
    throttles = Throttles(Throttle(args.up), Throttle(args.down))
    settings = LeecherSettings(
        args.to or default_download_folder(),
        tracker.address,
        failover=tracker.failover,
        give_up_after_s=GIVE_UP_AFTER_S,
        waits_for_space=_waits_for_space(args, output),
        bind=args.bind or Address(EVERY_INTERFACE, SEEDER_PORT),
        bind_exactly=args.bind is not None,
        state_folder=profile.state_folder,
        own_folders=not args.flat,
        code=tracker.code,
    )
    with Session(output) as session:
        leecher = session.start(lambda post: Leecher(settings, post, throttles))
        listed = awaited_list(session, leecher, output, tracker.failover)
        print_refused(listed, output)
        offer = OfferedList(listed)
        if not (offer.files or offer.folders):
            raise NoSeederError(
                f"The tracker {listed.tracker} lists no files. Is a seeder running?"
            )
        wanted, unclear = _chosen(args, offer, session)
        _print_unclear(unclear, output)
        existing = _chosen_existing(args, output, session, leecher, wanted)
        report = DownloadReport(output, wanted, in_vain=len(unclear))
        ended = download(session, leecher, report, existing)
        if args.keep_seeding:
            _keep_seeding(session, settings, throttles, output, is_swarm=bool(offer.folders))
    return ended


def awaited_list(
    session: Session, leecher: Leecher, output: Output, failover: Failover
) -> FilesListed:
    """The room's list. If the program may look for trackers itself, tracker and seeder may start a
    little later than this command; any tracker may lack descriptors for a moment.

    Raises TrackerSilentError.
    """
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    has_waited = False
    while True:
        event = session.next_event()
        is_time_left = time.monotonic() < deadline
        match event:
            case FilesListed() as listed:
                is_empty = not (listed.files or listed.folders)
                if not (is_empty and has_waited and is_time_left and failover is Failover.ANY):
                    return listed
                time.sleep(LIST_AGAIN_S)
                leecher.refresh()
            case ListFailed(_, reason):
                is_waited_for = failover is Failover.ANY or isinstance(reason, ListNotPassedError)
                is_refused = isinstance(reason, CodeRefusedError)
                if is_refused or not (is_waited_for and is_time_left):
                    raise reason
                if not has_waited:
                    has_waited = True
                    output.say(f"{reason} Still searching for {GIVE_UP_AFTER_S:.0f} s.")
            case _:
                continue


def download(
    session: Session, leecher: Leecher, report: DownloadReport, existing: Existing
) -> ExitCode:
    """Download what the report is about."""
    leecher.download(report.keys, existing)
    try:
        while not report.is_complete:
            event = session.event_within(POLL_S)
            report.pass_time()
            match event:
                case DownloadChanged() as changed:
                    report.note(changed)
                case FilesEnded() as ended:
                    report.note_files(ended)
                case UpdateFound() as update:
                    report.note_update(update)
                # Before our own downloads have begun, this is about what an earlier run left.
                case AllDownloadsEnded() if report.has_begun:
                    break
                case _:
                    continue
    except Interrupted:
        report.say_what_is_kept()
        raise
    return report.conclude()


def _waits_for_space(args: argparse.Namespace, output: Output) -> bool:
    """Without an option, only if a person can make room."""
    if args.wait_for_space is not None:
        return bool(args.wait_for_space)
    return can_ask() and not output.as_json


def _print_unclear(names: Sequence[Unclear], output: Output) -> None:
    for unclear in names:
        hint = unclear.hint or "`lmktorrent list` shows the names."
        output.error(f"Cannot get “{shown_name(unclear.name)}”: {unclear.reason}. {hint}")
        output.json(
            event="file",
            download=None,
            name=unclear.name,
            state="failed",
            size=None,
            path=None,
            renamed=False,
            error=unclear.reason,
        )


def _keep_seeding(
    session: Session,
    settings: LeecherSettings,
    throttles: Throttles,
    output: Output,
    *,
    is_swarm: bool,
) -> None:
    """Until Ctrl-C: in a swarm by the leecher itself, otherwise by a seeder that registers. A
    seeder for every leecher would make the list of a swarm as long as the room is large.
    """
    from roles.seeder import Seeder  # half as much again as all that `get` needs otherwise
    from ui.terminal.seed_command import SeederReport

    if is_swarm:
        output.say("Sharing what was downloaded. Press Ctrl-C to stop.")
    else:
        output.say(f"Sharing {shown_path(settings.folder)}. Press Ctrl-C to stop.")
        seeding = SeederSettings(
            settings.folder,
            settings.tracker,
            failover=settings.failover,
            bind=settings.bind,
            state_folder=settings.state_folder,
            door=False,  # as of a leecher that keeps seeding
        )
        session.start(lambda post: Seeder(seeding, post, throttles))
    report = SeederReport(output, is_private=bool(settings.code))
    session.follow(report.tell, report.pass_time)


def _chosen(
    args: argparse.Namespace, offer: OfferedList, session: Session
) -> tuple[list[Chosen], list[Unclear]]:
    """What to download, and the names that mean nothing or more than one thing."""
    if args.all:
        return offer.all(), []
    if not args.names:
        return _ask(session, offer), []
    meanings = [offer.named(name) for name in dict.fromkeys(args.names)]
    unclear = [meaning for meaning in meanings if isinstance(meaning, Unclear)]
    items = (item for meaning in meanings if isinstance(meaning, list) for item in meaning)
    return once(items), unclear


def _ask(session: Session, offer: OfferedList) -> list[Chosen]:
    """Print a numbered list and ask, as the original's command line does. Raises UserInputError."""
    asking, rows = Output(), choices(offer)
    for number, row in enumerate(rows, 1):
        asking.result(f"{number:4}  {_row(row, asking)}")
    typed = session.ask("Which ones? Numbers separated by spaces, or a for all: ")
    if not typed:
        raise UserInputError("Nothing was chosen, so nothing was downloaded.")
    if typed.lower() in {"a", "all"}:
        return offer.all()
    return once(offer.of(rows[number - 1]) for number in chosen_by_number(typed, len(rows)))


def _row(row: ListedFile | ListedFolder, output: Output) -> str:
    if isinstance(row, ListedFile):
        return file_line(row)
    name, files = f"{shown_name(row.name)}/", figures.count(row.files, "file")
    return f"{figures.size(row.size):>10}  {output.painted(name, 'Accent')}  {files}"


def _chosen_existing(
    args: argparse.Namespace,
    output: Output,
    session: Session,
    leecher: Leecher,
    wanted: Sequence[Chosen],
) -> Existing:
    """What --existing says, otherwise what the person answers, otherwise SKIP, which loses nothing.

    For many files it does not ask: most often an earlier run of the same command has left them.
    """
    if args.existing is not None:
        return Existing(args.existing)
    number = sum(len(item.files) for item in wanted)
    if output.as_json or not can_ask() or number > SHOWN_ONE_BY_ONE:
        return Existing.SKIP
    there = list[Path]()
    for item in wanted:
        folder = leecher.place_of(item.key)
        names = [file.name for file in item.files]
        there += (folder / name for name in existing_names(folder, names)) if folder else ()
    if not there:
        return Existing.SKIP
    which = shown_path(there[0].name) if len(there) == 1 else figures.count(len(there), "file")
    where = shown_path(there[0].parent)
    question = f"{where} already has {which}: (s)kip if identical, (k)eep both, (r)eplace? "
    while answer := session.ask(question).lower():
        if answer in _ANSWERS:
            return _ANSWERS[answer]
    return Existing.SKIP  # Enter or the end of input
