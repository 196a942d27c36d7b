"""The room and its files as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from collections.abc import Iterable

from roles.values.events import ListedFile
from roles.values.participants import Participant
from roles.values.safe_names import shown_name
from ui import room_columns, wording
from ui.window.table import Column, Row

ROOM_COLUMNS = tuple(
    Column(one.title, one.width, is_number=one.is_number, stretches=one.stretches)
    for one in room_columns.IN_WINDOW
)
FILE_COLUMNS = (
    Column("File", 420, stretches=True),
    Column("Size", 110, is_number=True),
)


def room_rows(participants: Iterable[Participant], now: float) -> dict[str, Row]:
    """One row for each program; `now` is on the tracker's clock."""
    return {str(one.address): _row(one, max(0.0, now - one.last_ping)) for one in participants}


def _row(one: Participant, silent_s: float) -> Row:
    return Row(
        tuple(column.text(one, silent_s) for column in room_columns.IN_WINDOW),
        tuple(column.key(one, silent_s) for column in room_columns.IN_WINDOW),
        "Warning" if room_columns.reason(one) else "Plain",
    )


def file_row(file: ListedFile) -> Row:
    """One file that a seeder of the room offers."""
    name = shown_name(file.name)
    return Row((name, wording.size(file.size)), (name.casefold(), float(file.size)))
