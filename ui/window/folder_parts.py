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
from ui.file_list import folders_above


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
        self._ended: dict[tuple[str, str], FileEnded] = {}  # by share and path
        self._sums: dict[str, _Sums] = {}  # by share
        self._arriving: dict[str, dict[str, FileArriving]] = {}  # by download and path
        self._arriving_below: dict[str, dict[str, list[FileArriving]]] = {}  # and folder

    @property
    def here(self) -> int:
        """How many files are complete."""
        return sum(file.state is not DownloadState.FAILED for file in self._ended.values())

    def ended(self, share: str, path: str) -> FileEnded | None:
        """How a file ended that came with a folder of this share, or of every share."""
        return self._ended.get((share, path)) or self._ended.get(("", path))

    def note_ended(self, download: str, file: FileEnded) -> None:
        if file.is_folder:
            return
        self.forget(download, file.name)
        share = _share_of(download)
        self._ended[share, file.name] = file
        self._sums.setdefault(share, _Sums()).count(file, 1)
        self._arriving.get(download, {}).pop(file.name, None)

    def forget(self, download: str, path: str) -> None:
        """Forget how a file of this download ended: it is tried again."""
        self._forget(_share_of(download), path)

    def forget_unfinished(self) -> None:
        """Forget what failed, and what was on its way."""
        failed = [at for at, file in self._ended.items() if file.state is DownloadState.FAILED]
        for share, path in failed:
            self._forget(share, path)
        self._arriving.clear()
        self._arriving_below.clear()

    def _forget(self, share: str, path: str) -> None:
        if (before := self._ended.pop((share, path), None)) is not None:
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
            if file.name in self._arriving[download]  # it may have ended since
        ]
        return Part(
            sums.have[path] + sum(file.have for file in coming),
            sums.ended[path],
            sums.failed[path],
            sum(file.rate for file in coming),
            max((file.senders for file in coming), default=0),
        )


def _share_of(download: str) -> str:
    """The id of the share that this folder is in; "" for one that was asked for in all shares."""
    folder = FolderKey.of(download)
    return "" if folder is None else folder.share
