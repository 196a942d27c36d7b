"""Reports what happens to the command `tracker`, a line each, and shows the room as a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.values.addresses import Address, is_loopback
from roles.values.events import NetworkChanged, RoleEvent, RoleStarted, RoomChanged
from roles.values.participants import Participant
from ui import wording
from ui.terminal.output import Output
from ui.terminal.room_table import room_table
from ui.terminal.seeder_report import tell_network

TABLE_S = 5.0  # between two tables


@dataclass(slots=True)
class TrackerReport:
    """Gets every event, and is told now and then that time passes."""

    output: Output
    shows_room: bool = False
    clock: Callable[[], float] = time.monotonic
    _participants: dict[Address, Participant] = field(default_factory=dict)
    _room: RoomChanged | None = None  # not shown yet
    _table: list[str] = field(default_factory=list)
    _shown_at: float = float("-inf")

    def tell(self, event: RoleEvent) -> None:
        """Report what has changed."""
        match event:
            case RoleStarted(address, for_others, note):
                if note:
                    self.output.say(note)
                self.output.say(f"Tracker listening on {address}. Others type {for_others}.")
            case NetworkChanged() as change:
                tell_network(change, self.output)
                here = change.for_others
                if (
                    here is not None
                    and (change.gone or change.come)
                    and here.host not in change.gone
                ):
                    self.output.say(f"Others type {here} now.")
            case RoomChanged(participants) as room:
                self._tell_changes({one.address: one for one in participants})
                self._room = room
                self.pass_time()
            case _:
                return

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


def _who(one: Participant) -> str:
    if is_loopback(one.address.host):
        return wording.place(one.address)
    return wording.computer(one.name, one.address)
