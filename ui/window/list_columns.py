"""The columns of the list, and of the seeders that send a download. Pure."""

from __future__ import annotations

from pathlib import Path

from roles.values import figures, room_words
from roles.values.events import DownloadChanged, DownloadState
from roles.values.safe_names import shown_name
from ui import download_words, remedies, wording
from ui.columns import Column, Icon
from ui.connected_computers import ConnectedComputer
from ui.file_list import is_folder
from ui.window.list_row import ListRow, NodeKind

NAME_COLUMN, SIZE_COLUMN, QUEUE_COLUMN = 1, 2, 7
NO_PLACE = 9_999_999  # in the queue: behind all others

_BAR_TONES = {
    DownloadState.DONE: "Good",
    DownloadState.SKIPPED: "Good",
    DownloadState.FAILED: "Bad",
    DownloadState.QUEUED: "Muted",
    DownloadState.PAUSED: "Muted",
}
_TONES = {
    DownloadState.FAILED: "Bad",
    DownloadState.RETRYING: "Warning",
    DownloadState.WAITING_FOR_SPACE: "Warning",
    DownloadState.IN_QUEUE: "Warning",
    DownloadState.CANCELLED: "Muted",
    DownloadState.PAUSED: "Muted",
}
_ICONS = {
    DownloadState.DONE: "done",
    DownloadState.SKIPPED: "done",
    DownloadState.FAILED: "failed",
    DownloadState.RETRYING: "warning",
    DownloadState.WAITING_FOR_SPACE: "warning",
    DownloadState.IN_QUEUE: "waiting",
    DownloadState.QUEUED: "waiting",
    DownloadState.PAUSED: "paused",
    DownloadState.CANCELLED: "gone",
}
INDENT = "\u2003"  # for each folder that a row is in; a space as wide as the signs
OPEN_SIGN, CLOSED_SIGN, NO_SIGN = "▾ ", "▸ ", "\u2002 "


def _progress(row: ListRow) -> DownloadChanged | None:
    """The download, unless it shows nothing but its state."""
    if row.download is None or row.download.state is DownloadState.CANCELLED:
        return None
    return row.download if row.node.is_listed else None


def tone_of(row: ListRow) -> str:
    if row.node.kind is NodeKind.NOTE:
        return "Muted"
    if not row.node.is_listed or (row.problems and _progress(row)):
        return "Bad"
    return "Plain" if row.download is None else _TONES.get(row.download.state, "Plain")


def bar_of(row: ListRow) -> tuple[int, str] | None:
    """Percentage and tone of the bar."""
    download = _progress(row)
    if download is None:
        return (0, "Muted") if row.node.is_listed else None
    return _percent(row), _BAR_TONES.get(download.state, "Accent")


def icon_of(row: ListRow) -> Icon | None:
    """The picture of its state."""
    if not row.node.is_listed:
        return None
    if row.download is None:
        return Icon("")
    if row.problems and _progress(row):
        return Icon("warning")
    return Icon(_ICONS.get(row.download.state, "down"))


def status_of(download: DownloadChanged) -> str:
    """How far it is, and how many of its files have ended."""
    status = download_words.status(download)
    if download.files > 1 and not download.state.is_final:
        return f"{status}, {figures.part(download.files_ended, download.files, 'file')}"
    return status


def folder_of(download: DownloadChanged) -> Path | None:
    """Where it is on the disk; for a folder, found from the place of its files."""
    saved_as = download.saved_as
    return saved_as if saved_as is None or is_folder(download.name) else saved_as.parent


def _percent(row: ListRow) -> int:
    """-1 for nothing, and 100 only for what is checked."""
    download = _progress(row)
    if download is None:
        return -1
    percent = figures.percent(download.have, download.size)
    return min(percent, 100 if download.state.is_final else 99)


def _progress_text(row: ListRow) -> str:
    download = _progress(row)
    has_begun = download is not None and (
        download.have > 0 or download.state.is_active or download.state.is_final
    )
    return f"{_percent(row)} %" if has_begun else ""


def _name(row: ListRow) -> str:
    node = row.node
    is_ours = node.kind in (NodeKind.PROBLEMS, NodeKind.NOTE)
    name = node.name if is_ours else shown_name(node.name)
    name = f"{name}/" if node.kind is NodeKind.FOLDER else name
    return (_sign(row) or INDENT * node.depth + NO_SIGN * node.has_sign) + name


def _sign(row: ListRow) -> str:
    """Before the name of what opens and closes."""
    sign = OPEN_SIGN if row.is_open else CLOSED_SIGN
    return INDENT * row.node.depth + sign if row.node.opens else ""


def _rate(row: ListRow) -> float:
    return download.rate if (download := _progress(row)) else 0.0


def _seconds_left(row: ListRow) -> float | None:
    return download.seconds_left if (download := _progress(row)) else None


def _senders(row: ListRow) -> int:
    download = _progress(row)
    if row.senders is not None:
        return row.senders
    return download_words.sender_count(download.sources) if download else 0


def _status(row: ListRow) -> str:
    """A row has a column for the number of seeders."""
    node, download = row.node, row.download
    if node.kind is NodeKind.PROBLEM:
        return remedies.of_failure(download.failure).line if download is not None else ""
    if node.kind is NodeKind.FOLDER and _progress(row) is None:
        return figures.count(node.files, "file")
    if download is None or not node.is_listed:
        return ""
    if download.state is DownloadState.FAILED:
        return _failed(row, download)
    if download.state is DownloadState.WAITING_FOR_SPACE and download.cause:
        return download.cause
    if download.state is DownloadState.DOWNLOADING and download.files > 1:
        status = figures.part(download.files_ended, download.files, "file")
    else:
        status = status_of(download)
    return f"{status}, {figures.count(row.problems, 'problem')}" if row.problems else status


def _failed(row: ListRow, download: DownloadChanged) -> str:
    line = remedies.of_failure(download.failure).line
    if not row.problems:
        return line
    return f"{figures.count(row.problems, 'file')}: {line[:1].lower()}{line[1:]}"


def _computer(computer: ConnectedComputer) -> str:
    return wording.computer_name(computer.name, computer.address)


def _computer_order(computer: ConnectedComputer) -> str:
    return room_words.computer_order(computer.name, wording.place(computer.address))


FILE_COLUMNS = (
    Column("Progress", _progress_text, _percent, 144),
    Column(
        *("File", _name, lambda row: row.node.name.casefold(), 140),
        stretches=True,
        cut="middle",
        sign=_sign,
    ),
    Column[ListRow].of_size("Size", lambda row: row.node.size if row.node.is_listed else None, 80),
    Column.of_rate("Speed", _rate, 84),
    Column.of_duration("Time left", _seconds_left, 84),
    Column.of_number("From", _senders, lambda row: str(_senders(row) or ""), 56),
    Column("Status", _status, width=120, stretches=True, cut="end"),
    Column[ListRow].of_number(
        "#", lambda row: row.place or NO_PLACE, lambda row: str(row.place or ""), 40
    ),
)
COMPUTER_COLUMNS: tuple[Column[ConnectedComputer], ...] = (
    Column("Computer", _computer, _computer_order, 128, stretches=True, cut="middle"),
    Column[ConnectedComputer].of_percent("Has", lambda computer: computer.percent, 64),
    Column[ConnectedComputer].of_rate("Down", lambda computer: computer.down, 80),
    Column[ConnectedComputer].of_rate("Up", lambda computer: computer.up, 80),
    Column[ConnectedComputer](
        "State", lambda computer: computer.state, width=104, stretches=True, cut="end"
    ),
)
