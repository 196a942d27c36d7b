"""One content of a download: its transfer in the swarm, and the file that it arrives in."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from roles.disk.arriving_file import ArrivingFile
from roles.disk.partial_file import FinalFile
from roles.disk.target_folder import TargetFolder
from roles.downloads.unpacking import Unpacking
from roles.downloads.wanted import Identity, WantedContent, WantedFile, WantedPack
from roles.net.rates import RateMeter
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.errors import FileTouchedError, StorageError
from roles.values.events import DownloadState, FileArriving, FileEnded

log = logging.getLogger(__name__)

MAX_CHECKS = 3  # of a file that other programs write to


class FileTransfer(ContentTransfer):
    """A file, or a pack that becomes many.

    Owned by the download's thread, except for what the swarm's lock protects in ContentTransfer.
    """

    def __init__(
        self,
        wanted: WantedContent,
        target: TargetFolder,
        swarm: SharedSwarm,
        library: SwarmLibrary,
        wake: Callable[[], None],
    ) -> None:
        """Open its partial file, and take part in the swarm. Raises StorageError."""
        super().__init__(wanted.content, wanted.title, wake)
        self._swarm = swarm
        self._library = library
        self._target = target
        self._file = ArrivingFile(target.path, wanted.stored, wanted.content)
        self._taken = target.taken_by(wanted.stored)  # when it was opened
        self._wanted = wanted
        self._unpacking = (
            Unpacking(wanted, self._file, target) if isinstance(wanted, WantedPack) else None
        )
        self._is_checked = False  # what is in the file was compared with the digests
        self._checks = 0  # because it may have changed on the disk
        self.is_through = False  # it has its final name, or nothing is left of it to do
        self.unheld = Lasting()  # no peer has it
        self.lied_about = Lasting()  # all that are left sent wrong chunks, and were given up
        self._began = time.monotonic()
        self._meter = RateMeter(now=self._began)
        library.add(self)
        swarm.add(self)

    @property
    def wanted(self) -> WantedContent:
        """What it brings, without the files of a pack that have ended."""
        return self._wanted if self._unpacking is None else self._unpacking.wanted

    @property
    def bytes_here(self) -> int:
        """Bytes of what is wanted, without files of a pack that have their names."""
        missing = self.content.size - self.content.bytes_in(self.plan.had)
        return max(0, self.wanted.size - missing)

    @property
    def bytes_needed(self) -> int:
        """Room that the rest will take on the disk, in bytes."""
        return self.wanted.needed(max(self._taken, self.content.bytes_in(self.plan.had)))

    @property
    def is_whole(self) -> bool:
        """Whether every chunk is here, and those that an earlier run left are checked."""
        return self._is_checked and self.is_done

    def arriving(self, coming: int, senders: int, *, now: float) -> Iterator[FileArriving]:
        """Its files of which something is here or on its way. `coming`: bytes of them that are not
        checked yet, from `senders` peers.
        """
        if self._unpacking is not None:
            for file, have in self._unpacking.arriving(self.plan.had):
                yield FileArriving(file.path, have)
            return
        self._meter.add(max(0, self.arrived + coming - self._meter.total), now=now)
        have = self.content.bytes_in(self.plan.had)
        if isinstance(self._wanted, WantedFile) and (have or senders):
            yield FileArriving(self._wanted.path, have, self._meter.rate(now=now), senders)

    def age(self, now: float) -> float:
        return now - self._began

    def go_on(self) -> None:
        """Once the digests are here: check what an earlier run left, and ask for the rest."""
        digests = self.digests()
        if self.is_asking or (digests is None and not self.is_single):
            return
        had = self.plan.had
        if not self._is_checked:
            had = self._file.recheck(digests, self._target.stopping)
            if self._target.stopping.is_set():
                return
            self._is_checked = True
        self._swarm.ask(self, self._file, had)
        self._library.add(self)
        if self.is_done:
            self.wake()

    def stand_still(self) -> None:
        """Ask for nothing more, until resume(). What the disk refused is forgotten."""
        self._swarm.remove(self)
        self.fault, self._checks = None, 0

    def resume(self) -> None:
        self._swarm.add(self)

    def drop_files(self, replaced: Collection[Identity]) -> None:
        """These files of a pack are not wanted any more."""
        if self._unpacking is not None:
            self._unpacking.wanted = self._unpacking.wanted.without(replaced)

    def unpack_ahead(self) -> Iterator[FileEnded]:
        """Give files of a pack their names, if enough of it is here. Raises DiskFullError."""
        if self._unpacking is not None:
            yield from self._unpacking.ahead(self.plan.had)

    def finish(self) -> Iterator[FileEnded]:
        """Give what is whole its final name; tells how each file ended. Raises StorageError.

        If another program wrote to it, it is not through: go_on() checks it again. Files of a pack
        that are still wanted afterwards must be fetched alone.
        """
        self._swarm.remove(self)
        if self._unpacking is not None:
            yield from self._finish_pack(self._unpacking)
        elif isinstance(self._wanted, WantedFile):
            yield from self._finish_file(self._wanted)

    def close(self) -> None:
        """Leave the swarm, and keep what came. A file that did not begin is removed."""
        if self._is_empty():
            with suppress(StorageError):  # somebody has put something else in its place
                self.discard()
            return
        self._swarm.remove(self)
        if not self.is_done:
            self._library.drop(self)
        self._file.close()

    def discard(self) -> None:
        """Leave the swarm, and remove what came. Raises StorageError."""
        self._swarm.remove(self)
        self._library.drop(self)
        self._file.discard()

    def _is_empty(self) -> bool:
        try:
            return os.lstat(self._file.path).st_size == 0
        except OSError:
            return False

    def _finish_file(self, wanted: WantedFile) -> Iterator[FileEnded]:
        existing = self._target.existing
        final = FinalFile(existing, wanted.mtime, wanted.is_executable, wanted.replaces)
        try:
            finished = self._file.finish(final, self._target.stopping)
        except FileTouchedError:
            self._check_again()
            return
        if finished is None:
            return
        self.is_through = True
        path, was_there = finished
        self._file.close()
        if was_there:  # what arrived is gone
            self._library.drop(self)
        state = DownloadState.SKIPPED if was_there else DownloadState.DONE
        yield FileEnded(wanted.path, wanted.size, state, os.fspath(path))

    def _finish_pack(self, unpacking: Unpacking) -> Iterator[FileEnded]:
        yield from unpacking.rest(self.plan.had)
        if self._target.stopping.is_set():
            return
        holding = unpacking.holding(self.digests() or b"")  # nobody asks for those of one chunk
        if holding is not None:  # replaces this transfer, so that the pack is always offered
            self._library.add(holding)
        self._library.drop(self)
        self._file.discard()
        self.is_through = True

    def _check_again(self) -> None:
        """It may have changed on the disk: keep what fits, and fetch the rest again.

        Raises StorageError when that happens again and again.
        """
        self._checks += 1
        if self._checks > MAX_CHECKS:
            raise FileTouchedError(
                f"Another program keeps writing to {self._file.path}. "
                "Close it and download again: intact parts are kept."
            )
        log.warning("%s may have changed on the disk: it is checked again.", self.title)
        self._is_checked, self.store = False, None
        self.resume()


class Lasting:
    """For how long a condition has held."""

    def __init__(self) -> None:
        self._since: float | None = None

    def note(self, is_so: bool, *, now: float) -> float:
        """Returns for how many seconds it has held; 0.0 if it does not."""
        if not is_so:
            self._since = None
        elif self._since is None:
            self._since = now
        return 0.0 if self._since is None else now - self._since
