"""The room as a table of text: who takes part, how far, how fast. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roles.values.addresses import Address
from roles.values.events import ListedSeeder, RoomChanged, RoomMember
from roles.values.safe_names import shown_name
from ui import wording

HEADINGS = ("Name", "Role", "State", "Has", "Up", "Down", "Why it waits")
_ALIGNED_RIGHT = (3, 4, 5)
_NAME = 30  # characters
_REASON = 50


def room_table(room: RoomChanged) -> list[str]:
    """A heading, then one line for each program, seeders first."""
    members = {member.address: member for member in room.members}
    silent = [seeder for seeder in room.seeders if seeder.address not in members]
    rows = [_member(one) for one in sorted(room.members, key=_order)]
    return _aligned([HEADINGS, *rows, *map(_silent, silent)])


def _order(member: RoomMember) -> tuple[bool, str, Address]:
    return member.is_leecher, member.name, member.address


def _member(member: RoomMember) -> tuple[str, ...]:
    reason = shown_name(member.reason, _REASON)
    if member.is_reachable is False:
        reason = f"{reason}; " * bool(reason) + "cannot be reached from outside"
    return (
        shown_name(member.name, _NAME) or str(member.address),
        "leecher" if member.is_leecher else "seeder",
        shown_name(member.state, _NAME),
        _has(member),
        wording.rate(member.up),
        wording.rate(member.down),
        reason,
    )


def _has(member: RoomMember) -> str:
    """How much a leecher has of what it wants."""
    size = sum(transfer.size for transfer in member.transfers)
    if not (member.is_leecher and size):
        return ""
    return f"{wording.percent(sum(transfer.have for transfer in member.transfers), size)} %"


def _silent(seeder: ListedSeeder) -> tuple[str, ...]:
    """A seeder that tells no more about itself than LMK/1 can."""
    state = seeder.state.value if seeder.state is not None else ""
    role = "seeder (original)" if seeder.is_original else "seeder"
    return (str(seeder.address), role, state, "", "", "", "")


def _aligned(rows: Sequence[Iterable[str]]) -> list[str]:
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [
            f"{cell:>{width}}" if index in _ALIGNED_RIGHT else f"{cell:<{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
