"""The files of one pack: unpacked while it arrives, and uploaded as the pack afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from roles.disk.arriving_file import ArrivingFile
from roles.disk.pack_members import covered
from roles.disk.unpacking import unpack
from roles.disk.wanted_file import WantedFile
from roles.downloads.wanted_contents import WantedPack
from roles.sharing.folder_tree import TreeFile
from roles.sharing.holdings import PackHolding
from roles.values.disk_names import path_from_disk
from roles.values.errors import ContentError
from roles.values.events import FileEnded
from roles.values.settings import Existing

# Bytes of a pack that come before its files are written: one sync for a few hundred files.
UNPACK_AT = 4 * 1024 * 1024
SLOW_S = 2.0  # if the disk takes longer for them, the rest is unpacked at once, at the end


class PackUnpacking:
    """Owned by the download's thread."""

    def __init__(
        self,
        wanted: WantedPack,
        source: ArrivingFile,
        folder: Path,
        existing: Existing,
        should_stop: Callable[[], bool],
    ) -> None:
        """`source` is where the pack arrives, `folder` where its files go."""
        self.wanted = wanted  # without the files that have ended
        self._files = wanted.files
        self._source = source
        self._folder = folder
        self._existing = existing
        self._should_stop = should_stop
        self._unpacked = 0  # bitmap of the chunks whose files were unpacked
        self._unpack_at = UNPACK_AT
        self._saved = dict[str, TreeFile]()  # by path: what each file was when it got its name

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

    def rest(self, had: int) -> Iterator[FileEnded]:
        """Write and name the wanted files that lie in the chunks of `had`; tells how each ended.

        A file that is not as listed stays wanted: it must be fetched alone. Raises DiskFullError.
        """
        fresh = had & ~self._unpacked
        here = covered(self.wanted.files, self.wanted.content, had, fresh)
        ended = set[str]()  # paths: no two files of a pack have the same
        try:
            for file, end, status in unpack(
                self._source, here, self._folder, self._existing, self._should_stop
            ):
                if isinstance(end.failure, ContentError):
                    continue
                ended.add(file.path)
                if end.saved_as is not None and status is not None:
                    self._note_saved(file, end.saved_as.name, status)
                yield end
        finally:
            left = tuple(file for file in self.wanted.files if file.path not in ended)
            self.wanted = replace(self.wanted, files=left)
        if not self._should_stop():
            self._unpacked |= fresh

    def holding(self, digests: bytes) -> PackHolding | None:
        """The pack to upload, read from its files; None unless all of them are here."""
        content = self.wanted.content
        is_whole = sum(file.size for file in self._files) == content.size
        if not is_whole or len(self._saved) < len(self._files):
            return None
        saved = [self._saved[file.path] for file in self._files]
        return PackHolding(self._folder, saved, content, digests)

    def _note_saved(self, file: WantedFile, name: str, status: os.stat_result) -> None:
        """What it is now: an edit before the whole pack is here must be noticed."""
        if status.st_size == file.size:
            path = path_from_disk("/".join((*file.stored[:-1], name)))
            may_run = bool(status.st_mode & 0o100)
            saved = TreeFile(path, status.st_size, status.st_mtime_ns, status.st_ino, may_run)
            self._saved[file.path] = saved
