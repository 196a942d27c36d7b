"""States as text for people, in window, terminal and log; numbers come from figures. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from roles.values.addresses import Address, is_loopback
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
    HashingChanged,
    NetworkChanged,
    SeederState,
    Skipped,
    SkipReason,
    Source,
    TorrentChanged,
    TrackerMoved,
    UpdateFound,
    Verified,
    stored_path,
)
from roles.values.figures import count as count
from roles.values.figures import duration as duration
from roles.values.figures import duration_words as duration_words
from roles.values.figures import percent as percent
from roles.values.figures import rate as rate
from roles.values.figures import size as size
from roles.values.folder_keys import FolderKey
from roles.values.room_words import COMPUTER_LENGTH as COMPUTER_LENGTH
from roles.values.room_words import computer_order as computer_order
from roles.values.safe_names import shown_name

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
_TWIN = re.compile(r" \[[0-9a-f]{4,64}\]\Z")
_RECONNECTING = "Reconnecting."

SEEDER_STATES = {
    SeederState.AVAILABLE: "Available",
    SeederState.CONNECTED: "Connected",
    SeederState.AWAY: "Busy: all upload slots in use",
}


def spent(seconds: float) -> str:
    """ "12 s", "3 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 100 else duration(seconds)


def ago(seconds: float) -> str:
    return "now" if seconds < 2 else f"{duration(seconds)} ago"


def place(address: Address) -> str:
    return f"this computer, port {address.port}" if is_loopback(address.host) else str(address)


def computer(name: str, address: Address) -> str:
    """Another computer: its name, if it told one, and its address."""
    shown = shown_name(name, COMPUTER_LENGTH)
    return f"{shown} ({address})" if shown else place(address)


def computer_name(name: str, address: Address) -> str:
    """Its name, or its address if it told none."""
    return shown_name(name, COMPUTER_LENGTH) or place(address)


def part(number: int, whole: int, noun: str) -> str:
    """ "3 of 10,000 files"."""
    return f"{number:,} of {count(whole, noun)}"


def short_name(name: str) -> str:
    """A stranger's name, for use within a sentence."""
    return shown_name(name, 60)


def download_status(download: DownloadChanged) -> str:
    """One sentence on how far a download is, with the cause if it is not moving."""
    match download.state:
        case DownloadState.QUEUED:
            return "Queued"
        case DownloadState.CHECKING:
            return "Checking what you have"
        case DownloadState.LOOKING:
            return _with_cause("Looking for seeders", download.cause)
        case DownloadState.IN_QUEUE:
            if download.position:
                return f"In the queue (position {download.position})"
            return "In the queue: all seeders are busy"
        case DownloadState.DOWNLOADING:
            return _downloading(download.sources)
        case DownloadState.RETRYING:
            return _with_cause("Retrying", download.cause)
        case DownloadState.WAITING_FOR_SPACE:
            return _with_cause("Disk full", download.cause)
        case DownloadState.VERIFYING:
            return "Verifying"
        case DownloadState.PAUSED:
            return "Paused"
        case DownloadState.DONE:
            return _done(download)
        case DownloadState.SKIPPED:
            return "Already here, identical"
        case DownloadState.FAILED:
            return _with_cause("Failed", str(download.failure or ""))
        case DownloadState.CANCELLED:
            return "Cancelled"


def is_sending(source: Source) -> bool:
    """Whether it is sending, or will be at the next request."""
    return source.is_sending or source.rate >= 1


def sender_count(sources: Iterable[Source]) -> int:
    """Programs that are sending; each may have several connections."""
    return len({source.seeder for source in sources if is_sending(source)})


def list_status(listed: FilesListed) -> str:
    """ "8 files in 1 folder", "3 files from 2 seeders"."""
    if not (listed.files or listed.folders):
        return "nothing is shared yet"
    offered = count(len(listed.files), "file")
    if listed.folders:
        return f"{offered} in {count(len(listed.folders), 'folder')}"
    return f"{offered} from {count(len(listed.seeders), 'seeder')}"


