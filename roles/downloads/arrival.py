"""One job of a download under way: its file on the disk and its part in the swarm."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from roles.disk.arriving_file import ArrivingFile
from roles.disk.leftovers import pack_stored
from roles.disk.pack_members import PackMember, covered
from roles.disk.sparse_file import bytes_on_disk
from roles.disk.stored_names import Stored
from roles.disk.unpacking import unpack
from roles.downloads.download_jobs import FileJob, Job, PackJob
from roles.sharing.folder_tree import TreeFile
from roles.sharing.pack_holding import PackHolding
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.content import Content
from roles.values.disk_names import path_from_disk
from roles.values.errors import ContentError, FileTouchedError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.safe_names import PARTIAL_SUFFIX
from roles.values.settings import Existing

log = logging.getLogger(__name__)

# Bytes of a pack that come before its files are written: one sync for a few hundred files.
UNPACK_AT = 4 * 1024 * 1024
MAX_CHECKS = 3  # of a file that other programs write to
SLOW_S = 2.0  # a disk that takes longer for them is asked for the rest at once, at the end


class Arrival:
    """Owned by the download's thread."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        swarm: SharedSwarm,
        library: SwarmLibrary,
        ended: Callable[[], None],
    ) -> None:
        """Open its partial file, and take part in the swarm. Raises StorageError."""
        self.job = job
        self._folder = folder
        self._swarm = swarm
        self._library = library
        self._file = ArrivingFile(folder, _stored(job), job.content)
        self._taken = bytes_on_disk(self._file.path)  # when it was opened
        self.transfer = ContentTransfer(job.content, job.title, ended)
        self._is_checked = False
        self._checks = 0  # of what another program wrote to
        self.is_through = False  # it has its final name, or nothing is left of it to do
        self._began = time.monotonic()
        self._unheld_since: float | None = None
        self._lied_since: float | None = None
        # Of a pack: what it brings, the chunks that were unpacked, and the files that came out of
        # it, as they were then.
        self._members = job.members if isinstance(job, PackJob) else ()
        self._unpacked, self._unpack_at = 0, UNPACK_AT
        self._out = dict[str, TreeFile]()
        library.add(self.transfer)
        self._handle = swarm.add(self.transfer)

    @property
    def content(self) -> Content:
        return self.job.content

    @property
    def have(self) -> int:
        """Bytes of what is wanted that are here, without files of a pack that have their names."""
        missing = self.content.size - self.content.bytes_in(self.transfer.plan.had)
        return max(0, self.job.size - missing)

    @property
    def needed(self) -> int:
        """Bytes that it still takes on the disk."""
        return _needed(self.job, max(self._taken, self.content.bytes_in(self.transfer.plan.had)))

    @property
    def handle(self) -> int:
        """Its handle in the swarm."""
        return self._handle

    def age(self, now: float) -> float:
        """Seconds since it began."""
        return now - self._began

    def note_held(self, is_held: bool, *, now: float) -> float:
        """Note whether a peer has it. Returns for how many seconds none has."""
        if is_held:
            self._unheld_since = None
            return 0.0
        if self._unheld_since is None:
            self._unheld_since = now
        return now - self._unheld_since

    def note_lied_about(self, is_lied_about: bool, *, now: float) -> float:
        """Note whether only peers are left that were given up. Returns for how many seconds."""
        if not is_lied_about:
            self._lied_since = None
            return 0.0
        if self._lied_since is None:
            self._lied_since = now
        return now - self._lied_since

    def go_on(self, should_stop: Callable[[], bool]) -> None:
        """Ask for chunks as soon as it is known which; the disk is looked at before."""
        if self.transfer.is_asking:
            return
        digests = self.transfer.digests()
        if digests is None and not self.transfer.is_single:
            return
        if not self._is_checked:
            self.transfer.plan.had = self._file.recheck(digests, should_stop)
            if should_stop():
                return
            self._is_checked = True
        self.transfer.store = self._file
        self._library.changed(self.transfer)
        if self.transfer.is_done:
            self.transfer.ended()
        else:
            self._swarm.ask(self._handle)

    def stand_still(self) -> StorageError | None:
        """Ask for nothing more, until resume(). Returns what the disk said, if it did."""
        self._swarm.remove(self._handle)
        fault, self.transfer.fault = self.transfer.fault, None
        return fault

    def resume(self) -> None:
        """Take part in the swarm again."""
        self._handle = self._swarm.add(self.transfer)

    def unpack_ahead(
        self, existing: Existing, should_stop: Callable[[], bool]
    ) -> Iterator[FileEnded]:
        """Give the files of a pack their names once enough of them have come since the last time;
        tells of each. Raises DiskFullError.

        A whole room has its last chunks at the same moment: what is written before keeps nobody
        waiting then.
        """
        had = self.transfer.plan.had
        fresh = had & ~self._unpacked
        if isinstance(self.job, PackJob) and self.content.bytes_in(fresh) >= self._unpack_at:
            began = time.monotonic()
            yield from self._unpack(self.job, had, fresh, existing, should_stop)
            if time.monotonic() - began > SLOW_S:
                self._unpack_at = self.content.size

    def finish(self, existing: Existing, should_stop: Callable[[], bool]) -> Iterator[FileEnded]:
        """Give what is whole its final name; tells of each file. Raises StorageError.

        If another program wrote to it, it is not through, and go_on() checks it. What a pack had
        and nothing was told of must be fetched alone.
        """
        self._swarm.remove(self._handle)
        if isinstance(self.job, FileJob):
            yield from self._finish_file(self.job, existing, should_stop)
        else:
            yield from self._finish_pack(self.job, existing, should_stop)

    def close(self) -> None:
        """Leave the swarm, and what came where it is."""
        self._swarm.remove(self._handle)
        if not self.transfer.is_done:
            self._library.drop(self.transfer)
        self._file.close()

    def give_up(self) -> None:
        """As close(), but of what did not begin nothing is left."""
        if self._is_empty():
            with suppress(StorageError):  # somebody has put something else in its place
                self.discard()
        else:
            self.close()

    def discard(self) -> None:
        """Leave the swarm, and remove what came. Raises StorageError."""
        self._swarm.remove(self._handle)
        self._library.drop(self.transfer)
        self._file.discard()

    def _is_empty(self) -> bool:
        try:
            return os.lstat(self._file.path).st_size == 0
        except OSError:
            return False

    def _finish_file(
        self, job: FileJob, existing: Existing, should_stop: Callable[[], bool]
    ) -> Iterator[FileEnded]:
        try:
            finished = self._file.finish(existing, job.mtime, job.is_executable, should_stop)
        except FileTouchedError:
            self._begin_check()
            return
        if finished is None:
            return
        self.is_through = True
        path, was_there = finished
        self._file.close()
        if was_there:  # what arrived is gone
            self._library.drop(self.transfer)
        state = DownloadState.SKIPPED if was_there else DownloadState.DONE
        yield FileEnded(job.path, job.size, state, path)

    def _finish_pack(
        self, job: PackJob, existing: Existing, should_stop: Callable[[], bool]
    ) -> Iterator[FileEnded]:
        had = self.transfer.plan.had
        yield from self._unpack(job, had, had, existing, should_stop)
        if should_stop():
            return
        self._offer_members()  # in place of the transfer: there is no moment without either
        self._library.drop(self.transfer)
        self._file.discard()
        self.is_through = True

    def _begin_check(self) -> None:
        """Another program wrote to it: keep what fits, and ask for the rest again.

        Raises StorageError when that happens again and again.
        """
        self._checks += 1
        if self._checks > MAX_CHECKS:
            raise StorageError(
                f"Another program keeps writing to {self._file.path}. "
                "Close it and download again: what fits is kept."
            )
        log.warning("Another program wrote to %s: it is checked again.", self.job.title)
        self._is_checked, self.transfer.store = False, None
        self.resume()

    def _unpack(
        self,
        job: PackJob,
        had: int,
        fresh: int,
        existing: Existing,
        should_stop: Callable[[], bool],
    ) -> Iterator[FileEnded]:
        """The files in the chunks that it had, as far as they were not unpacked before."""
        members = {one.path: one for one in covered(job.members, job.content, had, fresh)}
        ended = set[str]()
        try:
            for end in unpack(self._file, [*members.values()], self._folder, existing, should_stop):
                if isinstance(end.failure, ContentError):
                    continue  # it is still wanted when the pack is through
                ended.add(end.name)
                if end.saved_as is not None:
                    self._note_out(members[end.name], end.saved_as)
                yield end
        finally:
            rest = (member for member in job.members if member.path not in ended)
            self.job = replace(job, members=tuple(rest))
        if not should_stop():
            self._unpacked |= fresh

    def _offer_members(self) -> None:
        """Give the pack on from its members, when all of them are here."""
        content, digests = self.content, self.transfer.digests()
        if sum(member.content.size for member in self._members) != content.size:
            return
        if len(self._out) < len(self._members):
            return
        if digests is None:  # a pack of one chunk: nobody asks for its digests
            digests = b""
        members = [self._out[member.path] for member in self._members]
        self._library.add(PackHolding(self._folder, members, content, digests))

    def _note_out(self, member: PackMember, path: Path) -> None:
        """What it is now: whoever edits it later, while the pack still arrives, is noticed."""
        with suppress(OSError):
            file = _tree_file(member.stored, path)
            if file.size == member.content.size:
                self._out[member.path] = file


def bytes_here(pack: Content, folder: Path) -> int:
    """How much of a pack an earlier run left in the folder."""
    (name,) = pack_stored(pack)
    return bytes_on_disk(folder / (name + PARTIAL_SUFFIX))


def needed_for(job: Job, folder: Path) -> int:
    """Bytes that it would take on the disk: an earlier run may have left some of it."""
    *above, name = _stored(job)
    return _needed(job, bytes_on_disk(folder.joinpath(*above, name + PARTIAL_SUFFIX)))


def _needed(job: Job, taken: int) -> int:
    """The files of a pack are written while the pack is still there."""
    unpacked = job.size if isinstance(job, PackJob) else 0
    return max(0, job.content.size - taken) + unpacked


def _stored(job: Job) -> Stored:
    return job.stored if isinstance(job, FileJob) else pack_stored(job.content)


def _tree_file(stored: Stored, path: Path) -> TreeFile:
    """`path` is where it is: in the folders of `stored`, perhaps under another name."""
    status = os.lstat(path)
    return TreeFile(
        path_from_disk("/".join((*stored[:-1], path.name))),
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
        bool(status.st_mode & 0o100),
    )
