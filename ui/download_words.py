"""One download in words: its figures, what holds it up, how each computer helps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roles.values.addresses import Address, is_loopback
from roles.values.events import Bottleneck, DownloadChanged, Slowest, Upload, Watched
from roles.values.safe_names import shown_name
from ui import wording

NAMED = 2  # computers in a sentence; more are counted


@dataclass(frozen=True, slots=True)
class Computer:
    """One row: a computer with all of its connections."""

    address: Address
    name: str  # from the wire
    percent: int | None  # of the file; None: not known
    down: float  # bytes per second from it
    up: float  # and to it
    state: str
    is_bad: bool = False  # it sent something damaged


def figures(download: DownloadChanged, peak: float) -> str:
    """ "46.8 MB of 120 MB · 3.1 MB/s · 0:24 left · peak 4.4 MB/s"."""
    parts = [f"{wording.size(download.have)} of {wording.size(download.size)}"]
    if download.state.is_final:
        return wording.size(download.size)
    if rate := wording.rate(download.rate):
        parts.append(rate)
    if left := wording.duration(download.seconds_left):
        parts.append(f"{left} left")
    if peak > download.rate and wording.rate(peak):
        parts.append(f"peak {wording.rate(peak)}")
    return " · ".join(parts)


def bottleneck(found: Bottleneck) -> str:
    """One sentence: the slowest part, and how that is known."""
    senders, rate = _senders(found.senders), wording.rate(found.rate)
    disk = f"the disk could take {wording.rate(found.disk_rate)}" if found.disk_rate else ""
    match found.slowest:
        case Slowest.LIMIT:
            who = f"{senders} {_verb(found.senders, 'sends', 'send')}" if senders else ""
            limit = wording.rate(found.limit)
            return f"Slowest now: your download limit of {limit}{_evidence(disk, who)}."
        case Slowest.DISK:
            who = f"{senders} {_verb(found.senders, 'waits', 'wait')} for it" if senders else ""
            return f"Slowest now: this disk, which writes {rate}{_evidence(who)}."
        case Slowest.PROCESSOR:
            return f"Slowest now: this computer, which checks {rate}{_evidence(disk)}."
        case Slowest.LINK:
            before = f"{found.fewer} did, {wording.rate(found.fewer_rate)}"
            more = f"{len(found.senders)} senders bring no more than {before}"
            return f"Slowest now: this computer's network link, {rate}{_evidence(more, disk)}."
        case Slowest.SENDERS:
            if not senders:
                return ""
            link = "the connection of" if len(found.senders) == 1 else "the connections of"
            return f"Slowest now: {link} {senders}, {rate}{_evidence(disk)}."


def computers(watched: Watched, uploads: Iterable[Upload]) -> list[Computer]:
    """The computers that are connected; several connections to one are one row."""
    up: dict[str, float] = {}
    for upload in uploads:
        place = _place(upload.computer, upload.leecher, port=False)
        up[place] = up.get(place, 0.0) + upload.rate
    rows: dict[str, Computer] = {}
    missing = 0 if watched.content is None else watched.content.all_chunks & ~watched.have
    for one in watched.peers:
        place = _place(one.computer, one.address, port=True)
        given = up.get(_place(one.computer, one.address, port=False), 0.0)
        percent, state, is_bad = None, "Connected", False
        if watched.content is not None and one.has is not None:
            count = watched.content.count
            percent = wording.percent(one.has.bit_count(), count)
            if missing and not one.has & missing:
                state = "Has nothing that you lack"
        if one.damaged and one.damaged_again_s > 0:
            is_bad = True
            state = f"Damaged piece, retry in {max(1, round(one.damaged_again_s))} s"
        elif one.is_sending or one.rate >= 1:
            state = "Sending and taking" if given >= 1 else "Sending"
        elif one.position:
            state = f"In the queue (position {one.position})"
        elif given >= 1:
            state = "Taking"
        before = rows.get(place)
        if before is not None:
            is_first = before.state.startswith("Sending") or before.is_bad
            state, is_bad = (before.state, before.is_bad) if is_first else (state, is_bad)
            percent = before.percent if percent is None else percent
        down = one.rate + (before.down if before is not None else 0.0)
        rows[place] = Computer(one.address, one.computer, percent, down, given, state, is_bad)
    return list(rows.values())


def computers_of(download: DownloadChanged) -> list[Computer]:
    """The same for a download from originals, which say nothing of what they have."""
    return [
        Computer(
            one.seeder,
            one.computer,
            None,
            one.rate,
            0.0,
            "Sending" if wording.is_sending(one) else "Connecting",
        )
        for one in download.sources
    ]


def holders_of(watched: Watched, chunk: int) -> list[str]:
    """The names of the computers that have this chunk."""
    return sorted(
        {
            wording.computer_name(one.computer, one.address)
            for one in watched.peers
            if one.has is not None and one.has >> chunk & 1
        }
    )


def _place(name: str, address: Address, *, port: bool) -> str:
    """What is one computer; on this one, each program is shown."""
    is_here = port and is_loopback(address.host)
    return f"{name}\0{address}" if is_here else f"{name}\0{address.host}"


def _senders(names: tuple[str, ...]) -> str:
    known = sorted({shown_name(name, wording.COMPUTER_LENGTH) for name in names if name})
    if known and len(names) <= NAMED:
        return " and ".join(known)
    return wording.count(len(names), "computer") if names else ""


def _verb(names: tuple[str, ...], one: str, more: str) -> str:
    return one if len(names) == 1 else more


def _evidence(*parts: str) -> str:
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""
