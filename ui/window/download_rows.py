"""Downloads and their sources as rows of a table. Pure: events in, texts out."""

from __future__ import annotations

from roles.events import DownloadChanged, DownloadState, ListedFile, Source
from roles.safe_names import shown_name
from ui import wording
from ui.window.progress_bars import BarKind
from ui.window.table import Column, Row

FILE_COLUMNS = (
    Column("Progress", 120),
    Column("File", 142, stretches=True),
    Column("Size", 88, is_number=True),
    Column("Speed", 92, is_number=True),
    Column("Time left", 88, is_number=True),
    Column("From", 56, is_number=True),
    Column("Status", 182, stretches=True),
)
NAME_COLUMN = 1
SOURCE_COLUMNS = (
    Column("Seeder", 200, stretches=True),
    Column("Received", 110, is_number=True),
    Column("Speed", 110, is_number=True),
    Column("State", 200, stretches=True),
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
    DownloadState.IN_LINE: "Warning",
    DownloadState.CANCELLED: "Muted",
    DownloadState.PAUSED: "Muted",
}
_FOR_EVER = float("inf")


def file_row(file: ListedFile, download: DownloadChanged | None) -> Row:
    """One file of the list, with its download if there is one."""
    name, size = shown_name(file.name), wording.size(file.size)
    if download is None or download.state is DownloadState.CANCELLED:
        status = "" if download is None else wording.download_status(download)
        return Row(
            ("", name, size, "", "", "", status),
            (-1.0, name.casefold(), float(file.size), 0.0, _FOR_EVER, 0.0, status),
            "Plain" if download is None else "Muted",
            (0, BarKind.RESTING),
        )
    percent = wording.percent(download.have, download.size)
    if percent == 100 and not download.state.is_final:
        percent = 99  # all is here, but not checked yet
    sending = sum(1 for source in download.sources if source.is_sending)
    status = wording.download_status(download)
    left = download.seconds_left
    has_begun = download.have > 0 or download.state.is_active or download.state.is_final
    return Row(
        (
            f"{percent} %" if has_begun else "",
            name,
            size,
            wording.rate(download.rate),
            wording.duration(left),
            str(sending or ""),
            status,
        ),
        (
            float(percent),
            name.casefold(),
            float(file.size),
            download.rate,
            _FOR_EVER if left is None else left,
            float(sending),
            status,
        ),
        _TONES.get(download.state, "Plain"),
        (percent, _BARS.get(download.state, BarKind.MOVING)),
    )


def source_row(source: Source) -> Row:
    """One seeder's part in a download."""
    return Row(
        (
            wording.place(source.seeder),
            wording.size(source.received) if source.received else "",
            wording.rate(source.rate),
            "Sending" if source.is_sending else "Connecting",
        ),
        (str(source.seeder), float(source.received), source.rate, str(source.is_sending)),
    )
