"""The jobs of one download: some under way at a time, each taken a step further when it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from roles.arrival import Arrival
from roles.download_jobs import FileJob, Job, PackJob, alone
from roles.errors import ContentError, DiskFullError, LmkError, StorageError
from roles.events import DownloadState, FileEnded
from roles.file_tally import FileTally
from roles.settings import Existing
from roles.swarm_side import SwarmSide
from roles.target_folder import check_space
from roles.transfer import Transfer
from roles.unpacking import PackMember

MAX_ARRIVALS = 64  # at once: two descriptors each
MAX_CHUNKS = 2_048  # of all of them together, so that a folder comes in order


class Arrivals:
    """Owned by the download's thread, and by the leecher's when that has ended."""

    def __init__(
        self,
        folder: Path,
        side: SwarmSide,
        existing: Existing,
        should_stop: Callable[[], bool],
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called, from any thread, when step() has something to do."""
        self._folder = folder
        self._side = side
        self._existing = existing
        self._should_stop = should_stop
        self._wake = wake
        self._jobs: deque[Job] = deque()
        self._under_way: list[Arrival] = []
        self._arrived_before = 0  # bytes, of arrivals that ended

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to do."""
        return not self._jobs and not self._under_way

    @property
    def transfers(self) -> list[Transfer]:
        """What is under way."""
        return [arrival.transfer for arrival in self._under_way]

    @property
    def have(self) -> int:
        """Bytes of what is under way that are here."""
        return sum(arrival.have for arrival in self._under_way)

    @property
    def arrived(self) -> int:
        """Bytes that came over the network and were right."""
        return self._arrived_before + sum(one.arrived for one in self.transfers)

    @property
    def needed(self) -> int:
        """Bytes that what is under way still takes on the disk."""
        return sum(one.content.size - one.have for one in self._under_way)

    def begin(self, jobs: Iterable[Job]) -> None:
        """These are to be done, and no others; what was under way is left as it is."""
        self.leave()
        self._jobs = deque(jobs)

    def step(self, tally: FileTally) -> None:
        """Do what can be done now. Raises DiskFullError."""
        self._begin_more(tally)
        for arrival in list(self._under_way):
            if self._should_stop():
                return
            fault = arrival.transfer.fault
            if isinstance(fault, DiskFullError):
                raise fault
            if fault is not None:
                self._give_up(arrival, fault, tally)
            elif arrival.transfer.is_done and arrival.transfer.store is not None:
                self._finish(arrival, tally)
            else:
                arrival.go_on(self._should_stop)

    def stand_still(self) -> None:
        """Ask for nothing more."""
        for arrival in self._under_way:
            arrival.stand_still()

    def resume(self) -> None:
        """Ask again, after stand_still()."""
        for arrival in self._under_way:
            arrival.resume()

    def leave(self) -> None:
        """Close what is under way, and leave it where it is."""
        arrivals, self._under_way = self._under_way, []
        for arrival in arrivals:
            arrival.close()

    def discard(self) -> list[StorageError]:
        """Remove what came of what is under way. Returns what the disk said."""
        arrivals, self._under_way = self._under_way, []
        errors = list[StorageError]()
        for arrival in arrivals:
            try:
                arrival.discard()
            except StorageError as error:  # somebody has put something else in its place
                errors.append(error)
        return errors

    def _begin_more(self, tally: FileTally) -> None:
        while self._jobs and len(self._under_way) < MAX_ARRIVALS:
            chunks = sum(arrival.content.count for arrival in self._under_way)
            if chunks and chunks + self._jobs[0].content.count > MAX_CHUNKS:
                return
            self._begin(self._jobs[0], tally)
            self._jobs.popleft()

    def _begin(self, job: Job, tally: FileTally) -> None:
        check_space(self._folder, job.content.size)
        try:
            arrival = self._side.arrival(job, self._folder, self._wake)
        except DiskFullError:
            raise
        except StorageError as error:
            _note_failed(job, error, tally)
            return
        self._under_way.append(arrival)

    def _finish(self, arrival: Arrival, tally: FileTally) -> None:
        """Give what is whole its name; what is wrong with a pack's member is fetched alone."""
        unended = {member.path: member for member in _members(arrival.job)}
        try:
            for ended in arrival.finish(self._existing, self._should_stop):
                if not isinstance(ended.failure, ContentError):
                    unended.pop(ended.name, None)
                    tally.note(ended)
        except DiskFullError:
            raise
        except StorageError as error:
            self._give_up(arrival, error, tally)
            return
        if not self._should_stop():
            self._remove(arrival)
            self._jobs.extend(alone(member) for member in unended.values())

    def _give_up(self, arrival: Arrival, error: StorageError, tally: FileTally) -> None:
        """This one cannot be stored; what came is kept, for another try."""
        self._remove(arrival)
        arrival.close()
        _note_failed(arrival.job, error, tally)

    def _remove(self, arrival: Arrival) -> None:
        self._under_way.remove(arrival)
        self._arrived_before += arrival.transfer.arrived


def _members(job: Job) -> Iterable[PackMember]:
    return job.members if isinstance(job, PackJob) else ()


def _note_failed(job: Job, error: LmkError, tally: FileTally) -> None:
    files = [(job.path, job.size)] if isinstance(job, FileJob) else []
    files += [(member.path, member.content.size) for member in _members(job)]
    for path, size in files:
        tally.note(FileEnded(path, size, DownloadState.FAILED, failure=error))
