"""How a seeder is doing, in words: its folder, its torrent, its slots. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from roles.values import figures
from roles.values.events import (
    FolderScanned,
    HashingChanged,
    SeederState,
    Skipped,
    SkipReason,
    TorrentChanged,
)
from ui import wording

# Why files are not offered: what is counted, and the words behind it.
_SKIPPED = {
    SkipReason.UNREADABLE: ("item", " that cannot be read"),
    SkipReason.WRITTEN: ("file", " that another program is still writing"),
    SkipReason.NAME: ("item", " whose name cannot be stored"),
    SkipReason.DEPTH: ("item", " nested too deep"),
    SkipReason.LINK: ("link", ""),
    SkipReason.SPECIAL: ("special file", ", such as a device or pipe"),
    SkipReason.SIZE: ("file", " of more than 1 TiB"),
    SkipReason.NUMBER: ("item", " too many for one share: share a smaller folder"),
    SkipReason.LITTER: ("hidden file", " of a file manager"),
}

STATES = {
    SeederState.AVAILABLE: "Available",
    SeederState.CONNECTED: "Connected",
    SeederState.AWAY: "Busy: all upload slots in use",
}


def folder_status(folder: FolderScanned) -> str:
    if folder.problem:
        return folder.problem
    total = sum(file.size for file in folder.files)
    sentences = [f"{figures.count(len(folder.files), 'file').capitalize()}, {figures.size(total)}."]
    missing = len(folder.files) - folder.announced
    if not folder.is_listed:
        sentences.append(_not_listed(folder))
    elif missing > 0:
        verb = "does" if missing == 1 else "do"
        sentences.append(f"{missing} of them {verb} not fit into the tracker's list.")
    if folder.in_subfolders:
        files = figures.count(folder.in_subfolders, "file").capitalize()
        sentences.append(f"{files} in sub-folders not shared yet.")
    if folder.skipped:
        sentences.append(skipped(folder.skipped))
    return " ".join(sentences)


def skipped(reasons: Sequence[Skipped]) -> str:
    parts = list[str]()
    for reason in reasons:
        noun, words = _SKIPPED[reason.why]
        number = figures.count(len(reason.paths), noun)
        parts.append(f"{number}{words} ({wording.names(reason.paths)})")
    return f"Not shared: {', '.join(parts)}."


def reading_status(reading: HashingChanged) -> str:
    """How far a seeder has read its folder; "" when it has read everything."""
    if not reading.files_left and reading.hashed >= reading.size:
        return ""
    done = f"{figures.size(reading.hashed)} of {figures.size(reading.size)}"
    left = figures.count(reading.files_left, "file")
    return f"Checking files: {done}, {left} left. Checked files are already shared."


def torrent_status(torrent: TorrentChanged) -> str:
    """How far a seeder is with the torrent of its folder; "" when it is done."""
    if torrent.torrent or not torrent.size:
        return torrent.problem
    done = f"{figures.size(torrent.hashed)} of {figures.size(torrent.size)}"
    return f"Making the torrent: {done}. All files are already shared."


def _not_listed(folder: FolderScanned) -> str:
    if folder.refusal:
        return f"The tracker lists {folder.announced or 'none'} of them. {folder.refusal}"
    if folder.announced:
        return f"The tracker lists {folder.announced:,} of them so far."
    return "The tracker does not list them yet."