def folder_status(folder: FolderScanned) -> str:
    if folder.problem:
        return folder.problem
    total = sum(file.size for file in folder.files)
    sentences = [f"{count(len(folder.files), 'file').capitalize()}, {size(total)}."]
    missing = len(folder.files) - folder.announced
    if not folder.is_listed:
        sentences.append(_not_listed(folder))
    elif missing > 0:
        verb = "does" if missing == 1 else "do"
        sentences.append(f"{missing} of them {verb} not fit into the tracker's list.")
    if folder.in_subfolders:
        sentences.append(
            f"{count(folder.in_subfolders, 'file').capitalize()} in sub-folders not shared yet."
        )
    if folder.skipped:
        sentences.append(skipped(folder.skipped))
    return " ".join(sentences)


def _not_listed(folder: FolderScanned) -> str:
    if folder.refusal:
        return f"The tracker lists {folder.announced or 'none'} of them. {folder.refusal}"
    if folder.announced:
        return f"The tracker lists {folder.announced:,} of them so far."
    return "The tracker does not list them yet."


def skipped(reasons: Sequence[Skipped]) -> str:
    parts = [
        f"{count(len(one.paths), _SKIPPED[one.why][0])}{_SKIPPED[one.why][1]} ({names(one.paths)})"
        for one in reasons
    ]
    return f"Not shared: {', '.join(parts)}."


def names(all_of_them: Sequence[str], most: int = 3, shown: Callable[[str], str] = str) -> str:
    """ "a, b, c and 5 more"; `shown` says how each is written."""
    more = len(all_of_them) - most
    first = ", ".join(map(shown, all_of_them[:most]))
    return f"{first} and {more:,} more" if more > 0 else first


def quoted(name: str) -> str:
    """A stranger's name."""
    return f"“{shown_name(name)}”"


def reading_status(reading: HashingChanged) -> str:
    """How far a seeder has read its folder; "" when it has read everything."""
    if not reading.files_left and reading.hashed >= reading.size:
        return ""
    done = f"{size(reading.hashed)} of {size(reading.size)}"
    left = count(reading.files_left, "file")
    return f"Checking files: {done}, {left} left. Checked files are already shared."


def torrent_status(torrent: TorrentChanged) -> str:
    """How far a seeder is with the torrent of its folder; "" when it is done."""
    if torrent.torrent or not torrent.size:
        return torrent.problem
    done = f"{size(torrent.hashed)} of {size(torrent.size)}"
    return f"Making the torrent: {done}. All files are already shared."


def unreachable(address: Address, platform: str) -> str:
    """What to do when nobody can connect to this address; `platform` as in sys.platform."""
    port = address.port
    remedy = firewall_remedy(port, platform)
    return (
        f"Others cannot connect to this computer on TCP {port}: its firewall blocks it. "
        f"Downloads still work. To fix it, {remedy[:1].lower()}{remedy[1:]}"
    )


def firewall_remedy(port: int, platform: str) -> str:
    """How to let others connect to this TCP port; `platform` as in sys.platform."""
    if platform == "win32":
        return (
            "Run this as administrator: netsh advfirewall firewall add "
            f'rule name="LMKtorrent" dir=in action=allow protocol=TCP localport={port}'
        )
    if platform == "darwin":
        return "Allow LMKtorrent in System Settings, Network, Firewall."
    return f"Run: sudo ufw allow {port}/tcp"


def network_changed(change: NetworkChanged) -> str:
    """What happened to this computer's network, and what follows; "" if it is not worth telling."""
    gone, come = " and ".join(change.gone), " and ".join(change.come)
    if change.for_others is not None and change.for_others.host in change.gone:
        return (
            f"The address {gone} is gone: {change.for_others} cannot be reached until it is back."
        )
    if change.is_cut_off:
        return (
            f"This computer is off the network: its address {gone} is gone. "
            "Everything continues when the network is back."
        )
    if gone and come:
        return f"The address of this computer changed from {gone} to {come}. {_RECONNECTING}"
    if come:
        return f"This computer is on the network as {come}. {_RECONNECTING}"
    if gone:
        return f"The address {gone} of this computer is gone. {_RECONNECTING}"
    if change.has_slept:
        return f"This computer slept for {duration(change.held_up_s)}. {_RECONNECTING}"
    return ""


