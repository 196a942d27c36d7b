"""The columns of the uploads and of the offered files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roles.values.events import ListedFile, Upload
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column

SHOWN_AT_ONCE = 500  # files of one folder; nobody reads a table of thousands


def upload_tone(upload: Upload) -> str:
    return "Plain" if upload.name and not upload.position else "Muted"


def _address(upload: Upload) -> str:
    return wording.place(upload.leecher)


def _computer(upload: Upload) -> str:
    return shown_name(upload.computer, wording.COMPUTER_LENGTH)


def _sent(upload: Upload) -> str:
    if upload.position:
        return f"In the queue (position {upload.position})"
    if not upload.name:
        return "Connected"
    sent = wording.size(upload.sent)
    return f"{sent} of {wording.size(upload.size)}" if upload.size else sent


UPLOAD_COLUMNS = (
    Column(
        "Computer",
        _computer,
        lambda upload: wording.computer_order(_computer(upload), _address(upload)),
        130,
        stretches=True,
    ),
    Column("Address", _address, width=160, stretches=True),
    Column[Upload]("File", lambda upload: shown_name(upload.name), width=180, stretches=True),
    Column("Sent", _sent, lambda upload: upload.sent or -upload.position, 170, is_number=True),
    Column[Upload](
        "Speed",
        lambda upload: "" if upload.position else wording.rate(upload.rate),
        lambda upload: upload.rate,
        92,
        is_number=True,
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
    Column[Offered](
        "Size",
        lambda row: "" if row.size is None else wording.size(row.size),
        lambda row: row.size or 0,
        100,
        is_number=True,
    ),
    Column[Offered]("Folder", lambda row: str(row.folder), width=260, stretches=True),
)
