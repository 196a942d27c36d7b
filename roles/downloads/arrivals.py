"""The jobs of one download: some under way at a time, each taken a step further when it can be.

A job that nobody can serve does not block others: a pack is given up for its files, and a file goes
back behind the jobs that wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from roles.disk.promised_space import PromisedSpace
from roles.downloads.arrival import Arrival, bytes_here, needed_for
from roles.downloads.download_jobs import (
    FileJob,
    Job,
    PackJob,
    all_files_of,
    files_of,
    plan_jobs,
    without,
)
from roles.downloads.download_life import all_damaged
from roles.downloads.download_scope import Identity
from roles.downloads.file_tally import FileTally
from roles.downloads.swarm_side import Outlook, SwarmSide
from roles.joining.listed_share import Pack
from roles.swarm.content_transfer import ContentTransfer
from roles.values.content import Content
from roles.values.errors import DiskFullError, LmkError, NoSeederError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.settings import Existing

MAX_ARRIVALS = 64  # at once: two descriptors each
MAX_CHUNKS = 2_048  # of all of them together, so that a folder comes in order
# A job gives way when no peer has had its content for so long. Peers say what they have within
# milliseconds, or a second or two on a busy machine; it takes longer if one has just connected.
UNHELD_S = 2.0
UNHELD_AT_LAST_S = 8.0
# When nothing at all has come for so long, even a content that a peer has described gives way. It
# takes longer if some of it came, or of another pack of its share, and twice as long in a queue.
STILL_S = 5.0
PROVEN_STILL_S = 15.0
LIED_S = 3.0  # an honest peer that was only just named gets connected to within this time


class Arrivals:
    """Owned by the download's thread, and by the leecher's when that has ended."""

    def __init__(
        self,
        folder: Path,
        side: SwarmSide,
        space: PromisedSpace,
        existing: Existing,
        should_stop: Callable[[], bool],
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called, from any thread, when step() has something to do."""
        self._folder = folder
        self._side = side
        self._space = space
        self._existing = existing
        self._should_stop = should_stop
        self._wake = wake
        self._jobs: deque[Job] = deque()
        self._under_way: list[Arrival] = []
        self._listed: Sequence[Pack] = ()  # packs
        self._packs: Sequence[Pack] = ()  # those that are not given up
        self._offered = frozenset[Content]()  # their contents
        self._is_stale = False  # the waiting jobs must be planned anew
        self._proven = set[str]()  # shares that brought something of a pack
        self._doubted = set[str | Content]()  # shares and packs that did not
        self._left_alone = set[Identity]()  # files of given up packs: only proven shares pack them
        self._arrived_before = 0  # bytes, of arrivals that ended

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to do."""
        return not self._jobs and not self._under_way

    @property
    def transfers(self) -> list[ContentTransfer]:
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
    def left(self) -> int:
        """Jobs that have not ended."""
        return len(self._jobs) + len(self._under_way)

    def pending(self) -> set[Identity]:
        """The files that have not ended."""
        jobs = (*self._jobs, *(arrival.job for arrival in self._under_way))
        return {file.identity for job in jobs for file in files_of(job)}

    def outlook(self) -> Outlook:
        """What can be expected of the peers for what is under way."""
        return self._side.outlook(self._under_way)

    def begin(self, missing: Sequence[FileJob], packs: Sequence[Pack]) -> None:
        """These are to be fetched, and no others; what was under way is left as it is.

        Raises HaltedError.
        """
        self.leave()
        self._take_packs(packs)
        self._jobs = deque(self._planned(missing))

    def follow(
        self, replaced: Collection[Identity], fresh: Iterable[FileJob], packs: Sequence[Pack]
    ) -> None:
        """Other packs are offered, other files to be fetched: what waits is planned anew.

        Raises HaltedError.
        """
        self._take_packs(packs)
        missing = [one for one in all_files_of(self._jobs) if one.identity not in replaced]
        for arrival in list(self._under_way):
            self._without(arrival, replaced)
        self._jobs = deque(self._planned([*missing, *fresh]))

    def give_up(self, lost: Collection[Identity], tally: FileTally) -> None:
        """These are offered no more. What is in a pack that is offered comes with it."""
        for arrival in list(self._under_way):
            job = arrival.job
            if isinstance(job, FileJob) and job.identity in lost:
                self._give_up(arrival, _not_offered(job), tally)
        kept = deque[Job]()
        for waiting in self._jobs:
            if isinstance(waiting, FileJob) and waiting.identity in lost:
                _note_failed(waiting, _not_offered(waiting), tally)
            else:
                kept.append(waiting)
        self._jobs = kept

    def give_way(self, outlook: Outlook, tally: FileTally, *, now: float, still_s: float) -> None:
        """Put off jobs that nobody can serve. `still_s`: for how long nothing has come.

        Files of which everybody sends damaged content fail.
        """
        packs = ((one, one.job) for one in self._under_way)
        self._proven.update(
            job.share for one, job in packs if isinstance(job, PackJob) and one.transfer.arrived
        )
        is_settled = now - outlook.newest_at >= UNHELD_S
        for arrival in list(self._under_way):
            job, handle = arrival.job, arrival.handle
            is_held = handle in outlook.held or not outlook.links
            unheld_s = arrival.note_held(is_held, now=now)
            lied_s = arrival.note_lied_about(handle in outlook.lied_about, now=now)
            most_s = PROVEN_STILL_S if self._is_proven(arrival) else STILL_S
            most_s *= 2 if outlook.place else 1
            if lied_s > LIED_S and isinstance(job, FileJob):
                self._give_up(arrival, all_damaged(job.title), tally)
            elif (
                lied_s > LIED_S
                or unheld_s >= (UNHELD_S if is_settled else UNHELD_AT_LAST_S)
                or (outlook.links and min(still_s, arrival.age(now)) >= most_s)
            ):
                self._put_off(arrival)

    def _is_proven(self, arrival: Arrival) -> bool:
        """Whether some of it came, or of another pack of its share."""
        job = arrival.job
        is_known = isinstance(job, PackJob) and job.share in self._proven
        return is_known or arrival.transfer.arrived > 0

    def step(self, tally: FileTally) -> None:
        """Do what can be done now. Raises DiskFullError and HaltedError."""
        if self._is_stale:
            self._jobs = deque(self._planned(all_files_of(self._jobs)))
            self._is_stale = False
        self._begin_more(tally)
        for arrival in list(self._under_way):
            if self._should_stop():
                return
            fault = arrival.transfer.fault
            if isinstance(fault, DiskFullError):
                raise fault
            if fault is not None:
                self._give_up(arrival, fault, tally)
            elif not self._is_offered(arrival.job) or (
                arrival.transfer.is_done and arrival.transfer.store is not None
            ):
                self._finish(arrival, tally)
            else:
                arrival.go_on(self._should_stop)
                for ended in arrival.unpack_ahead(self._existing, self._should_stop):
                    tally.note(ended)

    def stand_still(self) -> None:
        """Ask for nothing more, and for no room on the disk."""
        self._space.withdraw(self)
        for arrival in self._under_way:
            arrival.stand_still()

    def check_space(self) -> None:
        """Ask for the room again, after stand_still(). Raises DiskFullError."""
        waiting = [] if self._under_way else [*self._jobs][:1]
        next_one = sum(needed_for(job, self._folder) for job in waiting)
        self._space.promise(self, self._needed + next_one)

    def resume(self) -> None:
        """Ask again, after stand_still()."""
        for arrival in self._under_way:
            arrival.resume()

    def put_back(self) -> None:
        """Close what is under way, and put it in front of the jobs that wait."""
        for arrival in reversed(list(self._under_way)):
            self._jobs.appendleft(arrival.job)
            self._remove(arrival)
            arrival.give_up()

    def leave(self) -> None:
        """Close what is under way, and leave what came where it is."""
        arrivals, self._under_way = self._under_way, []
        for arrival in arrivals:
            arrival.give_up()

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
        needed = self._needed
        self._space.note(self, needed)
        while self._jobs and len(self._under_way) < MAX_ARRIVALS:
            chunks = sum(arrival.content.count for arrival in self._under_way)
            if chunks and chunks + self._jobs[0].content.count > MAX_CHUNKS:
                return
            needed += needed_for(self._jobs[0], self._folder)
            if not self._has_room_for(needed):
                return
            self._begin(self._jobs[0], tally)
            self._jobs.popleft()

    def _has_room_for(self, needed: int) -> bool:
        """Whether one more may begin, with so much for all. Raises DiskFullError for a first."""
        try:
            self._space.promise(self, needed)
        except DiskFullError:
            if not self._under_way:
                raise
            return False  # what has its room comes first
        return True

    @property
    def _needed(self) -> int:
        """Bytes that what is under way still takes on the disk."""
        return sum(arrival.needed for arrival in self._under_way)

    def _begin(self, job: Job, tally: FileTally) -> None:
        try:
            arrival = self._side.arrival(job, self._folder, self._wake)
        except DiskFullError:
            raise
        except StorageError as error:
            if isinstance(job, PackJob):  # another download may be fetching the same pack
                self._jobs.extend(files_of(job))
            else:
                _note_failed(job, error, tally)
            return
        self._under_way.append(arrival)

    def _finish(self, arrival: Arrival, tally: FileTally) -> None:
        """Give what is whole its name; what is wrong with a pack's member is fetched alone.

        The rest of a pack that is offered no more is planned anew, with all that waits.
        """
        job = arrival.job
        unended = {file.path: file for file in files_of(job)} if isinstance(job, PackJob) else {}
        try:
            for ended in arrival.finish(self._existing, self._should_stop):
                unended.pop(ended.name, None)
                tally.note(ended)
        except DiskFullError:
            raise
        except StorageError as error:
            self._give_up(arrival, error, tally)
            return
        if arrival.is_through:
            self._remove(arrival)
            if unended and isinstance(job, PackJob):  # they are not in it as listed
                self._leave_pack(job)
            self._jobs.extend(unended.values())

    def _without(self, arrival: Arrival, replaced: Collection[Identity]) -> None:
        """Drop what of it is replaced: the new content goes where it went."""
        job = arrival.job
        if isinstance(job, PackJob):
            arrival.job = without(job, replaced)
        elif job.identity in replaced:
            self._remove(arrival)
            with suppress(StorageError):  # somebody has put something else in its place
                arrival.discard()

    def _put_off(self, arrival: Arrival) -> None:
        """Let other jobs go first. A pack is given up for its files: the next step finishes it like
        one that is offered no more.
        """
        job = arrival.job
        if isinstance(job, PackJob):
            self._leave_pack(job)
        elif self._jobs:
            self._remove(arrival)
            arrival.give_up()
            self._jobs.append(job)

    def _leave_pack(self, job: PackJob) -> None:
        """Fetch its files without it; and without any pack of its share, if none brought a file."""
        self._doubted.add(job.content if job.share in self._proven else job.share)
        self._left_alone.update(file.identity for file in files_of(job))
        self._take_packs(self._listed)
        self._is_stale = True

    def _take_packs(self, packs: Sequence[Pack]) -> None:
        self._listed = packs
        self._packs = [
            pack for pack in packs if not self._doubted & {pack.share, pack.line.content}
        ]
        self._offered = frozenset(pack.line.content for pack in self._packs)

    def _planned(self, missing: Sequence[FileJob]) -> list[Job]:
        """Files of a pack that was given up are not put into packs of unproven shares again."""
        if not self._left_alone:
            return self._plan(missing, self._packs)
        alone = [file for file in missing if file.identity in self._left_alone]
        others = [file for file in missing if file.identity not in self._left_alone]
        proven = [pack for pack in self._packs if pack.share in self._proven]
        return self._plan(others, self._packs) + self._plan(alone, proven)

    def _plan(self, missing: Sequence[FileJob], packs: Sequence[Pack]) -> list[Job]:
        here = partial(bytes_here, folder=self._folder)
        return plan_jobs(missing, packs, here, self._should_stop)

    def _is_offered(self, job: Job) -> bool:
        """Whether it is a file, or a pack of the newest list with something in it."""
        return isinstance(job, FileJob) or (bool(job.members) and job.content in self._offered)

    def _give_up(self, arrival: Arrival, error: LmkError, tally: FileTally) -> None:
        """This one cannot be stored; what came is kept, for another try."""
        self._remove(arrival)
        arrival.give_up()
        _note_failed(arrival.job, error, tally)

    def _remove(self, arrival: Arrival) -> None:
        self._under_way.remove(arrival)
        self._arrived_before += arrival.transfer.arrived


def _note_failed(job: Job, error: LmkError, tally: FileTally) -> None:
    for file in files_of(job):
        tally.note(FileEnded(file.path, file.size, DownloadState.FAILED, failure=error))


def _not_offered(job: FileJob) -> LmkError:
    return NoSeederError(
        f"{job.title} is not offered any more: it was removed or changed where it came from. "
        "Ask for the list again to see what there is."
    )
