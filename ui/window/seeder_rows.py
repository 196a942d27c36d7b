"""Offered files and uploads as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roles.values.events import ListedFile, Upload
from roles.values.safe_names import shown_name
from ui import wording
from ui.window.table import Column, Row

SHOWN_AT_ONCE = 500  # files of one folder; nobody reads a table of thousands
UPLOAD_COLUMNS = (
    Column("Computer", 130, stretches=True),
    Column("Address", 160, stretches=True),
    Column("File", 180, stretches=True),
    Column("Sent", 170, is_number=True),
    Column("Speed", 92, is_number=True),
)
OFFERED_COLUMNS = (
    Column("File", 300, stretches=True),
    Column("Size", 100, is_number=True),
    Column("Folder", 260, stretches=True),
)


def upload_key(folder: Path, upload: Upload) -> str:
    """Identifies one connection among all that upload in this window."""
    return f"{folder}\0{upload.leecher}"


def upload_row(upload: Upload) -> Row:
    """One leecher."""
    where = wording.place(upload.leecher)
    computer = shown_name(upload.computer, wording.COMPUTER_LENGTH)
    name = shown_name(upload.name)
    keys = (wording.computer_order(computer, where), where, upload.name)
    if upload.position:
        words, sort_key = f"In the queue (position {upload.position})", float(-upload.position)
        return Row((computer, where, name, words, ""), (*keys, sort_key, 0.0), "Muted")
    if not upload.name:
        return Row((computer, where, "", "Connected", ""), (*keys, 0.0, 0.0), "Muted")
    sent = wording.size(upload.sent)
    if upload.size:
        sent = f"{sent} of {wording.size(upload.size)}"
    return Row(
        (computer, where, name, sent, wording.rate(upload.rate)),
        (*keys, float(upload.sent), upload.rate),
    )


def offered_rows(files: Sequence[ListedFile], folder: Path) -> dict[str, Row]:
    """The first SHOWN_AT_ONCE files of a shared folder, and how many more there are."""
    rows = {f"{folder}\0{file.name}": offered_row(file, folder) for file in files[:SHOWN_AT_ONCE]}
    more = len(files) - SHOWN_AT_ONCE
    if more > 0:
        text = f"… and {more:,} more"
        rows[f"{folder}\0"] = Row((text, "", str(folder)), (text, 0.0, ""), "Muted", rank=1)
    return rows


def offered_row(file: ListedFile, folder: Path) -> Row:
    """One file of a shared folder."""
    name = shown_name(file.name)
    return Row(
        (name, wording.size(file.size), str(folder)),
        (name.casefold(), float(file.size), str(folder)),
    )
