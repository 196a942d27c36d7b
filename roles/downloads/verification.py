"""Reads the files of a finished download again, and tells which are damaged, edited or missing.

Reading changes nothing. A damaged file gets another name only when it is fetched again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadLife
from roles.downloads.download_queue import DownloadQueue
from roles.downloads.download_scope import identity_of
from roles.values.errors import ShortageError, StorageError
from roles.values.events import Post, Verified, Warned
from roles.values.list_lines import FileLine
from roles.worker import Worker

log = logging.getLogger(__name__)

REPORT_S = 0.5

PlacedFile: TypeAlias = tuple[FileLine, StoredPath]


class Verifier:
    """Verifies one download at a time. Owned by the leecher's thread."""

    def __init__(self, target: Path, post: Post) -> None:
        self._target, self._post = target, post
        self._waiting = deque[tuple[str, str]]()  # keys of downloads, and paths in them
        self._stopping = threading.Event()
        self._thread: Worker | None = None

    def ask(self, key: str, path: str) -> None:
        """`path`: of a file; of a folder, which ends in "/"; or "" for all that the download
        brings.
        """
        self._waiting.append((key, path))

    def stop(self) -> None:
        self._waiting.clear()
        self._stopping.set()

    def tick(self, downloads: DownloadQueue[DownloadLife]) -> None:
        """Begin the next one, if there is one."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = None
        self._stopping.clear()
        while self._waiting and self._thread is None:
            key, path = self._waiting.popleft()
            download = downloads.get(key)
            if isinstance(download, Download) and not download.is_running:
                self._start(download, path)

    def close(self) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _start(self, download: Download, path: str) -> None:
        files = [file for file in _placed_files(download) if _is_meant(file[0].path, path)]
        size = sum(file.size for file, _ in files)
        begun = Verified(download.key, path, download.title, len(files), size)
        thread = Worker(lambda: self._read(files, begun), "lmk-verify")
        try:
            thread.start()
        except ShortageError as error:
            self._post(Warned(str(error)))
        else:
            self._thread = thread

    def _read(self, files: Iterable[PlacedFile], begun: Verified) -> None:
        target = TargetFolder(self._target, stopping=self._stopping, reads_anew=True)
        damaged, edited, missing = list[str](), list[str](), list[str]()
        so_far, report_at = begun, time.monotonic() + REPORT_S
        for file, stored in files:
            assert file.content is not None
            is_same = target.find(stored, file.content) is not None
            if self._stopping.is_set():
                break
            if is_same:
                pass
            elif not target.has(stored):
                missing.append(file.path)
            elif target.is_stamped(stored, file.size, file.mtime):
                damaged.append(file.path)
            else:
                edited.append(file.path)
            size_read = so_far.size_read + file.size
            so_far = replace(so_far, files_read=so_far.files_read + 1, size_read=size_read)
            if time.monotonic() >= report_at:
                report_at = time.monotonic() + REPORT_S
                self._post(so_far)
        self._post(
            replace(
                so_far,
                damaged=tuple(damaged),
                edited=tuple(edited),
                missing=tuple(missing),
                is_over=True,
            )
        )


def set_damaged_aside(download: Download, paths: Iterable[str], target: Path) -> None:
    """Free the names of these files, so that they can be fetched again; they are kept."""
    meant, folder = set(paths), TargetFolder(target)
    for file, stored in _placed_files(download):
        if file.path in meant and folder.is_stamped(stored, file.size, file.mtime):
            try:
                log.info("%s is kept as %s.", file.path, folder.set_aside(stored))
            except StorageError as error:
                log.warning("%s", error)


def _placed_files(download: Download) -> Iterator[PlacedFile]:
    places = download.newest.scope.stored
    for file in download.wanted.files:
        stored = places.get(identity_of(file))
        if isinstance(stored, tuple):
            yield file, stored


def _is_meant(file: str, path: str) -> bool:
    return not path or file == path or (path.endswith("/") and file.startswith(path))
