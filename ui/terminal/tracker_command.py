"""The command `tracker`: runs one, and reports who comes and goes, a line each or as a table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from roles.program.profile import Profile
from roles.tracker import Tracker
from roles.values.addresses import EVERY_INTERFACE, TRACKER_PORT, Address, is_loopback
from roles.values.events import NetworkChanged, RoleEvent, RoleStarted, RoomChanged
from roles.values.members import Member, members_of
from roles.values.participants import MemberState
from roles.values.settings import TrackerSettings
from ui import wording
from ui.exit_codes import ExitCode
from ui.terminal.output import Line, Output
from ui.terminal.room_table import room_summary, room_table
from ui.terminal.session import Session

TABLE_S = 5.0  # between two tables, where they are appended
LOOK_S = 1.0  # between two looks while nothing is reported
_TOLD_STATES = {
    MemberState.DONE: "is done ({what})",
    MemberState.FAILED: "has failed{reason}",
    MemberState.WAITING: "waits{reason}",
    MemberState.CANCELLED: "has cancelled its download",
}


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
    _room: RoomChanged = field(default_factory=RoomChanged)
    _members: dict[str, Member] = field(default_factory=dict)  # as told last, by machine
    _table: list[Line] = field(default_factory=list)
    _shown_at: float = float("-inf")
    _looked_at: float = float("-inf")

    def tell(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(address, for_others, note):
                self.output.say(note)
                self.output.say(f"Tracker listening on {address}. Others type {for_others}.")
            case NetworkChanged(gone, come, for_others=here):
                if here is not None and (gone or come) and here.host not in gone:
                    self.output.say(f"Others type {here} now.")
            case RoomChanged() as room:
                self._room = room
                self._look(self.clock())
            case _:
                pass

    def pass_time(self) -> None:
        """Look whether somebody has fallen silent, and show the room if it is time."""
        now = self.clock()
        if now - self._looked_at >= LOOK_S:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looked_at = now
        members = members_of(self._room.participants, now=now)
        self._tell_changes({one.machine: one for one in members})
        pause_s = LOOK_S if self.output.can_redraw else TABLE_S
        if not self.shows_room or now - self._shown_at < pause_s or not (self._table or members):
            return
        table = [*room_table(members), Line(room_summary(members))]
        if table != self._table:
            self._table, self._shown_at = table, now
            self.output.show_table(table)

    def _tell_changes(self, members: dict[str, Member]) -> None:
        for machine, one in members.items():
            for words in changes(self._members.get(machine), one):
                self.output.say(f"{_who(one)} {words}")
        for machine in self._members.keys() - members.keys():
            if not self._members[machine].has_left:
                self.output.say(f"{_who(self._members[machine])} has left")
        self._members = members


def changes(before: Member | None, one: Member) -> list[str]:
    """What happened to a member, in the order in which it is told."""
    was = before or replace(
        one,
        state=MemberState.GIVING,
        files=0,
        is_reachable=None,
        has_left=False,
        silent_s=0.0,
    )
    told = ["joined"] if one.is_counted and (before is None or not before.is_counted) else []
    if one.files and one.files != was.files:
        told.append(f"offers {wording.count(one.files, 'file')}")
    if one.state is not was.state and one.state in _TOLD_STATES:
        told.append(_TOLD_STATES[one.state].format(what=_what(one), reason=_reason(one)))
    if one.is_behind_firewall and not was.is_behind_firewall:
        told.append("cannot be reached from outside")
    if one.is_silent and not was.is_silent:
        told.append("is silent")
    if one.has_left and not was.has_left:
        told.append("has left")
    return told


def _what(one: Member) -> str:
    title = wording.short_name(one.title) if one.title else "everything"
    return f"{title}, {wording.size(one.size)}"


def _reason(one: Member) -> str:
    return f": {wording.short_name(one.reason)}" if one.reason else ""


def _who(one: Member) -> str:
    if is_loopback(one.address.host):
        return wording.place(one.address)
    return wording.computer(one.name, one.address)
