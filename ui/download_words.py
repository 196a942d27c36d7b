"""One download in words: its figures, what holds it up, how each computer helps. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from roles.values.addresses import Address, is_loopback
from roles.values.events import Bottleneck, DownloadChanged, Slowest, Upload, Watched, WatchedPeer
from roles.values.safe_names import shown_name
from ui import wording

NAMED = 2  # computers in a sentence; more are counted
_DAMAGED = 5  # see _state_of()


@dataclass(frozen=True, slots=True)
class ConnectedComputer:
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


def computers(watched: Watched, uploads: Iterable[Upload]) -> list[ConnectedComputer]:
    """The computers that are connected; several connections to one are one row."""
    up = defaultdict[str, float](float)
    for upload in uploads:
        up[_place(upload.computer, upload.leecher, port=False)] += upload.rate
    peers = defaultdict[str, list[WatchedPeer]](list)
    for one in watched.peers:
        peers[_place(one.computer, one.address, port=True)].append(one)
    return [
        _computer(watched, some, up[_place(some[0].computer, some[0].address, port=False)])
        for some in peers.values()
    ]


def _computer(
    watched: Watched, connections: Sequence[WatchedPeer], given: float
) -> ConnectedComputer:
    first, content = connections[0], watched.content
    missing = 0 if content is None else content.all_chunks & ~watched.have
    has = [one.has for one in connections if one.has is not None]
    states = (_state_of(one, given, missing) for one in connections)
    rank, state = max(states, key=itemgetter(0))
    return ConnectedComputer(
        first.address,
        first.computer,
        wording.percent(has[0].bit_count(), content.count) if has and content else None,
        sum(one.rate for one in connections),
        given,
        state,
        is_bad=rank == _DAMAGED,
    )


def _state_of(peer: WatchedPeer, given: float, missing: int) -> tuple[int, str]:
    """How much the state of a connection matters, as a number, and its words."""
    if peer.damaged and peer.damaged_again_s > 0:
        return _DAMAGED, f"Damaged piece, retry in {max(1, round(peer.damaged_again_s))} s"
    if peer.is_sending or peer.rate >= 1:
        return 4, "Sending and taking" if given >= 1 else "Sending"
    if peer.position:
        return 3, f"In the queue (position {peer.position})"
    if given >= 1:
        return 2, "Taking"
    if missing and peer.has is not None and not peer.has & missing:
        return 1, "Has nothing that you lack"
    return 0, "Connected"


def computers_of(download: DownloadChanged) -> list[ConnectedComputer]:
    """The same for a download from originals, which say nothing of what they have."""
    return [
        ConnectedComputer(
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
