"""A leecher's part in the swarm, as its downloads see it: what they join, and how it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from roles.downloads.arrival import Arrival
from roles.downloads.download_jobs import Job
from roles.swarm.peer_downloads import PeerDownloads
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.errors import ShortageError
from roles.values.events import Source


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be expected of the peers."""

    known: int  # peers that were heard of
    links: int  # connections
    is_receiving: bool  # a chunk is on its way
    place: int  # the best one in a line, 0 for none
    newest_at: float  # when the newest connection was made
    held: frozenset[int]  # the handles of those that somebody who is connected has, or may have
    lied_about: frozenset[int]  # those for which only peers are left that sent nothing right
    all_suspect: bool  # nobody is left but peers that sent bad chunks
    lack: ShortageError | None = None  # of this computer, to connect to anybody


class SwarmSide:
    """Its methods may be called from any thread."""

    def __init__(
        self,
        swarm: SharedSwarm,
        library: SwarmLibrary,
        downloads: PeerDownloads,
        join: Callable[[Iterable[str]], None],
    ) -> None:
        """`join` is told the ids of shares that this program takes part in from now on."""
        self.join = join
        self._swarm = swarm
        self._library = library
        self._downloads = downloads

    def arrival(self, job: Job, folder: Path, ended: Callable[[], None]) -> Arrival:
        """Begin a job. Raises StorageError."""
        is_first = not self._swarm.is_busy
        arrival = Arrival(job, folder, self._swarm, self._library, ended)
        if is_first:  # the tracker may have named who has it by now
            self._downloads.something_is_wanted()
        return arrival

    def outlook(self, arrivals: Collection[Arrival]) -> Outlook:
        """How things stand for these."""
        known, lack = self._downloads.others, self._downloads.lack
        held = self._swarm.held([one.handle for one in arrivals])
        with self._swarm.peers() as peers:
            count, is_receiving, place = peers.standing()
            is_all = bool(count) or known <= 1  # else who is not connected now may be honest
            lied_about = (
                one.handle for one in arrivals if is_all and peers.are_lying([one.transfer])
            )
            return Outlook(
                known,
                count,
                is_receiving,
                place,
                peers.newest_at(),
                held,
                frozenset(lied_about),
                all_suspect=peers.are_suspect(one.transfer for one in arrivals),
                lack=lack,
            )

    def sources(self) -> tuple[Source, ...]:
        """Each peer's part, for the window."""
        with self._swarm.peers() as peers:
            return peers.sources(now=time.monotonic())
