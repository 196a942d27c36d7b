"""Small files out of a pack: unpacked while it arrives, uploaded as the pack afterwards.

Each is checked against its own root. Thousands are written, synced at once, and then named.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.arriving_file import ArrivingFile
from roles.disk.final_name import give_name, take_name
from roles.disk.leftovers import drop_partial, pack_stored
from roles.disk.open_folder import LastFolder, OpenFolder
from roles.disk.positioned_file import PositionedFile
from roles.disk.sparse_file import may_have_holes, write_sparse
from roles.disk.stamp import stamp
from roles.disk.storage_faults import LEFT_UNDONE, REFUSED, storage_error
from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.downloads.wanted import WantedFile, WantedPack
from roles.sharing.folder_tree import TreeFile
from roles.sharing.holdings import PackHolding
from roles.values.content import Content, root_of
from roles.values.disk_names import path_from_disk
from roles.values.errors import DiskFullError, LmkError, StorageError
from roles.values.events import DownloadState, FileEnded
from roles.values.safe_names import PARTIAL_SUFFIX
from roles.values.settings import Existing

# Bytes of a pack that come before its files are written: one sync for a few hundred files.
UNPACK_AT = 4 * 1024 * 1024
SLOW_S = 2.0  # if the disk takes longer for them, the rest is unpacked at once, at the end
# Up to this many files we sync one by one. One sync() for all takes as long as for a few files, but
# also waits for what other programs wrote.
FEW_FILES = 16
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | disk_calls.PLAIN_FLAGS


class Unpacking:
    """One pack; owned by the download's thread.

    The partial files of its members are named after the pack. We hold the lock of the pack, so they
    need no locks of their own.
    """

    def __init__(
        self,
        wanted: WantedPack,
        source: ArrivingFile,
        target: TargetFolder,
    ) -> None:
        """`source` is where the pack arrives."""
        self.wanted = wanted  # without the files that have ended
        self._files = wanted.files
        self._source = source
        self._folder = target.path
        self._text = os.fspath(target.path)
        self._existing = target.existing
        self._stopping = target.stopping
        self._unpacked = 0  # bitmap of the chunks whose files were unpacked
        self._unpack_at = UNPACK_AT
        self._saved = dict[str, TreeFile]()  # by path: what each file was when it got its name
        (self._prefix,) = pack_stored(wanted.content)
        self._folders = LastFolder(target.path)

    def arriving(self, had: int) -> Iterator[tuple[WantedFile, int]]:
        """The files with bytes in the chunks of `had` that do not have their names yet."""
        return self.wanted.arriving(had & ~self._unpacked)

    def ahead(self, had: int) -> Iterator[FileEnded]:
        """Like rest(), but only once enough has come since the last time.

        All programs of a room have their last chunks at the same moment. What is written before
        that delays nobody.
        """
        content = self.wanted.content
        if content.bytes_in(had & ~self._unpacked) >= self._unpack_at:
            began = time.monotonic()
            yield from self.rest(had)
            if time.monotonic() - began > SLOW_S:
                self._unpack_at = content.size

    def rest(self, had: int) -> Generator[FileEnded, None, None]:
        """Write and name the wanted files that lie in the chunks of `had`; tells how each ended.

        A file that is not as listed, or that another program touched, stays wanted: it must be
        fetched alone. Raises DiskFullError after naming what could be written.
        """
        fresh = had & ~self._unpacked
        ended = set[str]()  # paths
        try:
            for end in self._unpack(self.wanted.covered(had, fresh)):
                ended.add(end.name)
                yield end
        finally:
            left = tuple(file for file in self.wanted.files if file.path not in ended)
            self.wanted = replace(self.wanted, files=left)
        if not self._stopping.is_set():
            self._unpacked |= fresh

    def holding(self, digests: bytes) -> PackHolding | None:
        """The pack to upload, read from its files; None unless all of them are here."""
        content = self.wanted.content
        is_whole = WantedPack(content, self._files).size == content.size
        if not is_whole or len(self._saved) < len(self._files):
            return None
        saved = [self._saved[file.path] for file in self._files]
        return PackHolding(self._folder, saved, content, digests)

    def _unpack(self, files: Sequence[WantedFile]) -> Iterator[FileEnded]:
        is_few = len(files) <= FEW_FILES or not disk_calls.HAS_SYNC_ALL
        disk_full: DiskFullError | None = None
        # Without final names: with the name of the partial file, and its status.
        written = list[tuple[WantedFile, str, os.stat_result]]()
        try:
            for file in files:
                if self._stopping.is_set():
                    break
                data = self._checked(file)
                if data is None:
                    continue
                try:
                    present = f"{self._prefix}-{file.offset}{PARTIAL_SUFFIX}"
                    written.append((file, present, self._write(file, present, data, is_few)))
                except DiskFullError as error:
                    disk_full = error
                    break
                except StorageError as error:
                    yield _failed(file, error)
            if not (is_few or self._stopping.is_set()):
                disk_calls.sync_all()
            named_in = dict[StoredPath, None]()
            written.reverse()
            while written and not self._stopping.is_set():
                file, present, status = written[-1]
                ended = self._name(file, present, status)
                written.pop()
                named_in[file.stored[:-1]] = None
                if ended is not None:
                    yield ended
            self._sync_folders(list(named_in))
        finally:
            for file, present, _ in written:
                self._drop(file, present)
            self._folders.close()
        if disk_full is not None:
            raise disk_full

    def _checked(self, file: WantedFile) -> bytes | None:
        """The bytes of the file; None when they do not match its root."""
        try:
            data = self._source.read(file.offset, file.size)
        except StorageError:  # a bad sector
            return None
        return data if _has_root(file.content, data) else None

    def _write(self, file: WantedFile, name: str, data: bytes, is_synced: bool) -> os.stat_result:
        """Write its partial file; returns its status. Raises StorageError, and leaves no file."""
        try:
            folder = self._folders.open(file.stored[:-1])
            descriptor = _created(folder, name)
            try:
                if may_have_holes(data) or os.write(descriptor, data) < len(data):
                    write_sparse(PositionedFile(descriptor), 0, memoryview(data))
                if os.name != "nt":
                    stamp(descriptor, mtime=file.mtime, is_executable=file.is_executable)
                written = os.fstat(descriptor)
                if is_synced:
                    disk_calls.sync(descriptor)
            except REFUSED:
                with suppress(*LEFT_UNDONE):
                    folder.remove(name)
                raise
            finally:
                os.close(descriptor)
            if os.name == "nt":
                path = Path(folder.path, name)
                stamp(path, mtime=file.mtime)
                written = os.lstat(path)
        except REFUSED as error:
            raise storage_error(error, self._folder.joinpath(*file.stored)) from None
        return written

    def _name(self, file: WantedFile, present: str, written: os.stat_result) -> FileEnded | None:
        """Give it its final name; None if another program touched it."""
        above, name = file.stored[:-1], file.stored[-1]
        state = DownloadState.DONE
        try:
            folder = self._folders.open(above)
            is_former = file.replaces is not None and file.replaces.is_still(folder.status(name))
            if is_former or self._existing is not Existing.SKIP:
                may_replace = is_former or self._existing is Existing.REPLACE
                name = give_name(folder, present, name, may_replace=may_replace)
            elif not take_name(folder, present, name):  # usually the name is free
                if _is_there(folder, name, file.content):
                    folder.remove(present)
                    state = DownloadState.SKIPPED
                else:
                    name = give_name(folder, present, name)
            status = folder.status(name)
            if state is DownloadState.DONE and not _is_untouched(folder, name, written, status):
                self._drop(file, present)
                return None
            drop_partial(folder, file.stored[-1])  # an earlier run may have fetched it alone
        except LEFT_UNDONE as error:
            self._drop(file, present)
            if not isinstance(error, StorageError):
                error = storage_error(error, self._folder.joinpath(*file.stored))
            return _failed(file, error)
        below, size = "/".join((*above, name)), file.size
        if status is not None and status.st_size == size:
            may_run = bool(status.st_mode & 0o100)
            self._saved[file.path] = TreeFile(
                path_from_disk(below), size, status.st_mtime_ns, status.st_ino, may_run
            )
        return FileEnded(file.path, size, state, f"{self._text}/{below}")

    def _sync_folders(self, folders: Sequence[StoredPath]) -> None:
        """Make the names survive a power cut."""
        if len(folders) > FEW_FILES and disk_calls.HAS_SYNC_ALL:
            disk_calls.sync_all()
            return
        for stored in folders:
            with suppress(*LEFT_UNDONE):  # the files' contents are synced anyway
                self._folders.open(stored).sync()

    def _drop(self, file: WantedFile, present: str) -> None:
        with suppress(*LEFT_UNDONE):
            folder = self._folders.open(file.stored[:-1])
            folder.remove(present)


def _failed(file: WantedFile, failure: LmkError) -> FileEnded:
    return FileEnded(file.path, file.size, DownloadState.FAILED, failure=failure)


def _created(folder: OpenFolder, name: str) -> int:
    """Create the file, replacing a leftover of an earlier run. Raises OSError."""
    try:
        return folder.open_file(name, _NEW_FLAGS)
    except FileExistsError:
        folder.remove(name)
    return folder.open_file(name, _NEW_FLAGS)


def _has_root(content: Content, data: bytes) -> bool:
    digest = hashlib.sha256(data).digest()
    return (
        len(data) == content.size
        and root_of(content.size, content.chunk_size, digest) == content.root
    )


def _is_untouched(
    folder: OpenFolder, name: str, written: os.stat_result, status: os.stat_result | None
) -> bool:
    """Whether it is the file that was written; removes it if another program wrote to it."""
    if status is None or not os.path.samestat(status, written):
        return False
    if (status.st_size, status.st_mtime_ns) == (written.st_size, written.st_mtime_ns):
        return True
    folder.remove(name)
    return False


def _is_there(folder: OpenFolder, name: str, content: Content) -> bool:
    """Whether a regular file, not a link, has this name and content."""
    try:
        descriptor = folder.open_file(name)
    except OSError:
        return False
    try:
        is_size = os.fstat(descriptor).st_size == content.size
        return is_size and _has_root(content, os.read(descriptor, content.size))
    except OSError:  # a folder, or a bad sector
        return False
    finally:
        os.close(descriptor)
