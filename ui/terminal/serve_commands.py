"""The commands that run until Ctrl-C: `tracker` and `seed`."""

from __future__ import annotations

import argparse
from pathlib import Path

from roles.program.profile import Profile, bundled_folder
from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORT, TRACKER_PORT, Address
from roles.values.events import RoleStopped
from roles.values.settings import SeederSettings, TrackerSettings
from ui.roles_on_demand import new_tracker
from ui.terminal.limits import Limits
from ui.terminal.output import Output
from ui.terminal.seeder_report import SeederReport
from ui.terminal.session import Session
from ui.terminal.tracker_choice import chosen_tracker
from ui.terminal.tracker_report import TrackerReport

TICK_S = 0.2  # how often a report is told that time passes


def run_tracker(chosen: argparse.Namespace, profile: Profile, output: Output) -> None:
    """Run a tracker; ends with the exception that Session raises."""
    settings = TrackerSettings(
        bind=chosen.bind or Address(EVERY_INTERFACE, TRACKER_PORT),
        bind_exactly=chosen.bind is not None,
        state_file=profile.tracker_state_file,
    )
    with Session() as session:
        session.start(lambda post: new_tracker(settings, post))
        follow(session, TrackerReport(output, shows_room=chosen.room))


def run_seed(chosen: argparse.Namespace, profile: Profile, output: Output) -> None:
    """Seed a folder; ends with the exception that Session raises."""
    folder: Path = chosen.folder if chosen.folder is not None else bundled_folder("data")
    tracker = chosen_tracker(chosen, output)
    settings = SeederSettings(
        folder=folder,
        tracker=tracker.address,
        follow=tracker.follow,
        bind=chosen.bind or Address(EVERY_INTERFACE, SEEDER_PORT),
        bind_exactly=chosen.bind is not None,
        slots=chosen.slots,
        state_folder=profile.state_folder,
    )
    output.say(f"Seeding {folder}")
    with Session() as session:
        session.start(Limits(chosen.up, chosen.down).seeder(settings))
        follow(session, SeederReport(output))


def follow(session: Session, report: TrackerReport | SeederReport) -> None:
    """Report what happens until a role stops; ends with the exception that Session raises."""
    while True:
        told = session.event_within(TICK_S)
        if told is not None:
            report.tell(told[1])
            if isinstance(told[1], RoleStopped):
                return
        report.pass_time()
