"""Unpacks small files from a pack while it arrives, and checks each against its own root.

It writes thousands of files, syncs once, and then gives them their names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.arriving_file import ArrivingFile
from roles.disk.file_source import OPEN_FLAGS
from roles.disk.final_name import give_name, take_name
from roles.disk.leftovers import drop_partial, member_partial
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import write_sparse
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.disk.wanted_file import WantedFile
from roles.values.content import root_of
from roles.values.errors import ContentError, DiskFullError, LmkError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.safe_names import shown_name
from roles.values.settings import Existing

# Up to so many files we sync one by one. One sync() for all takes as long as for a few files, but
# also waits for what other programs wrote.
FEW_FILES = 16
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | disk_calls.PLAIN_FLAGS


def unpack(
    source: ArrivingFile,
    members: Sequence[WantedFile],
    folder: Path,
    existing: Existing,
    should_stop: Callable[[], bool],
) -> Generator[FileEnded, None, None]:
    """Write these members, whose chunks have arrived, and yield how each ended: DONE, SKIPPED or
    FAILED. Fetch one that failed with a ContentError alone.

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
        self._folder = folder
        self._existing = existing
        self._should_stop = should_stop
        self._folders = LastFolder(folder)
        # Members without final names, reversed before naming, and the status after writing.
        self._written = list[tuple[WantedFile, os.stat_result]]()
        self._disk_full: DiskFullError | None = None

    def run(self, members: Sequence[WantedFile]) -> Iterator[FileEnded]:
        try:
            is_few = len(members) <= FEW_FILES or not disk_calls.HAS_SYNC_ALL
            yield from self._write_all(members, is_few)
            if not (is_few or self._should_stop()):
                disk_calls.sync_all()
            named_in = dict[tuple[str, ...], None]()
            self._written.reverse()
            while self._written and not self._should_stop():
                member, written = self._written[-1]
                ended = self._name(member, written)
                self._written.pop()
                named_in[member.stored[:-1]] = None
                yield ended
            self._sync_folders(named_in)
        finally:
            self._drop_rest()
            self._folders.close()
        if self._disk_full is not None:
            raise self._disk_full

    def _write_all(self, members: Sequence[WantedFile], is_few: bool) -> Iterator[FileEnded]:
        for member in members:
            if self._should_stop():
                return
            size, path = member.content.size, member.path
            try:
                written = self._write(member, self._checked(member), is_few)
            except DiskFullError as error:
                self._disk_full = error
                return
            except (ContentError, StorageError) as error:
                yield FileEnded(path, size, DownloadState.FAILED, failure=error)
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

    def _name(self, member: WantedFile, written: os.stat_result) -> FileEnded:
        size, path = member.content.size, member.path
        present, target = self._partial(member), self._folders.path_of(member.stored)
        failure: LmkError
        try:
            folder = self._folders.open(member.stored[:-1])
            final = self._named(folder, present, member)
            if final is not None:
                self._check_untouched(folder, final, written)
        except REFUSED as error:
            failure = storage_error(error, target)
        except (ContentError, StorageError) as error:
            failure = error
        else:
            drop_partial(self._folder, member.stored)  # an earlier run may have fetched it alone
            if final is None:
                return FileEnded(path, size, DownloadState.SKIPPED, saved_as=target)
            saved_as = target if final == target.name else target.with_name(final)
            return FileEnded(path, size, DownloadState.DONE, saved_as=saved_as)
        self._drop(member)
        return FileEnded(path, size, DownloadState.FAILED, failure=failure)

    def _named(self, folder: OpenFolder, present: str, member: WantedFile) -> str | None:
        """Its final name; None if SKIP found a file with its content. Raises OSError."""
        name = member.stored[-1]
        if self._existing is Existing.SKIP:
            if take_name(folder, present, name):  # usually the name is free
                return name
            if self._is_there(folder, member):
                disk_calls.unlink(folder.at(present), at=folder.descriptor)
                return None
        may_replace = self._existing is Existing.REPLACE
        return give_name(folder, present, name, may_replace=may_replace)

    def _check_untouched(self, folder: OpenFolder, name: str, written: os.stat_result) -> None:
        """Remove the file and raise ContentError if another program wrote to it."""
        status = folder.status(name)
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
        return member_partial(self._source.content, member.offset)


def _created(folder: OpenFolder, name: str) -> int:
    """Create the file, replacing a leftover of an earlier run. Raises OSError."""
    try:
        return os.open(folder.at(name), _NEW_FLAGS, 0o666, dir_fd=folder.descriptor)
    except FileExistsError:
        disk_calls.unlink(folder.at(name), at=folder.descriptor)
    return os.open(folder.at(name), _NEW_FLAGS, 0o666, dir_fd=folder.descriptor)
