"""The room as a table of text: who takes part, how far, how fast. Pure."""

from __future__ import annotations

from roles.values.events import RoomChanged
from roles.values.participants import Participant
from ui.columns import Column
from ui.room_columns import IN_TERMINAL, by_computer


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
