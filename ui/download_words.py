"""What is said of a download: how far it is, what holds it up, what came of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from roles.values import figures
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    Source,
    UpdateFound,
    Verified,
    stored_path,
)
from roles.values.folder_keys import FolderKey
from roles.values.room_words import shown_computer
from roles.values.safe_names import shown_name
from roles.values.watched import Bottleneck, Slowest
from ui import wording

NAMED = 2  # computers in a sentence; more are counted
_TWIN = re.compile(r" \[[0-9a-f]{4,64}\]\Z")


def status(download: DownloadChanged) -> str:
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


def progress(download: DownloadChanged, peak: float) -> str:
    """ "46.8 MB of 120 MB · 3.1 MB/s · 0:24 left · peak 4.4 MB/s"."""
    parts = [f"{figures.size(download.have)} of {figures.size(download.size)}"]
    if download.state.is_final:
        return figures.size(download.size)
    if rate := figures.rate(download.rate):
        parts.append(rate)
    if left := figures.duration(download.seconds_left):
        parts.append(f"{left} left")
    if peak > download.rate and figures.rate(peak):
        parts.append(f"peak {figures.rate(peak)}")
    return " · ".join(parts)


def bottleneck(cause: Bottleneck) -> str:
    """One sentence: the slowest part, and how that is known."""
    senders, rate = _senders(cause.senders), figures.rate(cause.rate)
    disk = f"the disk could take {figures.rate(cause.disk_rate)}" if cause.disk_rate else ""
    match cause.slowest:
        case Slowest.LIMIT:
            who = f"{senders} {_verb(cause.senders, 'sends', 'send')}" if senders else ""
            limit = figures.rate(cause.limit)
            return f"Slowest now: your download limit of {limit}{_evidence(disk, who)}."
        case Slowest.DISK:
            who = f"{senders} {_verb(cause.senders, 'waits', 'wait')} for it" if senders else ""
            return f"Slowest now: this disk, which writes {rate}{_evidence(who)}."
        case Slowest.PROCESSOR:
            return f"Slowest now: this computer, which checks {rate}{_evidence(disk)}."
        case Slowest.LINK:
            before = f"{cause.fewer} did, {figures.rate(cause.fewer_rate)}"
            more = f"{len(cause.senders)} senders bring no more than {before}"
            return f"Slowest now: this computer's network link, {rate}{_evidence(more, disk)}."
        case Slowest.SENDERS:
            if not senders:
                return ""
            link = "the connection of" if len(cause.senders) == 1 else "the connections of"
            return f"Slowest now: {link} {senders}, {rate}{_evidence(disk)}."


def is_sending(source: Source) -> bool:
    """Whether it is sending, or will be at the next request."""
    return source.is_sending or source.rate >= 1


def sender_count(sources: Iterable[Source]) -> int:
    """Programs that are sending; each may have several connections."""
    return len({source.seeder for source in sources if is_sending(source)})


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
    items = figures.count(number, "item").capitalize()
    return f"{items} saved under other names, {why}: {', '.join(first)}{more}."


def update_found(update: UpdateFound) -> str:
    """What has changed in a folder since it was downloaded, and which files stay as they are."""
    changed = figures.count(update.changed, "file")
    said = f"{update.title}: {changed} changed, {figures.size(update.size)}."
    if not update.edited:
        return said
    rest = "They stay, and the new versions are stored beside them."
    if len(update.edited) == 1:
        rest = "It stays, and the new version is stored beside it."
    return f"{said} You have edited {wording.names(update.edited, shown=wording.quoted)}. {rest}"


def verifying(event: Verified) -> str:
    return f"Checking {event.title} again: {figures.percent(event.size_read, event.size)} %."


def verified(event: Verified) -> str:
    """What was found when everything was read anew, and what fetching it again would do."""
    different = (*event.damaged, *event.edited, *event.missing)
    if not different:
        return f"{event.title}: checked again, unchanged ({figures.count(event.files, 'file')})."
    kinds = (
        ("damaged", event.damaged),
        ("changed here", event.edited),
        ("missing", event.missing),
    )
    said = [
        f"{name} {wording.names(paths, shown=wording.quoted)}" for name, paths in kinds if paths
    ]
    differ = "differs" if len(different) == 1 else "differ"
    files = figures.part(len(different), event.files, "file")
    parts = [f"{event.title}: {files} {differ} from what was downloaded."]
    parts.append(wording.capitalized(f"{'; '.join(said)}."))
    kept = {
        (True, True): "What you changed stays; what is damaged is kept under another name.",
        (True, False): "What is damaged is kept under another name.",
        (False, True): "What you changed stays; what is fetched is stored beside it.",
    }
    parts.append(kept.get((bool(event.damaged), bool(event.edited)), ""))
    return " ".join(filter(None, parts))


def _with_cause(words: str, cause: str) -> str:
    return f"{words}: {cause}" if cause else words


def _downloading(sources: tuple[Source, ...]) -> str:
    sending = sender_count(sources)
    return f"Downloading from {figures.count(sending, 'seeder')}" if sending else "Downloading"


def _done(download: DownloadChanged) -> str:
    """Says where the file is only if it has another name than in the list."""
    if download.files != 1 or FolderKey.of(download.name) is not None:
        others = download.renamed
        return f"Done, checked, {others:,} under other names" if others else "Done, checked"
    saved_as = download.saved_as
    if saved_as is not None and stored_path(download.name, saved_as) == download.name:
        return "Done, checked"
    return f"Done, checked{other_name(_TWIN.sub('', download.name), saved_as)}"


def _senders(names: tuple[str, ...]) -> str:
    known = sorted({shown_computer(name) for name in names if name})
    if known and len(names) <= NAMED:
        return " and ".join(known)
    return figures.count(len(names), "computer") if names else ""


def _verb(names: tuple[str, ...], singular: str, plural: str) -> str:
    return singular if len(names) == 1 else plural


def _evidence(*parts: str) -> str:
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""
