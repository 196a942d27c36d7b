"""The command `list`: what the room offers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from roles.lister import Lister
from roles.program.profile import Profile
from roles.values import figures
from roles.values.errors import ListNotPassedError
from roles.values.events import FilesListed, ListFailed
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from ui import wording
from ui.exit_codes import ExitCode
from ui.terminal.offered_list import Chosen, OfferedList, Unclear
from ui.terminal.output import Output
from ui.terminal.session import Session
from ui.terminal.tracker_choice import ChosenTracker, in_room

LOOKING_ON_S = 10.0  # for a list that did not come from a tracker that answered
SHOWN_REFUSED = 20  # names; a stranger's list may have many of them


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print the tracker's list, or what names in it mean. Raises TrackerSilentError."""

    def fetched(tracker: ChosenTracker) -> tuple[FilesListed, bool]:
        address, failover, code = tracker
        with Session(output) as session:
            session.start(lambda post: Lister(address, failover, post, code))
            return wait_for_list(session), tracker.is_private

    listed, is_private = in_room(args, output, fetched)
    return print_list(listed, args.names, output, with_files=args.files, is_private=is_private)


def wait_for_list(session: Session) -> FilesListed:
    """The list that a lister fetches when it starts; if a tracker answered but its list did not
    come, it tries again. Raises TrackerSilentError.
    """
    deadline = time.monotonic() + LOOKING_ON_S
    while True:
        match session.next_event():
            case FilesListed() as listed:
                return listed
            case ListFailed(_, reason):
                if not isinstance(reason, ListNotPassedError) or time.monotonic() > deadline:
                    raise reason
            case _:
                continue


def print_list(
    listed: FilesListed,
    names: Sequence[str],
    output: Output,
    *,
    with_files: bool,
    is_private: bool = False,
) -> ExitCode:
    """Print all of the list, or what these names mean."""
    offer, code = OfferedList(listed), ExitCode.DONE
    if not names:
        _print_all(offer, output, with_files=with_files or output.as_json)
    for name in names:
        meaning = offer.named(name)
        if isinstance(meaning, Unclear):
            output.error(f"“{shown_name(name)}”: {meaning.reason}. {meaning.hint}".rstrip())
            code = ExitCode.SOME_FAILED
        else:
            for item in meaning:
                _print_chosen(item, offer.folder(item.key), output)
    output.json(
        event="listed",
        tracker=str(listed.tracker),
        files=len(listed.files),
        folders=len(listed.folders),
        seeders=[str(seeder) for seeder in listed.seeders],
        refused=listed.refused,
        private=is_private,
    )
    print_refused(listed, output)
    if not names:
        output.say(_summary(listed))
    return code


def print_refused(listed: FilesListed, output: Output) -> None:
    """Print which names of the list the program does not touch."""
    for name in listed.refused[:SHOWN_REFUSED]:
        output.error(
            f"Refused the name “{name}”: it could point outside the folder or mislead you."
        )
    rest = len(listed.refused) - SHOWN_REFUSED
    if rest > 0:
        output.error(f"Refused {figures.count(rest, 'name')} more, for the same reason.")


def file_line(file: ListedFile) -> str:
    twin = f" [{file.twin}]" if file.twin else ""
    return f"{figures.size(file.size):>10}  {shown_name(file.name)}{twin}"


def _print_all(offer: OfferedList, output: Output, *, with_files: bool) -> None:
    width = max((len(shown_name(folder.name)) for folder in offer.folders), default=0) + 1
    for folder in offer.folders:
        _print_folder(folder, output, width)
        if with_files:
            for file in offer.in_folder(folder):
                _print_file(file, folder.share, output)
    for file in offer.loose:
        _print_file(file, file.share, output)


def _print_chosen(item: Chosen, folder: ListedFolder | None, output: Output) -> None:
    """`folder` is the one that the item stands for, if it is a whole one."""
    if folder is not None:
        _print_folder(folder, output)
    elif item.is_folder:
        files = figures.count(len(item.files), "file")
        output.say(f"{shown_name(item.title)}  {files}  {figures.size(item.size)}")
    for file in item.files:
        _print_file(file, file.share if folder is None else folder.share, output)


def _print_folder(folder: ListedFolder, output: Output, width: int = 0) -> None:
    output.json(
        event="folder",
        share=folder.share,
        name=folder.name,
        files=folder.files,
        size=folder.size,
        torrent=folder.torrent or None,
        web=folder.serves_browsers,
    )
    name, files = f"{shown_name(folder.name)}/", figures.count(folder.files, "file")
    shown = output.painted(f"{name:<{width}}", "Accent")
    output.result(f"{shown}  {files}  {figures.size(folder.size)}")


def _print_file(file: ListedFile, share: str, output: Output) -> None:
    if not output.as_json:
        output.result(file_line(file))
        return
    output.json(
        event="file",
        name=file.name,
        size=file.size,
        root=file.root.hex() or None,
        share=share or None,
        key=file.key,
    )


def _summary(listed: FilesListed) -> str:
    summary = figures.count(len(listed.files), "file").capitalize()
    if listed.folders:
        summary += f" in {figures.count(len(listed.folders), 'folder')}"
    if listed.seeders:
        places = ", ".join(wording.place(seeder) for seeder in listed.seeders)
        summary += f" from {figures.count(len(listed.seeders), 'seeder')} ({places})"
    if listed.refused:
        summary += f"; {figures.count(len(listed.refused), 'name')} refused"
    return summary + "."
