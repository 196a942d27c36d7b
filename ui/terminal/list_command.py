"""The command `list`: what the room offers."""

from __future__ import annotations

import argparse
from pathlib import Path

from roles.events import FilesListed, ListFailed
from roles.leecher import Leecher
from roles.safe_names import shown_name
from roles.settings import LeecherSettings
from ui import wording
from ui.terminal.arguments import chosen_tracker
from ui.terminal.output import Output
from ui.terminal.session import Session


def run_list(chosen: argparse.Namespace, output: Output) -> None:
    """Print the tracker's list. Raises TrackerSilentError."""
    settings = LeecherSettings(folder=Path(), tracker=chosen_tracker(chosen))
    with Session() as session:
        session.start(lambda post: Leecher(settings, post))
        listed = wait_for_list(session)
    for file in listed.files:
        output.json(event="file", name=file.name, size=file.size)
        if not output.as_json:
            output.result(f"{wording.size(file.size):>10}  {shown_name(file.name)}")
    output.json(
        event="listed",
        tracker=str(listed.tracker),
        files=len(listed.files),
        seeders=[str(seeder) for seeder in listed.seeders],
        refused=listed.refused,
    )
    tell_refused(listed, output)
    output.say(_summary(listed))


def wait_for_list(session: Session) -> FilesListed:
    """The list that a leecher asks for when it starts. Raises TrackerSilentError."""
    while True:
        match session.next_event():
            case (_, FilesListed() as listed):
                return listed
            case (_, ListFailed(_, reason)):
                raise reason
            case _:
                continue


def tell_refused(listed: FilesListed, output: Output) -> None:
    """Say which names of the list are not touched."""
    for name in listed.refused:
        output.error(f"Refused the name “{name}”: it could leave the folder or fool you.")


def _summary(listed: FilesListed) -> str:
    summary = wording.count(len(listed.files), "file").capitalize()
    if listed.seeders:
        places = ", ".join(wording.place(seeder) for seeder in listed.seeders)
        summary += f" from {wording.count(len(listed.seeders), 'seeder')} ({places})"
    if listed.refused:
        summary += f"; {wording.count(len(listed.refused), 'name')} refused"
    return summary + "."
