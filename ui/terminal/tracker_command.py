"""The command `tracker`: runs one, and reports who comes and goes, a line each or as a table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.program.profile import Profile
from roles.tracker import Tracker
from roles.values.addresses import EVERY_INTERFACE, TRACKER_PORT, Address, is_loopback
from roles.values.events import NetworkChanged, RoleEvent, RoleStarted, RoomChanged
from roles.values.participants import Participant
from roles.values.settings import TrackerSettings
from ui import wording
from ui.columns import Column
from ui.exit_codes import ExitCode
from ui.room_columns import IN_TERMINAL, by_computer
from ui.terminal.output import Output
from ui.terminal.session import Session

TABLE_S = 5.0  # between two tables


def run(chosen: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Run until interrupted. Raises Interrupted, or why the tracker ended."""
    settings = TrackerSettings(
        bind=chosen.bind or Address(EVERY_INTERFACE, TRACKER_PORT),
        bind_exactly=chosen.bind is not None,
        state_file=profile.tracker_state_file,
    )
    report = TrackerReport(output, shows_room=chosen.room)
    with Session(output) as session:
        session.start(lambda post: Tracker(settings, post))
        session.follow(report.tell, report.pass_time)
    return ExitCode.DONE


@dataclass(slots=True)
class TrackerReport:
    output: Output
    shows_room: bool = False
    clock: Callable[[], float] = time.monotonic
    _participants: dict[Address, Participant] = field(default_factory=dict)
    _room: RoomChanged | None = None  # not shown yet
    _table: list[str] = field(default_factory=list)
    _shown_at: float = float("-inf")

    def tell(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(address, for_others, note):
                self.output.say(note)
                self.output.say(f"Tracker listening on {address}. Others type {for_others}.")
            case NetworkChanged(gone, come, for_others=here):
                if here is not None and (gone or come) and here.host not in gone:
                    self.output.say(f"Others type {here} now.")
            case RoomChanged(participants) as room:
                self._tell_changes({one.address: one for one in participants})
                self._room = room
            case _:
                pass

    def pass_time(self) -> None:
        """Show the room if it is time."""
        if not self.shows_room or self._room is None or self.clock() - self._shown_at < TABLE_S:
            return
        table, self._room = room_table(self._room), None
        self._shown_at = self.clock()
        if table != self._table and (self._table or len(table) > 1):
            self._table = table
            self.output.result("\n".join(["", *table, ""]))

    def _tell_changes(self, participants: dict[Address, Participant]) -> None:
        for address, one in participants.items():
            self._tell_of(one, self._participants.get(address))
        for address in self._participants.keys() - participants.keys():
            self.output.say(f"{_who(self._participants[address])} has left")
        self._participants = participants

    def _tell_of(self, one: Participant, before: Participant | None) -> None:
        if one.is_leecher and (before is None or not before.is_leecher):
            self.output.say(f"{_who(one)} joined as a leecher")
        if one.files != (0 if before is None else before.files):
            self.output.say(f"{_who(one)} offers {wording.count(one.files, 'file')}")
        was_reachable = before is None or before.is_reachable is not False
        if one.is_reachable is False and was_reachable:
            self.output.say(f"{_who(one)} cannot be reached from outside")


def room_table(room: RoomChanged) -> list[str]:
    """A heading, then one line for each program, seeders first."""
    everyone = sorted(room.participants, key=lambda one: (one.is_leecher, by_computer(one)))
    columns = [_cells(column, everyone) for column in IN_TERMINAL]
    return ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]


def _cells(column: Column[Participant], everyone: list[Participant]) -> list[str]:
    """All of one width, the heading first."""
    texts = [column.title, *map(column.text, everyone)]
    width = max(map(len, texts))
    return [text.rjust(width) if column.is_number else text.ljust(width) for text in texts]


def _who(one: Participant) -> str:
    if is_loopback(one.address.host):
        return wording.place(one.address)
    return wording.computer(one.name, one.address)
