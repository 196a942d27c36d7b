"""The leecher role: the tracker's lists, and downloads that run side by side.

Threads: the role's own does what it is asked for and starts what is queued; `lmk-lister` talks to
the tracker; each download has its own. With the first download of LMK/2 it joins the swarm.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from roles.disk.leftovers import drop_packs
from roles.disk.promised_space import PromisedSpace
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadLife, failed_to_begin
from roles.downloads.downloads import Downloads
from roles.downloads.unfinished_downloads import UnfinishedDownloads
from roles.joining.room_lister import RoomLister, Sought
from roles.joining.tracker_place import TrackerPlace
from roles.lmk1.downloads import Downloads as Lmk1Downloads
from roles.net.throttle import Throttles
from roles.program.log_file import hide_folder
from roles.role import Role
from roles.values.addresses import Address
from roles.values.errors import (
    HaltedError,
    LmkError,
    ShortageError,
    StorageError,
    UserInputError,
)
from roles.values.events import (
    AllDownloadsEnded,
    DownloadState,
    Post,
    RoleStarted,
    Warned,
)
from roles.values.participants import TransferStatus
from roles.values.settings import DOWNLOADS_AT_ONCE, Existing, LeecherSettings

log = logging.getLogger(__name__)

TICK_S = 0.25
EAGER_TICK_S = 0.05  # at the beginning of a download
EAGER_S = 0.5
START_AGAIN_S = 1.0  # after a download for which there was no thread
# A download for which nothing comes makes room for those that wait, so that dead files of one share
# do not block other shares. It has more time while it is in a peer's queue.
GIVES_WAY_S = 5.0
GIVES_WAY_IN_QUEUE_S = 15.0
# Downloads that are not through: every folder that a room can have, and some thousand files.
MAX_WAITING = 20_000


class Leecher(Role):
    """Its methods may be called from any thread; it posts LeecherEvents until RoleStopped."""

    def __init__(
        self, settings: LeecherSettings, post: Post, throttles: Throttles | None = None
    ) -> None:
        """`throttles`: those of the whole program."""
        super().__init__("leecher", post)
        hide_folder(settings.folder)
        self._settings = settings
        throttles = throttles or Throttles()
        self._lock = threading.Lock()  # protects the table of downloads: lines, no I/O
        self._downloads: dict[str, DownloadLife] = {}  # changed by the role's own thread only
        self._waiting = 0  # downloads that have not ended, when they were counted last
        self._owners: dict[str, str] = {}  # by collision key: the first download with this name
        space = PromisedSpace(settings.folder)
        self._unfinished = UnfinishedDownloads(settings)
        self._is_busy = False  # AllDownloadsEnded is due
        self._eager_until = 0.0
        self._start_again_at = 0.0
        self._lacking_since: float | None = None  # since when no thread can be started
        self._requests = queue.SimpleQueue[Callable[[], None]]()
        self._woken = threading.Event()
        self._place = TrackerPlace(settings.tracker, settings.follow, post)
        self._lmk1 = Lmk1Downloads(
            settings,
            self._place,
            throttles.down,
            space,
            post,
            ended=self._woken.set,
            is_cut_off=self.is_cut_off,
            should_stop=self.should_stop,
        )
        self._lister = RoomLister(
            self._place,
            post,
            self.should_stop,
            self._lmk1.finder,
            sought=self._sought,
            found=self._found,
            listed=lambda: self._request(self._take_list),
        )
        self._lmk2 = Downloads(
            settings,
            self._place,
            throttles,
            space,
            self._lister,
            post,
            wake=self._woken.set,
            transfers=self._transfers,
            is_cut_off=self.is_cut_off,
            should_stop=self.should_stop,
            start_beside=self._start_beside,
        )

    def refresh(self) -> None:
        """Ask the tracker for its lists now; FilesListed or ListFailed follows."""
        self._lister.refresh()

    def download(self, keys: Iterable[str], existing: Existing) -> None:
        """Queue these of the newest list: keys of files, and FolderKeys as text.

        One that is queued or running already stays as it is.
        """
        self._request(partial(self._queue, tuple(keys), existing))

    def pause(self, keys: Iterable[str]) -> None:
        """Stop these downloads and keep what came, until resume()."""
        self._request(partial(self._pause, tuple(keys)))

    def resume(self, keys: Iterable[str]) -> None:
        """Let these downloads go on after a pause or a failure."""
        self._request(partial(self._resume, tuple(keys)))

    def cancel(self, keys: Iterable[str]) -> None:
        """Give these downloads up and remove what came."""
        self._request(partial(self._cancel, tuple(keys)))

    def stop(self) -> None:
        super().stop()
        self._woken.set()
        self._lister.wake()

    def _run(self) -> None:
        trouble = self._unfinished.load()
        lister = self._start_beside(self._lister.run, "lmk-lister")
        self._post(RoleStarted())
        if trouble:
            self._post(Warned(trouble))
        try:
            with contextlib.suppress(HaltedError):
                self._work()
        finally:
            self._stopping.set()
            self._lister.wake()
            self._do_requests()  # a cancel just before the end is one, too
            for download in self._all():
                if not download.state.is_final:
                    download.halt(download.at_the_end)
            for download in self._all():
                download.join()
                download.leave()
            self._unfinished.leave(self._all())
            self._lmk2.close()
            lister.join()

    def _begin_anew(self) -> None:
        """This computer has other addresses: connect anew, without waiting."""
        self._place.network_changed()
        self._lister.network_changed()
        self._lmk1.network_changed()
        self._lmk2.network_changed()
        for download in self._all():
            download.woken.set()

    def _work(self) -> None:
        while not self.should_stop():
            if self._network_change():
                self._begin_anew()
            self._do_requests()
            self._start_queued()
            self._tell_end()
            self._unfinished.note(self._all(), now=time.monotonic())
            self._lmk2.tick()
            is_eager = time.monotonic() < self._eager_until
            self._woken.wait(EAGER_TICK_S if is_eager else TICK_S)
            self._woken.clear()

    # Requests come from any thread and are done in the role's own, one after another

    def _request(self, request: Callable[[], None]) -> None:
        self._requests.put(request)
        self._woken.set()

    def _do_requests(self) -> None:
        while not self._requests.empty():
            self._requests.get()()

    def _queue(self, keys: Iterable[str], existing: Existing) -> None:
        self._waiting = sum(not one.state.is_final for one in self._all())
        for key in keys:
            if self.should_stop():
                return
            try:
                self._begin(key, existing, DownloadState.QUEUED)
            # No port is free, which may be otherwise the next time; or there are too many.
            except (StorageError, UserInputError) as error:
                self._fail(key, error)

    def _fail(self, key: str, error: LmkError) -> None:
        """Report a download that could not be created."""
        self._is_busy = True
        found = self._lister.wanted(key)
        self._post(failed_to_begin(key, found[0] if found is not None else None, error))

    def _take_list(self) -> None:
        """A list came: downloads follow it, and what the last run left goes on if it is there."""
        for download in self._all():
            if download.is_running:
                self._follow(download)

        def start(key: str, existing: Existing, is_paused: bool) -> bool:
            state = DownloadState.PAUSED if is_paused else DownloadState.QUEUED
            with contextlib.suppress(StorageError):  # no port is free: the next list, the next try
                return self._begin(key, existing, state)
            return False

        self._unfinished.take_up(start)

    def _follow(self, download: DownloadLife) -> None:
        """Tell a download what the newest list has of it, if that changed."""
        running = [one for one in self._all() if one.is_running]
        if isinstance(download, Download) and self._lmk2.follow(download, running):
            self._note_names(download)

    def _begin(self, key: str, existing: Existing, state: DownloadState) -> bool:
        """Make a download of this key; False when the list does not have it."""
        known = self._downloads.get(key)
        if not (known is None or known.state.is_final or known.is_cancelled):
            return True
        if self._waiting >= MAX_WAITING:
            raise UserInputError(
                f"More than {MAX_WAITING:,} downloads are waiting. Download this later."
            )
        download = self._made(key, existing)
        if download is None:
            return False
        self._waiting += 1
        if known is not None:
            known.join()
            known.discard()  # it has the name that the next one needs
        download.halt(state)
        self._note_names(download)
        with self._lock:
            self._downloads[key] = download
        self._is_busy = True
        return True

    def _made(self, key: str, existing: Existing) -> DownloadLife | None:
        """The download of this key; None when the list does not have it."""
        lmk1 = self._lmk1.made(key, existing)
        if lmk1 is None:
            return self._lmk2.made(key, existing)
        if self._has_twin(lmk1):
            lmk1.keep_both()
        return lmk1

    def _has_twin(self, download: DownloadLife) -> bool:
        """Whether another one had one of its names first: it may not replace that one's file."""
        owners = (self._owners.get(name, download.key) for name in download.collision_keys)
        return any(owner != download.key for owner in owners)

    def _note_names(self, download: DownloadLife) -> None:
        for name in download.collision_keys:
            self._owners.setdefault(name, download.key)

    def _pause(self, keys: Iterable[str]) -> None:
        for download in self._chosen(keys):
            if not (download.state.is_final or download.is_cancelled):
                download.halt(DownloadState.PAUSED)

    def _resume(self, keys: Iterable[str]) -> None:
        for download in self._chosen(keys):
            if download.can_resume:
                download.halt(DownloadState.QUEUED)
                self._is_busy = True

    def _cancel(self, keys: Iterable[str]) -> None:
        for download in self._chosen(keys):
            if download.state is DownloadState.FAILED or not download.state.is_final:
                download.halt(DownloadState.CANCELLED)

    def _tell_end(self) -> None:
        downloads = self._all()
        if self._is_busy and all(one.state.is_final and not one.is_running for one in downloads):
            self._is_busy = False
            if self._lmk2.has_begun and not self._unfinished.has_any(downloads):
                drop_packs(self._settings.folder)
            self._post(AllDownloadsEnded())

    def _start_queued(self) -> None:
        """Start what fits, but never two whose names a file system could take for one."""
        downloads = sorted(self._all(), key=lambda one: one.turns)
        for download in downloads:
            download.reap()
        for download in self._lmk2.free_to_follow():
            self._follow(download)
        if time.monotonic() < self._start_again_at:
            return
        running = [download for download in downloads if download.is_running]
        is_one_kept = self._lmk2.is_any_behind
        for download in downloads:
            if download.state is not DownloadState.QUEUED or download.is_running:
                continue
            is_full = len(running) >= DOWNLOADS_AT_ONCE
            if is_full or not all(_are_apart(download, other) for other in running):
                is_one_kept = True
                if is_full:
                    break
                continue
            running.append(download)
            self._follow(download)
            try:
                download.start()
            except ShortageError as error:
                self._note_lack(download, error)
                return
            self._lacking_since = None
            self._eager_until = time.monotonic() + EAGER_S
            self._lister.wake()
        if is_one_kept:
            self._let_others_go_on(running)

    def _let_others_go_on(self, running: Iterable[DownloadLife]) -> None:
        """Downloads that stand still make room; they wait until others had as many turns."""
        now = time.monotonic()
        for download in running:
            is_in_queue = download.state is DownloadState.IN_QUEUE
            if download.still_s(now) >= (GIVES_WAY_IN_QUEUE_S if is_in_queue else GIVES_WAY_S):
                download.give_way()

    def _note_lack(self, download: DownloadLife, error: ShortageError) -> None:
        """No thread is left: try again in a while, and give up after the usual time."""
        now = time.monotonic()
        self._start_again_at = now + START_AGAIN_S
        if self._lacking_since is None:
            self._lacking_since = now
            log.warning("%s", error)
        patience_s = self._settings.give_up_after_s
        if patience_s is not None and now - self._lacking_since >= patience_s:
            download.give_up(error)

    def _all(self) -> list[DownloadLife]:
        with self._lock:
            return list(self._downloads.values())

    def _chosen(self, keys: Iterable[str]) -> list[DownloadLife]:
        return [self._downloads[key] for key in keys if key in self._downloads]

    # For the lister and for the room, in their threads

    def _sought(self) -> Sought:
        active = [one for one in self._in_swarm() if one.needs_peers]
        return Sought(tuple(one.wanted for one in active), tuple(one.key for one in active))

    def _in_swarm(self) -> list[Download]:
        return [one for one in self._all() if isinstance(one, Download)]

    def _found(self, shares: Iterable[str], peers: Iterable[Address]) -> bool:
        return self._lmk2.found(shares, peers)

    def _transfers(self) -> tuple[TransferStatus, ...]:
        return tuple(one.as_transfer() for one in self._in_swarm() if one.state.is_active)


def _are_apart(one: DownloadLife, other: DownloadLife) -> bool:
    """Whether they have no names that some file system would take for the same."""
    return one.collision_keys.isdisjoint(other.collision_keys)
