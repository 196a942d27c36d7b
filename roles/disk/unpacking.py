"""Unpacks small files from a pack while it arrives, and checks each against its own root.

It writes thousands of files, syncs once, and then gives them their names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from roles.disk import disk_calls
from roles.disk.arriving_file import ArrivingFile
from roles.disk.file_source import OPEN_FLAGS
from roles.disk.final_name import give_name, take_name
from roles.disk.leftovers import drop_partial, pack_stored
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import may_have_holes, write_sparse
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.disk.wanted_file import WantedFile
from roles.values.content import root_of
from roles.values.errors import ContentError, DiskFullError, LmkError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.safe_names import PARTIAL_SUFFIX, shown_name
from roles.values.settings import Existing

# Up to so many files we sync one by one. One sync() for all takes as long as for a few files, but
# also waits for what other programs wrote.
FEW_FILES = 16
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | disk_calls.PLAIN_FLAGS


class Unpacked(NamedTuple):
    """How a member ended."""

    member: WantedFile
    ended: FileEnded  # DONE, SKIPPED or FAILED
    status: os.stat_result | None = None  # of the file that has its content now


def unpack(
    source: ArrivingFile,
    members: Sequence[WantedFile],
    folder: Path,
    existing: Existing,
    should_stop: Callable[[], bool],
) -> Generator[Unpacked, None, None]:
    """Write these members, whose chunks have arrived, and yield how each ended. Fetch one that
    failed with a ContentError alone.

    Ends early once should_stop() returns True. Raises DiskFullError after yielding all that it
    could write. One thread at a time may work on a pack.
    """
    yield from _Batch(source, folder, existing, should_stop).run(members)


class _Batch:
    """A member's partial file is named after the pack. We hold the lock of the pack, so members
    need no locks of their own.
    """

    def __init__(
        self,
        source: ArrivingFile,
        folder: Path,
        existing: Existing,
        should_stop: Callable[[], bool],
    ) -> None:
        self._source = source
        (self._prefix,) = pack_stored(source.content)
        self._existing = existing
        self._should_stop = should_stop
        self._folders = LastFolder(folder)
        # Members without final names, reversed before naming, and the status after writing.
        self._written = list[tuple[WantedFile, os.stat_result]]()
        self._disk_full: DiskFullError | None = None

    def run(self, members: Sequence[WantedFile]) -> Iterator[Unpacked]:
        try:
            is_few = len(members) <= FEW_FILES or not disk_calls.HAS_SYNC_ALL
            for member, failure in self._write_all(members, is_few):
                yield _failed(member, failure)
            if not (is_few or self._should_stop()):
                disk_calls.sync_all()
            named_in = dict[tuple[str, ...], None]()
            self._written.reverse()
            while self._written and not self._should_stop():
                member, written = self._written[-1]
                unpacked = self._name(member, written)
                self._written.pop()
                named_in[member.stored[:-1]] = None
                yield unpacked
            self._sync_folders(named_in)
        finally:
            self._drop_rest()
            self._folders.close()
        if self._disk_full is not None:
            raise self._disk_full

    def _write_all(
        self, members: Sequence[WantedFile], is_few: bool
    ) -> Iterator[tuple[WantedFile, LmkError]]:
        """Returns those that cannot be written."""
        for member in members:
            if self._should_stop():
                return
            try:
                written = self._write(member, self._checked(member), is_few)
            except DiskFullError as error:
                self._disk_full = error
                return
            except (ContentError, StorageError) as error:
                yield member, error
            else:
                self._written.append((member, written))

    def _checked(self, member: WantedFile) -> bytes:
        """The member's bytes. Raises ContentError when they do not match its root."""
        content = member.content
        try:
            data = self._source.read(member.offset, content.size)
        except StorageError as error:  # a bad sector
            raise ContentError(f"{shown_name(member.path)}: {error}") from None
        digest = hashlib.sha256(data).digest()
        if len(data) != content.size or content.root != root_of(
            content.size, content.chunk_size, digest
        ):
            raise ContentError(
                f"{shown_name(member.path)} is not as listed in the pack that it came in. "
                "It is fetched alone."
            )
        return data

    def _write(self, member: WantedFile, data: bytes, is_synced: bool) -> os.stat_result:
        """Write its partial file; returns its status. Raises StorageError, and leaves no file."""
        name = self._partial(member)
        try:
            folder = self._folders.open(member.stored[:-1])
            descriptor = _created(folder, name)
            try:
                if may_have_holes(data) or os.write(descriptor, data) < len(data):
                    write_sparse(PositionedFile(descriptor), 0, (memoryview(data),))
                if os.name != "nt":
                    stamp(descriptor, mtime=member.mtime, is_executable=member.is_executable)
                written = os.fstat(descriptor)
                if is_synced:
                    disk_calls.sync(descriptor)
            except REFUSED:
                with suppress(*LEFT_UNDONE):
                    disk_calls.unlink(folder.at(name), at=folder.descriptor)
                raise
            finally:
                os.close(descriptor)
            if os.name == "nt":
                stamp(Path(folder.at(name)), mtime=member.mtime)
                written = os.lstat(folder.at(name))
        except REFUSED as error:
            raise storage_error(error, self._folders.path_of(member.stored)) from None
        return written

    def _name(self, member: WantedFile, written: os.stat_result) -> Unpacked:
        present, name = self._partial(member), member.stored[-1]
        saved_as = self._folders.path_of(member.stored)
        state = DownloadState.DONE
        try:
            folder = self._folders.open(member.stored[:-1])
            if self._existing is not Existing.SKIP:
                may_replace = self._existing is Existing.REPLACE
                name = give_name(folder, present, name, may_replace=may_replace)
            elif not take_name(folder, present, name):  # usually the name is free
                if self._is_there(folder, member):
                    disk_calls.unlink(folder.at(present), at=folder.descriptor)
                    state = DownloadState.SKIPPED
                else:
                    name = give_name(folder, present, name)
            status = folder.status(name)
            if state is DownloadState.DONE:
                self._check_untouched(folder, name, written, status)
            drop_partial(folder, member.stored[-1])  # an earlier run may have fetched it alone
        except REFUSED as error:
            failure: LmkError = storage_error(error, saved_as)
        except (ContentError, StorageError) as error:
            failure = error
        else:
            if name != member.stored[-1]:
                saved_as = saved_as.with_name(name)
            ended = FileEnded(member.path, member.content.size, state, saved_as)
            return Unpacked(member, ended, status)
        self._drop(member)
        return _failed(member, failure)

    def _check_untouched(
        self,
        folder: OpenFolder,
        name: str,
        written: os.stat_result,
        status: os.stat_result | None,
    ) -> None:
        """Remove the file and raise ContentError if another program wrote to it."""
        if status is None or not os.path.samestat(status, written):
            raise ContentError(f"Another program replaced {shown_name(name)}. It is fetched alone.")
        if (status.st_size, status.st_mtime_ns) != (written.st_size, written.st_mtime_ns):
            disk_calls.unlink(folder.at(name), at=folder.descriptor)
            raise ContentError(f"Another program wrote to {shown_name(name)}. It is fetched alone.")

    def _is_there(self, folder: OpenFolder, member: WantedFile) -> bool:
        """Whether a regular file, not a link, with its content has its final name."""
        try:
            name = folder.at(member.stored[-1])
            descriptor = os.open(name, OPEN_FLAGS, dir_fd=folder.descriptor)
        except OSError:  # usually there is none
            return False
        try:
            size = member.content.size
            if os.fstat(descriptor).st_size != size:
                return False
            data = os.read(descriptor, size)
            root = root_of(size, member.content.chunk_size, hashlib.sha256(data).digest())
            return root == member.content.root
        except OSError:  # a folder, or a bad sector
            return False
        finally:
            os.close(descriptor)

    def _sync_folders(self, named_in: Iterable[tuple[str, ...]]) -> None:
        """Make the names survive a power cut."""
        folders = list(named_in)
        if len(folders) > FEW_FILES and disk_calls.HAS_SYNC_ALL:
            disk_calls.sync_all()
            return
        for stored in folders:
            with suppress(*LEFT_UNDONE):  # the files' contents are synced anyway
                self._folders.open(stored).sync()

    def _drop_rest(self) -> None:
        for member, _ in self._written:
            self._drop(member)

    def _drop(self, member: WantedFile) -> None:
        with suppress(*LEFT_UNDONE):
            folder = self._folders.open(member.stored[:-1])
            disk_calls.unlink(folder.at(self._partial(member)), at=folder.descriptor)

    def _partial(self, member: WantedFile) -> str:
        return f"{self._prefix}-{member.offset}{PARTIAL_SUFFIX}"


def _failed(member: WantedFile, failure: LmkError) -> Unpacked:
    ended = FileEnded(member.path, member.content.size, DownloadState.FAILED, failure=failure)
    return Unpacked(member, ended)


def _created(folder: OpenFolder, name: str) -> int:
    """Create the file, replacing a leftover of an earlier run. Raises OSError."""
    try:
        return os.open(folder.at(name), _NEW_FLAGS, 0o666, dir_fd=folder.descriptor)
    except FileExistsError:
        disk_calls.unlink(folder.at(name), at=folder.descriptor)
    return os.open(folder.at(name), _NEW_FLAGS, 0o666, dir_fd=folder.descriptor)
