"""Reports what happens to the command `tracker`, a line each, and shows the room as a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.values.addresses import Address
from roles.values.events import (
    ListedSeeder,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoomChanged,
    RoomMember,
)
from ui import wording
from ui.terminal import phrases
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
    _seeders: dict[Address, ListedSeeder] = field(default_factory=dict)
    _members: dict[Address, RoomMember] = field(default_factory=dict)
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
            case RoomChanged() as room:
                members = {member.address: member for member in room.members}
                self._tell_seeders({one.address: one for one in room.seeders}, members)
                self._tell_leechers(members)
                self._members = members
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

    def _tell_seeders(
        self, seeders: dict[Address, ListedSeeder], members: dict[Address, RoomMember]
    ) -> None:
        for address, seeder in seeders.items():
            before = self._seeders.get(address)
            if seeder.files != (before.files if before is not None else 0):
                offers = wording.count(seeder.files, "file")
                self.output.say(f"{_who(members.get(address), address)} offers {offers}")
        for address in self._seeders.keys() - seeders.keys():
            self.output.say(f"{_who(self._members.get(address), address)} has left")
        self._seeders = seeders

    def _tell_leechers(self, members: dict[Address, RoomMember]) -> None:
        """Report leechers only: members that are seeders are reported by what they offer."""
        for address, member in members.items():
            before = self._members.get(address)
            if member.is_leecher and (before is None or not before.is_leecher):
                self.output.say(f"{_who(member, address)} joined as a leecher")
            was_reachable = before is None or before.is_reachable is not False
            if member.is_reachable is False and was_reachable:
                self.output.say(f"{_who(member, address)} cannot be reached from outside")
        for address, member in self._members.items():
            if member.is_leecher and address not in members:
                self.output.say(f"{_who(member, address)} has left")


def _who(member: RoomMember | None, address: Address) -> str:
    return wording.place(address) if member is None else phrases.member(member.name, address)
