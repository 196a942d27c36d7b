"""The file that a download writes one content to. What an earlier run left is checked and kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from roles.disk.chunk_digests import digests_of, fitting
from roles.disk.claimed_file import CLOSES_FIRST, ClaimedFile
from roles.disk.file_source import OPEN_FLAGS, FileSource, PathSource
from roles.disk.holding import ChunkSource
from roles.disk.open_folder import OpenFolder
from roles.values.content import Content, root_of
from roles.values.disk_names import shown_path
from roles.values.errors import FileChangedError, FileTouchedError, StorageError
from roles.values.settings import Existing


@dataclass(frozen=True, slots=True)
class _Place:
    """Where sources find the content, and the file that must be there."""

    path: Path
    identity: os.stat_result
    is_whole: bool  # from then on nobody writes to it


class ArrivingFile:
    """folder/a/b/NAME.lmkpart, and after finish() folder/a/b/NAME.

    Any thread may call write(), read() and open_source(). The other methods are for one thread,
    while no other thread writes.
    """

    def __init__(self, folder: Path, stored: tuple[str, ...], content: Content) -> None:
        """Open or create the partial file and keep its bytes. Raises StorageError."""
        self.content = content
        self._folder, self._below = folder, stored[:-1]
        self._file = ClaimedFile(folder, stored)
        self._sources = threading.Lock()  # protects _reader and _place
        self._reader = -1  # a descriptor for sources, opened anew: a copy would share the lock
        self._place: _Place | None = None
        try:
            if self._file.file.size > content.size:
                self._file.truncate(content.size)
            self._open_reader()
        except BaseException:
            self._file.close()
            raise

    @property
    def path(self) -> Path:
        """Of the partial file."""
        return self._file.path

    def recheck(self, digests: bytes | None, should_stop: Callable[[], bool]) -> int:
        """Hash what is on the disk; returns the bitmap of the chunks with the right digests.

        Without digests, as for a content of one chunk, it compares the root. Once should_stop()
        returns True it returns what it has found so far. No thread may write meanwhile. Raises
        StorageError.
        """
        self._file.begin_check()
        try:
            size = self._file.file.size
        except OSError:
            size = 0
        if size > self.content.size:
            self._file.truncate(self.content.size)
        if size == 0:
            return 0
        found = digests_of(self._file.file, self.content, should_stop)
        if digests is None:
            root = root_of(self.content.size, self.content.chunk_size, found)
            return self.content.all_chunks if root == self.content.root else 0
        return fitting(digests, found)

    def write(self, offset: int, piece: memoryview) -> None:
        """Raises StorageError, or DiskFullError if the disk is full."""
        self._file.write(offset, (piece,))

    def read(self, offset: int, length: int) -> bytes:
        """Raises StorageError."""
        try:
            return self._file.file.read(offset, length)
        except OSError as error:
            raise StorageError(
                f"{shown_path(self.path)} cannot be read ({error.strerror or error}). "
                "Download again."
            ) from None

    def finish(
        self,
        existing: Existing,
        mtime: int | None,
        is_executable: bool,
        should_stop: Callable[[], bool],
    ) -> tuple[Path, bool] | None:
        """Sync the file and give it its final name, or remove it if `existing` is SKIP and a file
        with the same content has that name. All chunks must be written and verified.

        Returns the path, and whether that file was there before; None if should_stop() ended the
        comparison. Raises StorageError, or FileTouchedError if another program has written to it
        since it was checked; then the partial file stays.
        """
        self._check_size()
        finished = self._file.finish(existing, should_stop, mtime, is_executable=is_executable)
        if finished is not None:
            self._move_sources(finished[0])
        return finished

    def open_source(self) -> ChunkSource:
        """Open it for one uploader, before or after finish(). Raises FileChangedError."""
        with self._sources:
            place = self._place
            descriptor = os.dup(self._reader) if self._reader >= 0 else -1
        if place is None:
            raise FileChangedError(f"{self.path.name} is closed")
        if descriptor >= 0:
            return FileSource(descriptor, self._is_still)
        source = PathSource(self._path_now, self._is_still)
        if CLOSES_FIRST:
            source.check()
            return source
        return self._opened_whole(place)

    def discard(self) -> None:
        """Close and remove it, unless another program has replaced it. Raises StorageError."""
        self._replace_place(None)
        self._file.discard()

    def close(self) -> None:
        """Close it and leave it where it is. A finished file can still be uploaded."""
        place = self._place
        if place is None or not place.is_whole:
            self._replace_place(None)
        self._file.close()

    def _open_reader(self) -> None:
        self._place = _Place(self.path, self._file.identity, is_whole=False)
        if not CLOSES_FIRST:
            self._reader = self._opened(self.path, self._file.identity)

    def _opened(self, path: Path, identity: os.stat_result) -> int:
        """Raises StorageError, also if another file is there."""
        try:
            with OpenFolder.below(self._folder, self._below, make=False) as folder:
                descriptor = os.open(folder.at(path.name), OPEN_FLAGS, dir_fd=folder.descriptor)
        except OSError as error:
            raise StorageError(
                f"{shown_path(path)} cannot be read ({error.strerror or error}). Download again."
            ) from None
        if not os.path.samestat(os.fstat(descriptor), identity):
            os.close(descriptor)
            raise StorageError(f"Another program replaced {shown_path(path)}. Download again.")
        return descriptor

    def _opened_whole(self, place: _Place) -> FileSource:
        try:
            source = FileSource(self._opened(place.path, place.identity), self._is_still)
        except StorageError as error:
            raise FileChangedError(str(error)) from None
        try:
            source.check()
        except FileChangedError:
            source.close()
            raise
        return source

    def _move_sources(self, path: Path) -> None:
        """Let sources use the final file. From now on they notice any change to it."""
        place = None
        with suppress(OSError):
            place = _Place(path, os.lstat(path), is_whole=True)
        self._replace_place(place)

    def _replace_place(self, place: _Place | None) -> None:
        with self._sources:
            reader, self._reader, self._place = self._reader, -1, place
        if reader >= 0:
            os.close(reader)

    def _path_now(self) -> Path | None:
        place = self._place
        return None if place is None else place.path

    def _is_still(self, status: os.stat_result) -> bool:
        place = self._place
        if place is None:
            return False
        known = place.identity
        if not os.path.samestat(status, known):  # SKIP removed ours, but it has the same content
            return os.path.samestat(status, self._file.identity)
        if not place.is_whole:  # a touched file is checked before more of it is uploaded
            return not self._file.is_touched
        return (status.st_size, status.st_mtime_ns) == (known.st_size, known.st_mtime_ns)

    def _check_size(self) -> None:
        with suppress(OSError):  # the sync that follows reports it better
            if self._file.file.size != self.content.size:
                raise FileTouchedError(
                    f"Another program changed {shown_path(self.path)}. "
                    "Download again: intact parts are kept."
                )
