"""How many files of a download have ended, and how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from roles.values.events import DownloadState, FileEnded

NEWS_AT_ONCE = 500  # files reported together


class FileTally:
    """Owned by the download's thread; others may read its numbers."""

    def __init__(self, tell: Callable[[tuple[FileEnded, ...]], None]) -> None:
        """`tell` is called with each file once, some at a time."""
        self._tell = tell
        self.begin()

    def begin(self) -> None:
        """Forget everything: the download begins anew."""
        self.ended = 0  # files
        self.had = 0  # bytes of those that are here
        self.done = 0  # files that were fetched
        self.renamed = 0  # files that have another name here
        self._last: FileEnded | None = None  # that did not fail
        self.failures = list[FileEnded]()
        self._untold = list[FileEnded]()

    @property
    def saved_as(self) -> Path | None:
        """Where the last one is."""
        return None if self._last is None else self._last.saved_as

    def note(self, file: FileEnded) -> None:
        """One more has ended, or a folder could not be made."""
        self.ended += not file.is_folder
        self.renamed += file.is_renamed
        self._untold.append(file)
        if file.state is DownloadState.FAILED:
            self.failures.append(file)
        else:
            self.had += file.size
            self.done += file.state is DownloadState.DONE
            self._last = file
        if len(self._untold) >= NEWS_AT_ONCE:
            self.flush()

    def take_failures(self) -> list[FileEnded]:
        """What failed is tried again: from now on it has not ended."""
        failures, self.failures = self.failures, []
        self.ended -= sum(not file.is_folder for file in failures)
        return failures

    def flush(self) -> None:
        untold, self._untold = self._untold, []
        if untold:
            self._tell(tuple(untold))
