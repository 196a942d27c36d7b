"""What the Leecher tab shows: the tracker's list, and how far each download is. No widgets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from roles.values.errors import CodeRefusedError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    FilesListed,
    ListFailed,
    QueueChanged,
    ReachabilityChanged,
    RoleEvent,
    RoleStopped,
    Upload,
    UploadsChanged,
)
from roles.values.folder_keys import FolderKey
from roles.values.listed_file import ListedFile
from roles.values.settings import LeecherSettings
from ui.file_list import FileList, folders_above, is_folder
from ui.window.folder_parts import FolderParts
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from roles.leecher import Leecher

log = logging.getLogger(__name__)

LIST_AT_ONCE = 3_000  # files that are sorted within a frame
COMPLETE = (DownloadState.DONE, DownloadState.SKIPPED)


class LeecherModel:
    """Owned by Tk's thread. At most one leecher works at a time: two would share partial files."""

    def __init__(self, context: WindowContext, tell: Callable[[RoleEvent], None]) -> None:
        """`tell` gets the events of the leecher in use, after the model has changed."""
        self._context = context
        self._tell = tell
        self.settings: LeecherSettings | None = None
        # Its port, and whether others can connect to it; None while the tracker does not know.
        self.reachable: tuple[int, bool] | None = None
        self.leecher: Leecher | None = None  # in use
        self._ending: Leecher | None = None  # its files are not released yet
        self.downloads: dict[str, DownloadChanged] = {}
        self.parts = FolderParts()
        self._forget()

    def renew(self, settings: LeecherSettings) -> None:
        """Use another leecher, as soon as the one before has released its files.

        What was downloaded to the same folder is not forgotten.
        """
        old, was_busy = self.leecher, bool(self.unfinished)
        had, parts = dict[str, DownloadChanged](), FolderParts()
        if self.settings is not None and self.settings.folder == settings.folder:
            complete = self.in_states(self.downloads, *COMPLETE)
            had = {name: self.downloads[name] for name in complete}
            parts = self.parts
            parts.forget_unfinished()
        self._forget()
        self.downloads, self.parts = had, parts
        self.settings, self.leecher = settings, None
        if old is not None:
            old.stop()
            self._ending = old if was_busy else None
        if self._ending is None:
            self._begin()

    def state_of(self, name: str) -> DownloadState | None:
        """None for what was never asked for."""
        download = self.downloads.get(name)
        return None if download is None else download.state

    def has(self, file: ListedFile) -> bool:
        """Whether it was downloaded, by itself or with a folder."""
        return self.state_of(file.key) in COMPLETE or self.came_with_folder(file.key)

    def came_with_folder(self, name: str) -> bool:
        """Whether this file is here because a folder was downloaded."""
        file = self.list.files.get(name)
        ended = None if file is None else self.parts.ended(file.share, file.name)
        return ended is not None and ended.state in COMPLETE

    def names_above(self, share: str, path: str) -> Iterator[str]:
        """What a leecher is asked for to get the folders that this is in, innermost first."""
        return (str(FolderKey(share, folder)) for folder in folders_above(path))

    def running_above(self, share: str, path: str) -> DownloadChanged | None:
        """The download of a folder above this file or folder that has not ended."""
        for name in self.names_above(share, path):
            download = self.downloads.get(name)
            if download is not None and not download.state.is_final:
                return download
        return None

    def in_states(self, names: Iterable[str], *states: DownloadState | None) -> list[str]:
        """The names whose download is in one of these states."""
        return [name for name in names if self.state_of(name) in states]

    @property
    def unfinished(self) -> list[str]:
        """Running, waiting or paused."""
        if self.leecher is None:
            return []
        return [name for name, download in self.downloads.items() if not download.state.is_final]

    @property
    def is_busy(self) -> bool:
        """Whether something arrives, or will without the user's help."""
        return any(self.state_of(name) is not DownloadState.PAUSED for name in self.unfinished)

    @property
    def rate(self) -> float:
        """Bytes per second of all downloads."""
        return sum(self.downloads[name].rate for name in self.unfinished)

    @property
    def percent(self) -> int:
        """How much is here of everything that was asked for since everything had last ended."""
        batch = [self.downloads[name] for name in self._batch if name in self.downloads]
        size = sum(download.size for download in batch)
        return sum(download.have for download in batch) * 100 // size if size else 100

    @property
    def complete_count(self) -> int:
        """How many files are complete."""
        names = [name for name in self.in_states(self.downloads, *COMPLETE) if not is_folder(name)]
        return self.parts.here + sum(not self.came_with_folder(name) for name in names)

    def problems_of(self, name: str) -> int:
        """How many files of this download failed; one that failed as a whole, or has no room on
        the disk, is a problem, too.
        """
        failed, state = len(self.problems.get(name, ())), self.state_of(name)
        if state in (DownloadState.FAILED, DownloadState.WAITING_FOR_SPACE):
            return failed or 1
        return 0 if state is None or state.is_final else failed

    @property
    def with_problems(self) -> list[str]:
        """The downloads that need the user."""
        return [name for name in self.downloads if self.problems_of(name)]

    @property
    def problem_count(self) -> int:
        return sum(map(self.problems_of, self.downloads))

    def can_verify(self, name: str) -> bool:
        """Whether its content is known: originals tell none."""
        file = self.list.files.get(name)
        return bool(name) and (is_folder(name) or file is None or bool(file.root))

    def retry(self, names: Iterable[str]) -> None:
        """Try again what failed of these downloads."""
        chosen = [name for name in names if self.problems_of(name)]
        if self.leecher is not None and chosen:
            for name in chosen:
                self._forget_problems(name)
            self.leecher.retry(chosen)

    def _forget_problems(self, name: str) -> None:
        for path in self.problems.pop(name, {}):
            self.parts.forget(name, path)

    def _forget(self) -> None:
        self.downloads, self.parts = {}, FolderParts()
        self.problems: dict[str, dict[str, FileEnded]] = {}  # failed files, by download and path
        self.uploads: tuple[Upload, ...] = ()  # to other leechers
        self.queue: tuple[str, ...] = ()  # downloads that have not ended, the next ones first
        self.first: dict[str, tuple[str, ...]] = {}  # files that come first, by download
        self._places: dict[str, int] = {}  # in that queue
        self._ranks: dict[tuple[str, str], int] = {}  # of files, by download and path
        self.list = FileList()
        self.listed: FilesListed | None = None
        self.list_failed: ListFailed | None = None  # since the last list
        self._newest_list: FilesListed | None = None
        self._batch = set[str]()  # what was asked for since everything had last ended

    def _begin(self) -> None:
        from roles.leecher import Leecher  # not before the window is painted

        settings, roles = self.settings, self._context.roles
        if settings is None:
            return

        def handle(event: RoleEvent) -> None:
            if self.leecher is leecher:
                self._handle(event)
            elif isinstance(event, RoleStopped) and self._ending is leecher:
                self._ending = None
                self._begin()

        leecher = roles.start(lambda post: Leecher(settings, post, roles.throttles), handle)
        self.leecher = leecher

    def _handle(self, event: RoleEvent) -> None:
        match event:
            case FilesListed():
                self._take_list(event)
                return
            case ListFailed():
                self.list_failed = event
            case DownloadChanged():
                self._take_download(event)
            case FilesEnded(download=download, files=files):
                self._take_ended(download, files)
            case QueueChanged():
                self._take_queue(event)
            case UploadsChanged(uploads=uploads):
                self.uploads = uploads
            case ReachabilityChanged(address, is_reachable):
                self.reachable = address.port, is_reachable
                log.info("Others can%s connect to %s.", "" if is_reachable else "not", address)
            case RoleStopped(failure):
                if isinstance(failure, CodeRefusedError) and self.settings is not None:
                    self.list_failed = ListFailed(self.settings.tracker, failure)
                self.leecher = None
                self._batch.clear()
                self.uploads = ()
            case _:
                pass
        self._tell(event)
        if isinstance(event, AllDownloadsEnded):
            self._batch.clear()

    def place_of(self, name: str) -> int:
        """The place of a download in the queue, from 1; 0 if it is not in it."""
        return self._places.get(name, 0)

    def rank_of(self, name: str, path: str) -> int:
        """The place of a file or folder of this download among those put in order; 0 for none."""
        return self._ranks.get((name, path), 0)

    def put_in_order(self, names: Sequence[str]) -> None:
        """Start these downloads in this order."""
        if self.leecher is not None:
            self._take_queue(QueueChanged(tuple(names), tuple(self.first.items())))
            self.leecher.put_in_order(names)

    def put_files_in_order(self, name: str, paths: Sequence[str]) -> None:
        """Fetch these files and folders of one folder first, in this order."""
        if self.leecher is not None:
            others = [path for path in self.first.get(name, ()) if path not in set(paths)]
            first = {**self.first, name: (*paths, *others)}
            self._take_queue(QueueChanged(self.queue, tuple(first.items())))
            self.leecher.put_files_in_order(name, first[name])

    def _take_queue(self, event: QueueChanged) -> None:
        self.queue, self.first = event.downloads, dict(event.first)
        self._places = {name: place for place, name in enumerate(self.queue, 1)}
        self._ranks = {
            (name, path): rank
            for name, paths in self.first.items()
            for rank, path in enumerate(paths, 1)
        }

    def _take_list(self, event: FilesListed) -> None:
        """Report the list once it is sorted; a long one is sorted outside Tk's thread."""
        before = self.listed
        self._newest_list = event
        if len(event.files) <= LIST_AT_ONCE:
            self._listed(event, FileList.of(event, before))
        else:
            self._context.pump.in_background(
                lambda: FileList.of(event, before), lambda built: self._listed(event, built)
            )

    def _listed(self, event: FilesListed, built: FileList | None) -> None:
        if event is not self._newest_list:
            return
        self.listed, self.list_failed = event, None
        if built is not None:  # None: the same list again, which happens often
            self.list = built
        self._tell(event)

    def _take_download(self, event: DownloadChanged) -> None:
        before = self.state_of(event.name)
        if before is not None and before.is_final and not event.state.is_final:
            self._forget_problems(event.name)  # it tries those again
        self.parts.note_arriving(event.name, event.arriving)
        self.downloads[event.name] = event
        self._batch.add(event.name)

    def _take_ended(self, download: str, files: Iterable[FileEnded]) -> None:
        for file in files:
            for listed in self.list.named(download, file.name):
                own = self.state_of(listed.key)
                if own is not None and own.is_final:
                    del self.downloads[listed.key]  # what the folder brought is newer
            self.parts.note_ended(download, file)
            problems = self.problems.setdefault(download, {})
            if file.state is DownloadState.FAILED:
                problems[file.name] = file
            else:
                problems.pop(file.name, None)
