"""Downloads and their sources as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from roles.values.events import DownloadChanged, DownloadState, FileEnded, ListedFile, Source
from roles.values.safe_names import shown_name
from ui import wording
from ui.window.list_tree import Node, NodeKind, is_folder
from ui.window.progress_bars import BarKind
from ui.window.table import Column, Row

FILE_COLUMNS = (
    Column("Progress", 120),
    Column("File", 168, stretches=True),
    Column("Size", 88, is_number=True),
    Column("Speed", 92, is_number=True),
    Column("Time left", 88, is_number=True),
    Column("From", 56, is_number=True),
    Column("Status", 156, stretches=True),
)
NAME_COLUMN = 1
SOURCE_COLUMNS = (
    Column("Computer", 150, stretches=True),
    Column("Address", 170, stretches=True),
    Column("Received", 110, is_number=True),
    Column("Speed", 110, is_number=True),
    Column("State", 120, stretches=True),
)

_BARS = {
    DownloadState.DONE: BarKind.DONE,
    DownloadState.SKIPPED: BarKind.DONE,
    DownloadState.FAILED: BarKind.FAILED,
    DownloadState.QUEUED: BarKind.RESTING,
    DownloadState.PAUSED: BarKind.RESTING,
}
_TONES = {
    DownloadState.FAILED: "Bad",
    DownloadState.RETRYING: "Warning",
    DownloadState.WAITING_FOR_SPACE: "Warning",
    DownloadState.IN_QUEUE: "Warning",
    DownloadState.CANCELLED: "Muted",
    DownloadState.PAUSED: "Muted",
}
_FOR_EVER = float("inf")
INDENT = "\u2003"  # for each folder that a row is in; a space as wide as the signs
OPEN_SIGN, CLOSED_SIGN, NO_SIGN = "▾ ", "▸ ", "\u2002 "


def node_row(
    node: Node, download: DownloadChanged | None, *, is_open: bool = False, problems: int = 0
) -> Row:
    """One row of the tree; `problems` is how many files of a folder failed."""
    match node.kind:
        case NodeKind.FILE:
            row = _row(shown_name(node.name), node.size, download)
            return _placed(row, node, NO_SIGN)
        case NodeKind.FOLDER:
            row = _row(f"{shown_name(node.name)}/", node.size, download)
            if download is None or download.state is DownloadState.CANCELLED:
                row = _with_status(row, wording.count(node.files, "file"), row.tone)
            elif problems:
                number = wording.count(problems, "problem")
                row = _with_status(row, f"{row.cells[-1]}, {number}", "Bad")
            return _placed(row, node, OPEN_SIGN if is_open else CLOSED_SIGN)
        case NodeKind.PROBLEMS:
            sign = OPEN_SIGN if is_open else CLOSED_SIGN
            return _placed(_plain(node.name, "Bad"), node, sign)
        case NodeKind.PROBLEM:
            why = str(download.failure or "") if download is not None else ""
            row = _with_status(_plain(shown_name(node.name), "Bad"), why, "Bad")
            return _placed(row, node, NO_SIGN)
        case NodeKind.MORE:
            return _placed(_plain(node.name, "Muted"), node, NO_SIGN)


def file_row(file: ListedFile, download: DownloadChanged | None) -> Row:
    """One file of the list, with its download if there is one."""
    return _row(shown_name(file.key), file.size, download)


def download_of(ended: FileEnded) -> DownloadChanged:
    """A file that came with a folder, as if it were a download of its own."""
    return DownloadChanged(
        name=ended.name,
        state=ended.state,
        size=ended.size,
        have=0 if ended.state is DownloadState.FAILED else ended.size,
        rate=0.0,
        seconds_left=None,
        sources=(),
        failure=ended.failure,
        saved_as=ended.saved_as,
    )


def status_of(download: DownloadChanged) -> str:
    """How far it is, and how many of its files have ended."""
    status = wording.download_status(download)
    if download.files > 1 and not download.state.is_final:
        return f"{status}, {wording.part(download.files_ended, download.files, 'file')}"
    return status


def _short_status(download: DownloadChanged) -> str:
    """The same for a row, which has a column for the number of seeders."""
    if download.state is DownloadState.DOWNLOADING and download.files > 1:
        return wording.part(download.files_ended, download.files, "file")
    return status_of(download)


def source_row(source: Source) -> Row:
    """What one seeder does in a download."""
    computer = shown_name(source.computer, wording.COMPUTER_LENGTH)
    place = wording.place(source.seeder)
    return Row(
        (
            computer,
            place,
            wording.size(source.received) if source.received else "",
            wording.rate(source.rate),
            "Sending" if wording.is_sending(source) else "Connecting",
        ),
        (
            wording.computer_order(computer, place),
            place,
            float(source.received),
            source.rate,
            str(source.is_sending),
        ),
    )


def folder_of(download: DownloadChanged) -> Path | None:
    """Where it is on the disk; for a folder, found from the place of its files."""
    saved_as = download.saved_as
    return saved_as if saved_as is None or is_folder(download.name) else saved_as.parent


def sign_width(node: Node) -> str:
    """What is left of a folder's name: a click on it opens or closes the folder."""
    return INDENT * node.depth + OPEN_SIGN


def _row(name: str, size: int, download: DownloadChanged | None) -> Row:
    shown_size = wording.size(size)
    if download is None or download.state is DownloadState.CANCELLED:
        status = "" if download is None else wording.download_status(download)
        return Row(
            ("", name, shown_size, "", "", "", status),
            (-1.0, name.casefold(), float(size), 0.0, _FOR_EVER, 0.0, status),
            "Plain" if download is None else "Muted",
            (0, BarKind.RESTING),
        )
    percent = wording.percent(download.have, download.size)
    if percent == 100 and not download.state.is_final:
        percent = 99  # everything is here, but not checked yet
    sending = sum(map(wording.is_sending, download.sources))
    left = download.seconds_left
    has_begun = download.have > 0 or download.state.is_active or download.state.is_final
    status = _short_status(download)
    return Row(
        (
            f"{percent} %" if has_begun else "",
            name,
            shown_size,
            wording.rate(download.rate),
            wording.duration(left),
            str(sending or ""),
            status,
        ),
        (
            float(percent),
            name.casefold(),
            float(size),
            download.rate,
            _FOR_EVER if left is None else left,
            float(sending),
            status,
        ),
        _TONES.get(download.state, "Plain"),
        (percent, _BARS.get(download.state, BarKind.MOVING)),
    )


def _plain(text: str, tone: str) -> Row:
    """Text only, in the column of the names."""
    cells = ("", text, "", "", "", "", "")
    return Row(cells, (-1.0, text, 0.0, 0.0, _FOR_EVER, 0.0, ""), tone)


def _with_status(row: Row, status: str, tone: str) -> Row:
    return replace(row, cells=(*row.cells[:-1], status), keys=(*row.keys[:-1], status), tone=tone)


def _placed(row: Row, node: Node, sign: str) -> Row:
    """The same row at its place in the tree."""
    cells = list(row.cells)
    if node.has_sign:
        cells[NAME_COLUMN] = INDENT * node.depth + sign + cells[NAME_COLUMN]
    return replace(row, cells=tuple(cells), parent=node.parent, rank=int(node.kind))
