"""The first page of a tracker: the folders of its room, the program, how far the room is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
class Program:
    """One file that runs this program."""

    name: str
    size: int  # bytes
    sha256: str
    runs_on: str  # "Linux (x86_64)"
    kind: str  # "windows", "unix" or "pyz"


def start_page(
    place: str,
    address: Address,
    folders: Sequence[Folder],
    programs: Sequence[Program],
    room: str,
    *,
    no_program: str = "",
) -> bytes:
    """`place`: this computer's name. `address`: of the tracker, as the reader reaches it.
    `no_program` says why the program cannot be fetched here.
    """
    shown = folders[:MAX_FOLDERS]
    cards = [_folder(one) for one in shown]
    if len(folders) > len(shown):
        cards.append(f"<p>{count(len(folders) - len(shown), 'more folder')}: in the program.</p>")
    if not cards:
        cards = [page.card("<p>Nothing is shared yet.</p>")]
    given = [_program(one, address) for one in programs] or [page.card(f"<p>{no_program}</p>")]
    parts = (
        ("Folders", cards),
        ("The program", given),
        ("Room", [page.card(f"<p>{page.escape(room)}</p>", page.button("Watch", "./room"))]),
    )
    body = "".join(f"<section><h2>{title}</h2>{''.join(cards)}</section>" for title, cards in parts)
    return page.frame("LMKtorrent", body, below=f"at {page.name(place)}, <code>{address}</code>")


def _folder(one: Folder) -> str:
    name = page.name(one.name) or "(without a name)"
    at = f", at {count(one.seeders, 'seeder')}" if one.seeders else ""
    what = f"<small>{count(one.files, 'file')}, {size(one.size)}{at}</small>"
    if one.obstacle:
        why = f'<small class="warning">{ONLY_THE_PROGRAM}{page.escape(one.obstacle)}</small>'
        return page.card(f"<h3>{name}</h3>{what}{why}")
    path = quoted(one.name)
    open_it = f"./s/{one.share}/{path}/"
    buttons = [
        page.button("Open", open_it, is_first=True),
        page.button("ZIP", f"./z/{one.share}/{path}/{path}.zip"),
    ]
    if one.has_torrent:
        buttons.append(page.button("Torrent", f"./t/{one.share}/{path}.torrent"))
    return page.card(f'<h3><a href="{open_it}">{name}</a></h3>{what}', *buttons)


def _program(one: Program, address: Address) -> str:
    href = f"./program/{quoted(one.name)}"
    left = (
        f"<h3>{page.name(one.name)}</h3><small>{size(one.size)}, for {page.escape(one.runs_on)}. "
        "Faster for a whole room: computers give each other what they have.</small>"
    )
    check, *start = _commands(one, address)
    more = (
        "<details><summary>SHA-256, and how to start it</summary>"
        f"<div><p>SHA-256:</p><pre>{one.sha256}</pre>"
        f"<p>To compare it:</p>{_typed([check])}"
        f'<p class="muted">{_HONESTY}</p>'
        f"<p>To fetch everything that the room has:</p>{_typed(start)}"
        f"<p>{_window_words(one)}</p></div></details>"
    )
    return page.card(left, page.button("Download", href, is_first=True), more=more)


def _typed(lines: Iterable[str]) -> str:
    """Commands, of which no word is broken at its hyphens."""
    words = (map("<span>{}</span>".format, page.escape(line).split(" ")) for line in lines)
    return f"<pre>{chr(10).join(map(' '.join, words))}</pre>"


def _commands(one: Program, address: Address) -> list[str]:
    """How to compare its digest, and then how to start it."""
    get = f"get --all --tracker {address}"
    match one.kind:
        case "windows":
            return [f"certutil -hashfile {one.name} SHA256", f".\\{one.name} {get}"]
        case "pyz":
            return [f"sha256sum {one.name}", f"python3 {one.name} {get}"]
        case _:
            fetch = f"curl -O http://{address}/program/{quoted(one.name)}"
            return [f"sha256sum {one.name}", fetch, f"chmod +x {one.name}", f"./{one.name} {get}"]


def _window_words(one: Program) -> str:
    if one.kind == "windows":
        return "Or open it with a double click: its window finds this room by itself."
    if one.kind == "pyz":
        return (
            f"<code>python3 {one.name}</code> alone opens its window, if Python has Tk. "
            "On Windows, type <code>py</code> instead of <code>python3</code>."
        )
    return f"<code>./{one.name}</code> alone opens its window, which finds this room by itself."
