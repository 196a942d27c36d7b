"""The page of a shared folder: what is in it, and links to the rest of the share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roles.sharing.folder_tree import TreeFile
from roles.values.figures import count, size
from roles.web.folder_index import IndexedFolder
from roles.web.http_wire import http_date, quoted, quoted_path
from roles.web.page import button, escape, frame, name

ENTRIES = 1_000  # rows of one page
_FOOTER = (
    "<footer>A browser cannot check what it gets. LMKtorrent checks every byte, and continues "
    "where it stopped.</footer>"
)


@dataclass(frozen=True, slots=True)
class FolderView:
    """What a page shows."""

    share: str  # its id
    names: Sequence[str]  # of the shared folder and those below it, down to this one
    folder: IndexedFolder
    start: int  # the first entry that is shown, from 0
    room: str  # the URL of the room
    is_whole: bool  # all of it has been read
    torrent: str = ""  # the URL of its torrent, if it has one


def folder_page(view: FolderView) -> bytes:
    folder, title = view.folder, view.names[-1]
    parents = [("Room", escape(view.room))]
    for depth, outer in enumerate(view.names[:-1], 1):
        parents.append((outer, f"/s/{view.share}/{quoted_path(view.names[:depth])}/"))
    entries: list[IndexedFolder | TreeFile] = [*folder.folders, *folder.files]
    shown = entries[view.start : view.start + ENTRIES]
    rows = "".join(map(_row, shown))
    table = (
        '<table><thead><tr><th>Name</th><th class="number">Size</th>'
        f'<th class="number wide">Changed</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    body = (
        f'<div class="card table"><div class="row"><div>{_sums(view)}</div>'
        f'<div class="buttons">{_buttons(view)}</div></div>'
        f"{table if shown else _empty(view)}</div>{_pages(view, len(entries))}{_FOOTER}"
    )
    return frame(title, body, parents=parents)


def _sums(view: FolderView) -> str:
    folder = view.folder
    text = f'<p class="muted">{count(folder.file_count, "file").capitalize()}'
    text += f", {size(folder.size)}</p>" if folder.file_count else "</p>"
    if not view.is_whole:
        text += '<p class="warning">Still being read. Load this page again for the rest.</p>'
    return text


def _buttons(view: FolderView) -> str:
    """No ZIP while the folder is still being read, because files would be missing."""
    buttons = list[str]()
    if view.is_whole and (view.folder.files or view.folder.folders):
        path = f"{quoted_path(view.names)}/{quoted(view.names[-1])}.zip"
        buttons.append(button("All as ZIP", f"/z/{view.share}/{path}", is_first=True))
    if view.torrent:
        buttons.append(button("Torrent", view.torrent))
    return "".join(buttons)


def _empty(view: FolderView) -> str:
    said = "Nothing here." if view.start else "This folder is empty."
    return f'<table><tbody><tr><td class="muted">{said}</td></tr></tbody></table>'


def _row(entry: IndexedFolder | TreeFile) -> str:
    if isinstance(entry, IndexedFolder):
        own, kind, mtime = entry.name, "folder", entry.mtime
        href = f"./{quoted(own)}/"
    else:
        own, kind = entry.path.rpartition("/")[2], "file"
        href, mtime = f"./{quoted(own)}", entry.mtime_ns // 1_000_000_000
    return (
        f'<tr><td><a href="{href}"><i class="{kind}"></i>{name(own)}</a></td>'
        f'<td class="number">{size(entry.size)}</td>'
        f'<td class="number wide">{_day(mtime)}</td></tr>'
    )


def _day(mtime: int | None) -> str:
    """ "30 Nov 2026", from "Mon, 30 Nov 2026 ..."; "" if it is not known."""
    return (http_date(mtime) or "")[5:16].lstrip("0")


def _pages(view: FolderView, entries: int) -> str:
    """The line "1 to 1,000 of 5,000" with its buttons; "" if one page holds all entries."""
    if entries <= ENTRIES:
        return ""
    end = min(entries, view.start + ENTRIES)
    buttons = list[str]()
    if view.start:
        buttons.append(button("Back", f"./?from={max(0, view.start - ENTRIES)}"))
    if end < entries:
        buttons.append(button("Next", f"./?from={end}", is_first=True))
    said = f"{view.start + 1:,} to {end:,} of {entries:,}" if view.start < end else ""
    return (
        f'<div class="row"><p class="muted">{said}</p>'
        f'<div class="buttons">{"".join(buttons)}</div></div>'
    )
