"""The columns of the uploads and of the offered files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roles.values.events import ListedFile, Upload
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column, computer_columns

SHOWN_AT_ONCE = 500  # files of one folder; nobody reads a table of thousands


def upload_tone(upload: Upload) -> str:
    return "Plain" if upload.name and not upload.position else "Muted"


def _sent(upload: Upload) -> str:
    if upload.position:
        return f"In the queue (position {upload.position})"
    if not upload.name:
        return "Connected"
    sent = wording.size(upload.sent)
    return f"{sent} of {wording.size(upload.size)}" if upload.size else sent


UPLOAD_COLUMNS: tuple[Column[Upload], ...] = (
    *computer_columns(lambda upload: upload.computer, lambda upload: upload.leecher),
    Column[Upload]("File", lambda upload: shown_name(upload.name), width=180, stretches=True),
    Column.of_number("Sent", lambda upload: upload.sent or -upload.position, _sent, 170),
    Column[Upload].of_number(
        "Speed",
        lambda upload: upload.rate,
        lambda upload: "" if upload.position else wording.rate(upload.rate),
        92,
    ),
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A file of a shared folder, or a sentence on the files that are not shown."""

    folder: Path
    text: str
    size: int | None = None  # None: a sentence

    @property
    def tone(self) -> str:
        return "Muted" if self.size is None else "Plain"


def offered(files: Sequence[ListedFile], folder: Path) -> dict[str, Offered]:
    """The first SHOWN_AT_ONCE files of a shared folder, and how many more there are."""
    rows = {
        f"{folder}\0{file.name}": Offered(folder, shown_name(file.name), file.size)
        for file in files[:SHOWN_AT_ONCE]
    }
    more = len(files) - SHOWN_AT_ONCE
    if more > 0:
        rows[f"{folder}\0"] = Offered(folder, f"… and {more:,} more")
    return rows


OFFERED_COLUMNS = (
    Column[Offered]("File", lambda row: row.text, width=300, stretches=True),
    Column[Offered].of_number(
        "Size",
        lambda row: row.size or 0,
        lambda row: "" if row.size is None else wording.size(row.size),
        100,
    ),
    Column[Offered]("Folder", lambda row: str(row.folder), width=260, stretches=True),
)
