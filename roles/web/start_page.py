"""The first page of a tracker: the folders of its room, the program, how far the room is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from roles.values.addresses import Address
from roles.values.figures import count, size
from roles.web import page
from roles.web.http_wire import quoted

MAX_FOLDERS = 200
ONLY_THE_PROGRAM = "Only the program can fetch it: "
_HONESTY = (
    "It shows whether the download was damaged. It does not prove who made the program, because "
    "this page came over the same network."
)


@dataclass(frozen=True, slots=True)
class Folder:
    """One share, or several that are copies of one folder."""

    share: str  # its id; of several, one whose seeder can be reached
    name: str
    files: int
    size: int  # bytes
    seeders: int
    obstacle: str = ""  # why no browser can open it
    has_torrent: bool = False
    is_here: bool = False  # that seeder is on the tracker's computer


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """A file that runs this program."""

    name: str
    size: int  # bytes
    sha256: str
    runs_on: str  # "Linux (x86_64)"
    kind: str  # "windows", "unix" or "pyz"
    data: bytes = field(repr=False)
    mtime: int  # seconds since 1970


def start_page(
    tracker_name: str,
    address: Address,
    folders: Sequence[Folder],
    programs: Sequence[ProgramFile],
    room: str,
    *,
    no_program: str = "",
) -> bytes:
    """`tracker_name`: of its computer. `address`: of the tracker, as the reader reaches it.
    `no_program` says why the program cannot be fetched here.
    """
    shown = folders[:MAX_FOLDERS]
    cards = [_folder(folder) for folder in shown]
    if len(folders) > len(shown):
        cards.append(f"<p>{count(len(folders) - len(shown), 'more folder')}: in the program.</p>")
    if not cards:
        cards = [page.card("<p>Nothing is shared yet.</p>")]
    files = [_program(file, address) for file in programs]
    parts = (
        ("Folders", cards),
        ("The program", files or [page.card(f"<p>{no_program}</p>")]),
        ("Room", [page.card(f"<p>{page.escape(room)}</p>", page.button("Watch", "./room"))]),
    )
    body = "".join(f"<section><h2>{title}</h2>{''.join(cards)}</section>" for title, cards in parts)
    below = f"at {page.name(tracker_name)}, <code>{address}</code>"
    return page.frame("LMKtorrent", body, below=below)


def _folder(folder: Folder) -> str:
    name = page.name(folder.name) or "(without a name)"
    at = f", at {count(folder.seeders, 'seeder')}" if folder.seeders else ""
    what = f"<small>{count(folder.files, 'file')}, {size(folder.size)}{at}</small>"
    if folder.obstacle:
        why = f'<small class="warning">{ONLY_THE_PROGRAM}{page.escape(folder.obstacle)}</small>'
        return page.card(f"<h3>{name}</h3>{what}{why}")
    path = quoted(folder.name)
    open_it = f"./s/{folder.share}/{path}/"
    buttons = [
        page.button("Open", open_it, is_first=True),
        page.button("ZIP", f"./z/{folder.share}/{path}/{path}.zip"),
    ]
    if folder.has_torrent:
        buttons.append(page.button("Torrent", f"./t/{folder.share}/{path}.torrent"))
    return page.card(f'<h3><a href="{open_it}">{name}</a></h3>{what}', *buttons)


def _program(file: ProgramFile, address: Address) -> str:
    href = f"./program/{quoted(file.name)}"
    left = (
        f"<h3>{page.name(file.name)}</h3>"
        f"<small>{size(file.size)}, for {page.escape(file.runs_on)}. "
        "Faster for a whole room: computers give each other what they have.</small>"
    )
    check, *start = _commands(file, address)
    more = (
        "<details><summary>SHA-256, and how to start it</summary>"
        f"<div><p>SHA-256:</p><pre>{file.sha256}</pre>"
        f"<p>To compare it:</p>{_typed([check])}"
        f'<p class="muted">{_HONESTY}</p>'
        f"<p>To fetch everything that the room has:</p>{_typed(start)}"
        f"<p>{_window_words(file)}</p></div></details>"
    )
    return page.card(left, page.button("Download", href, is_first=True), more=more)


def _typed(lines: Iterable[str]) -> str:
    """Commands, of which no word is broken at its hyphens."""
    words = (map("<span>{}</span>".format, page.escape(line).split(" ")) for line in lines)
    return f"<pre>{chr(10).join(map(' '.join, words))}</pre>"


def _commands(file: ProgramFile, address: Address) -> list[str]:
    """How to compare its digest, and then how to start it."""
    name, get = file.name, f"get --all --tracker {address}"
    match file.kind:
        case "windows":
            return [f"certutil -hashfile {name} SHA256", f".\\{name} {get}"]
        case "pyz":
            return [f"sha256sum {name}", f"python3 {name} {get}"]
        case _:
            fetch = f"curl -O http://{address}/program/{quoted(name)}"
            return [f"sha256sum {name}", fetch, f"chmod +x {name}", f"./{name} {get}"]


def _window_words(file: ProgramFile) -> str:
    if file.kind == "windows":
        return "Or open it with a double click: its window finds this room by itself."
    if file.kind == "pyz":
        return (
            f"<code>python3 {file.name}</code> alone opens its window, if Python has Tk. "
            "On Windows, type <code>py</code> instead of <code>python3</code>."
        )
    return f"<code>./{file.name}</code> alone opens its window, which finds this room by itself."