def tracker_moved(moved: TrackerMoved) -> str:
    used = computer(moved.name, moved.tracker)
    if moved.is_back:
        return f"The tracker {used} answers again; using it from now on."
    return f"The tracker {place(moved.former)} does not answer; using {used} from now on."


def _with_cause(words: str, cause: str) -> str:
    return f"{words}: {cause}" if cause else words


def _downloading(sources: tuple[Source, ...]) -> str:
    sending = sender_count(sources)
    return f"Downloading from {count(sending, 'seeder')}" if sending else "Downloading"


def other_name(path: str, saved_as: Path | None) -> str:
    """Goes after the state of a file that has another name here; "" if it has its own."""
    if saved_as is None or (stored := stored_path(path, saved_as)) == path:
        return ""
    return f", saved as {shown_name(stored)}"


def renamed(paths: Sequence[tuple[str, str]], number: int) -> str:
    """How many files and folders have other names here; `paths` has the first ones, as (listed,
    here).
    """
    first = [f"{shown_name(before)} → {shown_name(now)}" for before, now in paths]
    more = f" and {number - len(first):,} more" if number > len(first) else ""
    why = "because their own are taken or cannot be stored"
    items = count(number, "item").capitalize()
    return f"{items} saved under other names, {why}: {', '.join(first)}{more}."


def update_found(found: UpdateFound) -> str:
    """What has changed in a folder since it was downloaded, and which files stay as they are."""
    said = f"{found.title}: {count(found.changed, 'file')} changed, {size(found.size)}."
    if not found.edited:
        return said
    rest = "They stay, and the new versions are stored beside them."
    if len(found.edited) == 1:
        rest = "It stays, and the new version is stored beside it."
    return f"{said} You have edited {names(found.edited, shown=quoted)}. {rest}"


def verifying(event: Verified) -> str:
    return f"Checking {event.title} again: {percent(event.size_read, event.size)} %."


def verified(event: Verified) -> str:
    """What was found when everything was read anew, and what fetching it again would do."""
    different = (*event.damaged, *event.edited, *event.missing)
    if not different:
        return f"{event.title}: checked again, unchanged ({count(event.files, 'file')})."
    kinds = (
        ("damaged", event.damaged),
        ("changed here", event.edited),
        ("missing", event.missing),
    )
    said = [f"{name} {names(paths, shown=quoted)}" for name, paths in kinds if paths]
    differ = "differs" if len(different) == 1 else "differ"
    files = part(len(different), event.files, "file")
    parts = [f"{event.title}: {files} {differ} from what was downloaded."]
    parts.append(f"{said[0][:1].upper()}{'; '.join(said)[1:]}.")
    kept = {
        (True, True): "What you changed stays; what is damaged is kept under another name.",
        (True, False): "What is damaged is kept under another name.",
        (False, True): "What you changed stays; what is fetched is stored beside it.",
    }
    parts.append(kept.get((bool(event.damaged), bool(event.edited)), ""))
    return " ".join(one for one in parts if one)


def _done(download: DownloadChanged) -> str:
    """Says where the file is only if it has another name than in the list."""
    if download.files != 1 or FolderKey.of(download.name) is not None:
        others = download.renamed
        return f"Done, checked, {others:,} under other names" if others else "Done, checked"
    saved_as = download.saved_as
    if saved_as is not None and stored_path(download.name, saved_as) == download.name:
        return "Done, checked"
    return f"Done, checked{other_name(_TWIN.sub('', download.name), saved_as)}"
