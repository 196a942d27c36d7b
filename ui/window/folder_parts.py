"""How far the files and sub-folders of downloaded folders are. Pure.

Each file that ends is added to the folders above it, so that a folder's row costs the same however
many files are below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from roles.values.events import DownloadState, FileArriving, FileEnded
from roles.values.folder_keys import FolderKey
from ui.window.file_list import folders_above


@dataclass(frozen=True, slots=True)
class Part:
    """A folder below a download."""

    have: int = 0  # bytes
    ended: int = 0  # files that are here or failed
    failed: int = 0
    rate: float = 0.0
    senders: int = 0


@dataclass(slots=True)
class _Sums:
    """Sums by the path of a folder."""

    have: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def count(self, file: FileEnded, sign: int) -> None:
        has_failed = file.state is DownloadState.FAILED
        for folder in folders_above(file.name):
            self.ended[folder] += sign
            self.failed[folder] += sign * has_failed
            self.have[folder] += 0 if has_failed else sign * file.size


class FolderParts:
    """The parts of each share. Paths come from the wire."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, FileEnded]] = {}  # by share and path
        self._sums: dict[str, _Sums] = {}
        self._arriving: dict[str, dict[str, FileArriving]] = {}  # by download and path
        self._arriving_below: dict[str, dict[str, list[FileArriving]]] = {}  # and folder

    def note_ended(self, download: str, file: FileEnded) -> None:
        share = _share_of(download)
        if share is None or file.is_folder:
            return
        self.forget(download, file.name)
        self._files.setdefault(share, {})[file.name] = file
        self._sums.setdefault(share, _Sums()).count(file, 1)
        self._arriving.get(download, {}).pop(file.name, None)

    def forget(self, download: str, path: str) -> None:
        """This file is tried again."""
        share = _share_of(download)
        if share is not None and (before := self._files.get(share, {}).pop(path, None)) is not None:
            self._sums[share].count(before, -1)

    def note_arriving(self, download: str, files: Iterable[FileArriving]) -> None:
        """These are on their way now."""
        self._arriving.pop(download, None)
        self._arriving_below.pop(download, None)
        now = {file.name: file for file in files}
        if now:
            below: dict[str, list[FileArriving]] = {}
            for file in now.values():
                for folder in folders_above(file.name):
                    below.setdefault(folder, []).append(file)
            self._arriving[download], self._arriving_below[download] = now, below

    def file(self, download: str, path: str) -> FileArriving | None:
        """A file that this download is fetching."""
        return self._arriving.get(download, {}).get(path)

    def folder(self, share: str, path: str) -> Part:
        sums = self._sums.get(share, _Sums())
        coming = [
            file
            for download, below in self._arriving_below.items()
            if _share_of(download) == share
            for file in below.get(path, ())
        ]
        return Part(
            sums.have[path] + sum(file.have for file in coming),
            sums.ended[path],
            sums.failed[path],
            sum(file.rate for file in coming),
            max((file.senders for file in coming), default=0),
        )


def _share_of(download: str) -> str | None:
    key = FolderKey.of(download)
    return None if key is None else key.share
