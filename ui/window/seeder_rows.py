"""Offered files and uploads as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from pathlib import Path

from roles.events import ListedFile, Upload
from roles.safe_names import shown_name
from ui import wording
from ui.window.seeder_run import SeederRun
from ui.window.table import Column, Row

UPLOAD_COLUMNS = (
    Column("Who", 180, stretches=True),
    Column("File", 220, stretches=True),
    Column("Sent", 190, is_number=True),
    Column("Speed", 110, is_number=True),
)
OFFERED_COLUMNS = (
    Column("File", 300, stretches=True),
    Column("Size", 100, is_number=True),
    Column("Folder", 260, stretches=True),
)


def upload_key(run: SeederRun, upload: Upload) -> str:
    """Names one connection among all seeders of the window."""
    return f"{run.settings.folder}\0{upload.leecher}"


def upload_row(upload: Upload) -> Row:
    """One leecher."""
    who = wording.place(upload.leecher)
    if not upload.name:
        return Row((who, "", "Connected", ""), (who, "", 0.0, 0.0), "Muted")
    sent = f"{wording.size(upload.sent)} of {wording.size(upload.size)}"
    return Row(
        (who, shown_name(upload.name), sent, wording.rate(upload.rate)),
        (who, upload.name, float(upload.sent), upload.rate),
    )


def offered_row(file: ListedFile, folder: Path) -> Row:
    """One file of a shared folder."""
    name = shown_name(file.name)
    return Row(
        (name, wording.size(file.size), str(folder)),
        (name.casefold(), float(file.size), str(folder)),
    )
