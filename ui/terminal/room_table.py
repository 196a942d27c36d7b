"""The room as a table of text: who takes part, how far, how fast. Pure."""

from __future__ import annotations

from roles.values.events import RoomChanged
from roles.values.participants import Participant
from ui.room_columns import IN_TERMINAL, RoomColumn, by_computer


def room_table(room: RoomChanged, now: float) -> list[str]:
    """A heading, then one line for each program, seeders first; `now` is on the tracker's clock."""
    everyone = sorted(room.participants, key=lambda one: (one.is_leecher, by_computer(one)))
    columns = [_cells(column, everyone, now) for column in IN_TERMINAL]
    return ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]


def _cells(column: RoomColumn, everyone: list[Participant], now: float) -> list[str]:
    """All of one width, the heading first."""
    texts = [column.title, *(column.text(one, now - one.last_ping) for one in everyone)]
    width = max(map(len, texts))
    return [text.rjust(width) if column.is_number else text.ljust(width) for text in texts]
