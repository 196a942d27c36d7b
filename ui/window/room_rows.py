"""The tracker's seeders and files as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from roles.events import ListedFile, ListedSeeder
from roles.safe_names import shown_name
from ui import wording
from ui.window.table import Column, Row

SEEDER_COLUMNS = (
    Column("Seeder", 220, stretches=True),
    Column("State", 260, stretches=True),
    Column("Files", 80, is_number=True),
    Column("Last ping", 120, is_number=True),
)
FILE_COLUMNS = (
    Column("File", 420, stretches=True),
    Column("Size", 110, is_number=True),
)


def seeder_row(seeder: ListedSeeder, now: float) -> Row:
    """One seeder, as the tracker knows it at `now` of its own clock."""
    state = wording.SEEDER_STATES[seeder.state] if seeder.state else "Original program"
    silent_s = max(0.0, now - seeder.last_ping)
    place = wording.place(seeder.address)
    return Row(
        (place, state, str(seeder.files or ""), wording.ago(silent_s)),
        (place, state, float(seeder.files), silent_s),
    )


def file_row(file: ListedFile) -> Row:
    """One file that some seeder of the room offers."""
    name = shown_name(file.name)
    return Row((name, wording.size(file.size)), (name.casefold(), float(file.size)))
