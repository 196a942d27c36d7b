"""One run of the leecher role: what the tracker listed, where each download stands. No widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from roles.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FilesListed,
    ListedFile,
    ListFailed,
    RoleEvent,
    RoleStopped,
)
from roles.leecher import Leecher
from roles.settings import LeecherSettings
from ui.window.running_roles import RunningRoles

_HAD = (DownloadState.DONE, DownloadState.SKIPPED)


class LeecherRun:
    """Owned by Tk's thread. After leave() it tells nothing more."""

    def __init__(
        self,
        roles: RunningRoles,
        settings: LeecherSettings,
        tell: Callable[[RoleEvent], None],
    ) -> None:
        self.settings = settings
        self.files: dict[str, ListedFile] = {}
        self.downloads: dict[str, DownloadChanged] = {}
        self.listed: FilesListed | None = None
        self.list_failed: ListFailed | None = None  # since the last list
        self._batch = set[str]()  # what was asked for since all had ended
        self._tell: Callable[[RoleEvent], None] | None = tell
        self.leecher = roles.start(lambda post: Leecher(settings, post), self._handle)

    @property
    def is_left(self) -> bool:
        """Whether another has taken its place."""
        return self._tell is None

    def leave(self) -> None:
        """Stop it, and hear nothing more of it."""
        self._tell = None
        self.leecher.stop()

    def remember(self, older: LeecherRun) -> None:
        """Go on showing what an older run has brought to the same folder."""
        if older.settings.folder == self.settings.folder:
            self.downloads = {
                name: download
                for name, download in older.downloads.items()
                if download.state in _HAD
            }

    def state_of(self, name: str) -> DownloadState | None:
        """None for what was never asked for."""
        download = self.downloads.get(name)
        return None if download is None else download.state

    def in_states(self, names: Iterable[str], *states: DownloadState | None) -> list[str]:
        """Those of the names whose download is in one of these states."""
        return [name for name in names if self.state_of(name) in states]

    @property
    def unfinished(self) -> list[str]:
        """Running, waiting or paused."""
        return [name for name, item in self.downloads.items() if not item.state.is_final]

    @property
    def is_busy(self) -> bool:
        """Whether something arrives, or will without the user's doing."""
        return any(self.state_of(name) is not DownloadState.PAUSED for name in self.unfinished)

    @property
    def rate(self) -> float:
        """Bytes per second of all downloads together."""
        return sum(item.rate for item in self.downloads.values())

    @property
    def percent(self) -> int:
        """Of all that was asked for since the last time that all had ended."""
        batch = [self.downloads[name] for name in self._batch if name in self.downloads]
        whole = sum(item.size for item in batch)
        return sum(item.have for item in batch) * 100 // whole if whole else 100

    @property
    def had_count(self) -> int:
        """How many files are whole."""
        return sum(1 for item in self.downloads.values() if item.state in _HAD)

    def _handle(self, event: RoleEvent) -> None:
        if self._tell is None:
            return
        match event:
            case FilesListed():
                self.listed, self.list_failed = event, None
                self.files = {file.name: file for file in event.files}
            case ListFailed():
                self.list_failed = event
            case DownloadChanged(name=name):
                self.downloads[name] = event
                self._batch.add(name)
            case RoleStopped():
                self._batch.clear()
            case _:
                pass
        self._tell(event)
        if isinstance(event, AllDownloadsEnded):
            self._batch.clear()
