"""The file that one content arrives in: what an earlier run left is kept, checked and completed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from roles.disk.chunk_digests import ChunkDigests, fitting
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
    """Where sources find the content, and what the file there must be."""

    path: Path
    identity: os.stat_result
    is_whole: bool  # then nobody writes to it any more


class ArrivingFile:
    """folder/a/b/NAME.lmkpart until it is finished, then its file.

    Any thread may call write(), read() and open_source(). One thread calls the rest, while no other
    writes.
    """

    def __init__(self, folder: Path, stored: tuple[str, ...], content: Content) -> None:
        """Open or make it, and keep what is in it. Raises StorageError."""
        self.content = content
        self._folder, self._below = folder, stored[:-1]
        self._file = ClaimedFile(folder, stored)
        self._sources = threading.Lock()  # protects _reader and _place
        self._reader = -1  # for sources; it has no share in the lock of the file
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
        """Where it is while it arrives."""
        return self._file.path

    @property
    def is_in_place(self) -> bool:
        """Whether it is open, and not known to be replaced by another file of its name."""
        return self._file.is_in_place

    def recheck(self, digests: bytes | None, should_stop: Callable[[], bool]) -> int:
        """The bitmap of the chunks on the disk that have these digests.

        Without digests, which a content of one chunk does not need, its root is compared. Once
        should_stop(), only those found until then. No thread of ours writes meanwhile. Raises
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
        found = ChunkDigests(self._file.file, self.content, should_stop).run()
        if digests is None:
            root = root_of(self.content.size, self.content.chunk_size, found)
            return self.content.all_chunks if root == self.content.root else 0
        return fitting(digests, found)

    def write(self, offset: int, piece: memoryview) -> None:
        """Raises StorageError, DiskFullError when the disk is full."""
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
        """Sync it and give it its final name, or drop it when SKIP finds the same content there.

        Returns the path and whether it was there already; None when it was told to stop before that
        was known. Every chunk has been written and verified. Raises FileTouchedError when another
        program wrote to it since, and other StorageErrors; the partial file is kept then.
        """
        self._check_size()
        finished = self._file.finish(existing, should_stop, mtime, is_executable=is_executable)
        if finished is not None:
            self._move_sources(finished[0])
        return finished

    def open_source(self) -> ChunkSource:
        """Open it for one sender, while it arrives and afterwards. Raises FileChangedError."""
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
        """Close and remove it; what another program put in its place stays. Raises StorageError."""
        self._forget_sources()
        self._file.discard()

    def close(self) -> None:
        """Close it and leave it where it is. A finished one can still be sent."""
        place = self._place
        if place is None or not place.is_whole:
            self._forget_sources()
        self._file.close()

    def _open_reader(self) -> None:
        """Sources use a descriptor of its own: a copy of the writing one would keep the lock."""
        self._place = _Place(self.path, self._file.identity, is_whole=False)
        if not CLOSES_FIRST:
            self._reader = self._opened(self.path, self._file.identity)

    def _opened(self, path: Path, identity: os.stat_result) -> int:
        """Raises StorageError when another file is there."""
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
        """It has its final name. From now on any change is noticed."""
        try:
            place = _Place(path, os.lstat(path), is_whole=True)
        except OSError:
            self._forget_sources()
            return
        with self._sources:
            reader, self._reader, self._place = self._reader, -1, place
        if reader >= 0:
            os.close(reader)

    def _forget_sources(self) -> None:
        with self._sources:
            reader, self._reader, self._place = self._reader, -1, None
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
        if not os.path.samestat(status, known):  # ours, removed, as the same content was there
            return os.path.samestat(status, self._file.identity)
        if not place.is_whole:  # what another program wrote to is checked before it is given on
            return not self._file.is_touched
        return (status.st_size, status.st_mtime_ns) == (known.st_size, known.st_mtime_ns)

    def _check_size(self) -> None:
        with suppress(OSError):  # fsync will say it better
            if self._file.file.size != self.content.size:
                raise FileTouchedError(
                    f"Another program changed {shown_path(self.path)}. "
                    "Download again: what fits is kept."
                )
