"""The computers that are connected for a download: what each sends and takes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from roles.values import figures
from roles.values.addresses import Address, is_loopback
from roles.values.events import DownloadChanged, Upload
from roles.values.watched import Watched, WatchedPeer
from ui import wording
from ui.download_words import is_sending

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


def of_swarm(watched: Watched, uploads: Iterable[Upload]) -> list[ConnectedComputer]:
    """The computers that are connected; several connections to one are one row."""
    up = defaultdict[str, float](float)
    for upload in uploads:
        up[_place(upload.computer, upload.leecher, port=False)] += upload.rate
    computers = defaultdict[str, list[WatchedPeer]](list)
    for peer in watched.peers:
        computers[_place(peer.computer, peer.address, port=True)].append(peer)
    return [
        _computer(watched, peers, up[_place(peers[0].computer, peers[0].address, port=False)])
        for peers in computers.values()
    ]


def of_originals(download: DownloadChanged) -> list[ConnectedComputer]:
    """The same for a download from originals, which say nothing of what they have."""
    return [
        ConnectedComputer(
            source.seeder,
            source.computer,
            None,
            source.rate,
            0.0,
            "Sending" if is_sending(source) else "Connecting",
        )
        for source in download.sources
    ]


def holders_of(watched: Watched, chunk: int) -> list[str]:
    """The names of the computers that have this chunk."""
    return sorted(
        {
            wording.computer_name(peer.computer, peer.address)
            for peer in watched.peers
            if peer.has is not None and peer.has >> chunk & 1
        }
    )


def _computer(watched: Watched, peers: Sequence[WatchedPeer], given: float) -> ConnectedComputer:
    first, content = peers[0], watched.content
    missing = 0 if content is None else content.all_chunks & ~watched.have
    has = [peer.has for peer in peers if peer.has is not None]
    states = (_state_of(peer, given, missing) for peer in peers)
    rank, state = max(states, key=itemgetter(0))
    return ConnectedComputer(
        first.address,
        first.computer,
        figures.percent(has[0].bit_count(), content.count) if has and content else None,
        sum(peer.rate for peer in peers),
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


def _place(name: str, address: Address, *, port: bool) -> str:
    """What is one computer; on this one, each program is shown."""
    is_here = port and is_loopback(address.host)
    return f"{name}\0{address}" if is_here else f"{name}\0{address.host}"
