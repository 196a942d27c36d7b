"""How many files of a download have ended, and how. It knows no swarm and no disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from roles.values.events import DownloadState, FileEnded

NEWS_AT_ONCE = 500  # files that are told of together


@dataclass(slots=True)
class FileTally:
    """Owned by the download's thread. `tell` is given the files that were not told of yet."""

    tell: Callable[[tuple[FileEnded, ...]], None]
    ended: int = 0  # files
    had: int = 0  # bytes of those that are here
    done: int = 0  # files that were fetched
    renamed: int = 0  # files that have another name here
    saved_as: Path | None = None  # of the last one
    failures: list[FileEnded] = field(default_factory=list)
    _untold: list[FileEnded] = field(default_factory=list)

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
            self.saved_as = file.saved_as
        if len(self._untold) >= NEWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Tell of those that were not told of yet."""
        untold, self._untold = self._untold, []
        if untold:
            self.tell(tuple(untold))
