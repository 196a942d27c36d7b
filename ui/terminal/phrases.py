"""Text that only the terminal has: lines of lists, and how files ended. Pure."""

from __future__ import annotations

from pathlib import Path

from roles.values.errors import LmkError
from roles.values.events import DownloadState, ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from ui import wording


def spent(seconds: float) -> str:
    """ "12 s", "3 min"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return wording.duration(seconds)


def file(listed: ListedFile) -> str:
    twin = f" [{listed.twin}]" if listed.twin else ""
    return f"{wording.size(listed.size):>10}  {shown_name(listed.name)}{twin}"


def folder(listed: ListedFolder, width: int = 0) -> str:
    """`width` is that of the longest name, to align the column."""
    name = f"{shown_name(listed.name)}/"
    return f"{name:<{width}}  {wording.count(listed.files, 'file')}  {wording.size(listed.size)}"


def folder_row(listed: ListedFolder) -> str:
    """A line of a numbered list, aligned with those of files."""
    name = f"{shown_name(listed.name)}/"
    return f"{wording.size(listed.size):>10}  {name}  {wording.count(listed.files, 'file')}"


def ended(name: str, state: DownloadState, saved_as: Path | None, failure: LmkError | None) -> str:
    match state:
        case DownloadState.DONE:
            return f"Done, checked{wording.other_name(name, saved_as)}"
        case DownloadState.SKIPPED:
            there = wording.other_name(name, saved_as)
            return f"Skipped: you have the same file already{there}"
        case DownloadState.FAILED:
            return f"Failed: {failure}" if failure is not None else "Failed"
        case _:
            return str(state.value).capitalize()
