"""A leecher's downloads in the order in which they start: some run, the others wait. Pure.

No two run at once whose names a file system could treat as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from roles.values.errors import LmkError, ShortageError
from roles.values.events import DownloadState

START_AGAIN_S = 1.0  # after there was no thread for a download
# A download that receives nothing gives way to waiting ones, so that dead files of one share do not
# block others. It has more time while it is in a peer's queue.
GIVES_WAY_S = 5.0
GIVES_WAY_QUEUED_S = 15.0


class QueuedDownload(Protocol):
    """What the queue knows of a download."""

    key: str
    state: DownloadState
    turns: int  # given up for other downloads

    @property
    def is_running(self) -> bool: ...

    @property
    def waits_for(self) -> object:
        """The running one that has a name that it needs; None if there is none."""

    @property
    def collision_keys(self) -> frozenset[str]: ...

    def still_s(self, now: float) -> float: ...

    def start(self) -> None:
        """Raises ShortageError."""

    def give_way(self, now: float) -> None: ...

    def give_up(self, failure: LmkError) -> None: ...


DownloadT = TypeVar("DownloadT", bound=QueuedDownload)


class DownloadQueue(Generic[DownloadT]):
    """For one thread. Any thread may call all()."""

    def __init__(self, at_once: int, give_up_after_s: float | None) -> None:
        """`at_once`: how many run. `give_up_after_s`: without a thread for one; None: never."""
        self.lack: ShortageError | None = None  # there was no thread at the last try
        self._at_once = at_once
        self._give_up_after_s = give_up_after_s
        self._downloads: dict[str, DownloadT] = {}
        self._owners: dict[str, str] = {}  # of each name: the key of the first download with it
        self._start_again_at = 0.0
        self._lacking_since = 0.0

    def all(self) -> list[DownloadT]:
        return list(self._downloads.values())

    def get(self, key: str) -> DownloadT | None:
        return self._downloads.get(key)

    def chosen(self, keys: Iterable[str]) -> list[DownloadT]:
        """The downloads of these keys, without unknown ones."""
        return [self._downloads[key] for key in keys if key in self._downloads]

    def add(self, download: DownloadT) -> None:
        """Add it at the end, or where an earlier one with its key was."""
        self._downloads[download.key] = download
        self.note_names(download)

    def note_names(self, download: DownloadT) -> None:
        """Call it when a download has got more names."""
        for name in download.collision_keys:
            self._owners.setdefault(name, download.key)

    def has_twin(self, download: DownloadT) -> bool:
        """Whether another one had one of its names first, so that it must not replace that file."""
        owners = (self._owners.get(name, download.key) for name in download.collision_keys)
        return any(owner != download.key for owner in owners)

    def put_in_order(self, keys: Sequence[str], *, now: float) -> None:
        """Put these first, in this order. What runs gives way to those that come before it."""
        known = self._downloads
        order = dict.fromkeys([*(key for key in keys if key in known), *known])
        self._downloads = {key: known[key] for key in order}
        for download in self.all():
            download.turns = 0
        due = [
            download
            for download in self.all()
            if download.is_running or download.state is DownloadState.QUEUED
        ]
        for download in due[self._at_once :]:
            if download.is_running:
                download.give_way(now)
                download.turns = 0

    def step(self, follow: Callable[[DownloadT], object], *, now: float) -> bool:
        """Start those whose turn it is; stalled ones give way to those that wait. Returns whether
        one has started.

        `follow` lets a download take up the newest list before it starts.
        """
        if now < self._start_again_at:
            return False
        has_started = False
        downloads = sorted(self.all(), key=lambda download: download.turns)
        running = [download for download in downloads if download.is_running]
        is_one_waiting = any(download.waits_for is not None for download in running)
        for download in downloads:
            if download.state is not DownloadState.QUEUED or download.is_running:
                continue
            if len(running) >= self._at_once:
                is_one_waiting = True
                break
            if not all(_are_apart(download, other) for other in running):
                is_one_waiting = True
                continue
            follow(download)
            try:
                download.start()
            except ShortageError as error:
                self._note_lack(download, error, now)
                return has_started
            self.lack = None
            running.append(download)
            has_started = True
        if is_one_waiting:
            _let_others_go_on(running, now)
        return has_started

    def _note_lack(self, download: DownloadT, error: ShortageError, now: float) -> None:
        """No thread is left: try again in a while, and in the end give up."""
        self._start_again_at = now + START_AGAIN_S
        if self.lack is None:
            self._lacking_since = now
        self.lack = error
        patience_s = self._give_up_after_s
        if patience_s is not None and now - self._lacking_since >= patience_s:
            download.give_up(error)


def _let_others_go_on(running: Iterable[QueuedDownload], now: float) -> None:
    """Stalled downloads give way, and wait until the others have had as many turns."""
    for download in running:
        is_queued = download.state is DownloadState.IN_QUEUE
        if download.still_s(now) >= (GIVES_WAY_QUEUED_S if is_queued else GIVES_WAY_S):
            download.give_way(now)


def _are_apart(download: QueuedDownload, other: QueuedDownload) -> bool:
    """Whether no file system treats any of their names as one."""
    return download.collision_keys.isdisjoint(other.collision_keys)
