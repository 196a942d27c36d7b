"""The file that a download writes one content to. What an earlier run left is checked and kept."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from roles.disk.chunk_digests import digests_of, fitting
from roles.disk.file_source import FileSource, PathSource
from roles.disk.holding import ChunkSource
from roles.disk.partial_file import CLOSES_FIRST, FinalFile, PartialFile
from roles.disk.stored_names import StoredPath
from roles.values.content import Content, root_of
from roles.values.disk_names import shown_path
from roles.values.errors import FileChangedError, FileTouchedError, StorageError


@dataclass(frozen=True, slots=True)
class _KnownFile:
    """The file that sources read, and where it is."""

    path: Path
    identity: os.stat_result
    is_whole: bool  # from then on nobody writes to it


class ArrivingFile(PartialFile):
    """folder/a/b/NAME.lmkpart, and after finish() folder/a/b/NAME.

    Any thread may call write(), read() and open_source(). The other methods are for one thread,
    while no other thread writes.
    """

    def __init__(self, folder: Path, stored: StoredPath, content: Content) -> None:
        super().__init__(folder, stored)
        self.content = content
        self._sources = threading.Lock()  # protects _reader and _known
        self._reader = -1  # a descriptor for sources, opened anew: a copy would share the lock
        self._known: _KnownFile | None = None
        try:
            if self.file.size > content.size:
                self.truncate(content.size)
            known = _KnownFile(self.path, self.identity, is_whole=False)
            if not CLOSES_FIRST:
                self._reader = self._opened(known)
            self._known = known
        except BaseException:
            super().close()
            raise

    def recheck(self, digests: bytes | None, stopping: threading.Event) -> int:
        """Hash what is on the disk; returns the bitmap of the chunks with the right digests.

        Without digests, as for a content of one chunk, it compares the root. Once
        `stopping` is set it returns what it has found so far. No thread may write meanwhile.
        """
        self.begin_check()
        content = self.content
        try:
            size = self.file.size
        except OSError:
            size = 0
        if size > content.size:
            self.truncate(content.size)
        if size == 0:
            return 0
        present = digests_of(self.file, content, stopping)
        if digests is None:
            is_whole = root_of(content.size, content.chunk_size, present) == content.root
            return content.all_chunks if is_whole else 0
        return fitting(digests, present)

    def read(self, offset: int, length: int) -> bytes:
        try:
            return self.file.read(offset, length)
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def finish(self, final: FinalFile, stopping: threading.Event) -> tuple[Path, bool] | None:
        """All chunks must be written and verified."""
        with suppress(OSError):  # the sync that follows reports it better
            if self.file.size != self.content.size:
                raise FileTouchedError(
                    f"Another program changed {shown_path(self.path)}. "
                    "Download again: intact parts are kept."
                )
        finished = super().finish(final, stopping)
        if finished is not None:
            known = None
            with suppress(OSError):  # from now on sources notice any change to the final file
                known = _KnownFile(finished[0], os.lstat(finished[0]), is_whole=True)
            self._set_known(known)
        return finished

    def open_source(self) -> ChunkSource:
        """Open it for one uploader, before or after finish(). Raises FileChangedError."""
        with self._sources:
            known = self._known
            descriptor = os.dup(self._reader) if self._reader >= 0 else -1
        if known is None:
            raise FileChangedError(f"{self.path.name} is closed")
        if descriptor >= 0:
            return FileSource(descriptor, self._is_still)
        source: FileSource | PathSource = PathSource(self._path_now, self._is_still)
        try:
            if not CLOSES_FIRST:
                source = FileSource(self._opened(known), self._is_still)
            source.check()
        except StorageError as error:
            source.close()
            raise FileChangedError(str(error)) from None
        except FileChangedError:
            source.close()
            raise
        return source

    def discard(self) -> None:
        self._set_known(None)
        super().discard()

    def close(self) -> None:
        """A finished file can still be uploaded."""
        known = self._known
        if known is None or not known.is_whole:
            self._set_known(None)
        super().close()

    def _opened(self, known: _KnownFile) -> int:
        """Raises StorageError, for example if another file is there."""
        try:
            with self._opened_folder() as folder:
                descriptor = folder.open_file(known.path.name)
        except OSError as error:
            raise _unreadable(known.path, error) from None
        if not os.path.samestat(os.fstat(descriptor), known.identity):
            os.close(descriptor)
            raise StorageError(
                f"Another program replaced {shown_path(known.path)}. Download again."
            )
        return descriptor

    def _set_known(self, known: _KnownFile | None) -> None:
        with self._sources:
            reader, self._reader, self._known = self._reader, -1, known
        if reader >= 0:
            os.close(reader)

    def _path_now(self) -> Path | None:
        known = self._known
        return None if known is None else known.path

    def _is_still(self, status: os.stat_result) -> bool:
        known = self._known
        if known is None:
            return False
        identity = known.identity
        if not os.path.samestat(status, identity):  # SKIP removed ours, but it has the same content
            return os.path.samestat(status, self.identity)
        if not known.is_whole:  # a touched file is checked before more of it is uploaded
            return not self.is_touched
        return (status.st_size, status.st_mtime_ns) == (identity.st_size, identity.st_mtime_ns)


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{shown_path(path)} cannot be read ({error.strerror or error}). Download again."
    )
