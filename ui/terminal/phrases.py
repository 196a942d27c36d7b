"""Words that only the terminal has: lines of lists, and how files ended. Pure text."""

from __future__ import annotations

from pathlib import Path

from roles.values.addresses import Address, is_loopback
from roles.values.errors import LmkError
from roles.values.events import DownloadState, ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from ui import wording


def spent(seconds: float) -> str:
    """How long something took: "12 s", "3 min"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return wording.duration(seconds)


def file(listed: ListedFile) -> str:
    """A line of a list."""
    twin = f" [{listed.twin}]" if listed.twin else ""
    return f"{wording.size(listed.size):>10}  {shown_name(listed.name)}{twin}"


def folder(listed: ListedFolder, width: int = 0) -> str:
    """A line of a list; `width` is that of the longest name, for a straight column."""
    name = f"{shown_name(listed.name)}/"
    return f"{name:<{width}}  {wording.count(listed.files, 'file')}  {wording.size(listed.size)}"


def folder_row(listed: ListedFolder) -> str:
    """A line of a numbered list, in line with those of files."""
    name = f"{shown_name(listed.name)}/"
    return f"{wording.size(listed.size):>10}  {name}  {wording.count(listed.files, 'file')}"


def ended(name: str, state: DownloadState, saved_as: Path | None, failure: LmkError | None) -> str:
    """How a file of this path ended."""
    match state:
        case DownloadState.DONE if saved_as is not None and saved_as.name != last_part(name):
            return f"Done, checked, saved as {shown_name(saved_as.name)}"
        case DownloadState.DONE:
            return "Done, checked"
        case DownloadState.SKIPPED:
            return "Skipped: you have the same file already"
        case DownloadState.FAILED:
            return f"Failed: {failure}" if failure is not None else "Failed"
        case _:
            return str(state.value).capitalize()


def last_part(path: str) -> str:
    """The name of the file itself."""
    return path.rpartition("/")[2]


def member(computer: str, address: Address) -> str:
    """A program of the room, with the name of its computer when it is another one."""
    return (
        wording.place(address) if is_loopback(address.host) else wording.computer(computer, address)
    )
