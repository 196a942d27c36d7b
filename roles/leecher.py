"""The leecher role: gets the tracker's lists and runs downloads.

Threads: the role's own executes requests and starts queued downloads; `lmk-reader` talks to the
tracker; each download has one. With the first LMK/2 download it joins the swarm.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from roles.disk.download_record import RecordedDownload
from roles.disk.folder_check import free_space_for
from roles.disk.leftovers import drop_packs
from roles.disk.reserved_space import ReservedSpace
from roles.disk.share_folders import ShareFolders
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadContext, DownloadLife, failed_to_begin
from roles.downloads.download_log import DownloadLog
from roles.downloads.download_queue import DownloadQueue
from roles.downloads.download_watch import DownloadWatch
from roles.downloads.file_order import FileOrder
from roles.downloads.progress import Progress
from roles.downloads.swarm_peer import SwarmPeer
from roles.downloads.unfinished_downloads import UnfinishedDownloads
from roles.downloads.verification import Verifier, set_damaged_aside
from roles.joining.list_copy import Selection
from roles.joining.peer_finder import PeerFinder
from roles.joining.room_reader import RoomReader
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.downloads import Lmk1Downloads
from roles.net.throttle import Throttles
from roles.program.log_file import hide_folder
from roles.role import Role
from roles.values.addresses import Address
from roles.values.errors import (
    LmkError,
    StoppedError,
    StorageError,
    UserInputError,
)
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    Post,
    QueueChanged,
    RoleEvent,
    RoleStarted,
    Warned,
)
from roles.values.folder_keys import FolderKey
from roles.values.settings import Existing, LeecherSettings
from roles.worker import failure_of

log = logging.getLogger(__name__)

TICK_S = 0.25
# Unfinished downloads: all folders that a room can have, and some thousand files.
MAX_WAITING = 20_000

P = ParamSpec("P")


def _requested(
    work: Callable[Concatenate[Leecher, P], None],
) -> Callable[Concatenate[Leecher, P], None]:
    """Any thread may call the method; the role's own does the work, in the order of the calls. The
    caller must not change the arguments afterwards.
    """

    @wraps(work)
    def request(self: Leecher, /, *args: P.args, **options: P.kwargs) -> None:
        self._request(partial(work, self, *args, **options))

    return request


class Leecher(Role):
    """Any thread may call its public methods. Posts LeecherEvents."""

    def __init__(
        self, settings: LeecherSettings, post: Post, throttles: Throttles | None = None
    ) -> None:
        super().__init__("leecher", post)
        hide_folder(settings.folder)
        self._settings = settings
        self._throttles = throttles or Throttles()
        self._queue = DownloadQueue[DownloadLife](
            settings.downloads_at_once, settings.give_up_after_s
        )
        self._peer: SwarmPeer | None = None  # made with the first list; _found_peers() reads it
        self._unfinished = UnfinishedDownloads(settings)
        self._folders = ShareFolders(settings.folder, settings.state_folder, self._stopping)
        self._is_busy = False  # AllDownloadsEnded is due
        self._verifier = Verifier(settings.folder, post)
        self._download_watch = DownloadWatch(self._lmk2_download, post)
        self._order_at = 0.0  # when to look next whether the order has changed
        self._told_order = QueueChanged(())
        self._requests = queue.SimpleQueue[Callable[[], None]]()
        self._woken = threading.Event()
        self._locator = TrackerLocator(
            settings.tracker,
            settings.failover,
            post,
            stopping=self._stopping,
            code=settings.code,
        )
        self._progress = Progress()
        self._download_log = DownloadLog()
        self._context = DownloadContext(
            settings,
            ReservedSpace(settings.folder),
            self._post_and_note,
            self._woken.set,
            self.is_cut_off,
        )
        self._lmk1 = Lmk1Downloads(self._locator, self._throttles.down, self._context)
        self._room_reader = RoomReader(
            self._locator,
            post,
            self._lmk1.finder,
            PeerFinder(
                self._locator,
                self._lmk1.finder,
                sought=self._sought,
                join=self._join_shares,
                found=self._found_peers,
            ),
            listed=lambda: self._request(self._take_list),
        )

    def refresh(self) -> None:
        """Ask the tracker for its lists now. FilesListed or ListFailed follows."""
        self._room_reader.refresh()

    @_requested
    def download(self, keys: Sequence[str], existing: Existing) -> None:
        """Queue files and folders of the newest list: ListedFile.keys, and FolderKeys as text.

        Does not change downloads that are queued or running already.
        """
        unfinished = {download.key for download in self._queue.all() if download.is_unfinished}
        room = MAX_WAITING - len(unfinished)
        try:
            for number, key in enumerate(key for key in keys if key not in unfinished):
                if self._stopping.is_set():
                    return
                try:
                    if number >= room:
                        raise UserInputError(
                            f"More than {MAX_WAITING:,} downloads are waiting. Download this later."
                        )
                    self._begin(key, existing, DownloadState.QUEUED)
                except (StorageError, UserInputError) as error:
                    self._fail(key, error)
        finally:
            self._folders.save()

    @_requested
    def pause(self, keys: Sequence[str]) -> None:
        """Stop these downloads and keep what they have, until resume()."""
        for download in self._queue.chosen(keys):
            if not (download.state.is_final or download.is_cancelled):
                download.stop(DownloadState.PAUSED)

    @_requested
    def resume(self, keys: Sequence[str]) -> None:
        """Continue these downloads after a pause or a failure."""
        for download in self._queue.chosen(keys):
            if download.can_resume:
                download.stop(DownloadState.QUEUED)
                self._is_busy = True

    @_requested
    def retry(self, keys: Sequence[str]) -> None:
        """Try again what failed of these downloads, even while the rest is still running."""
        for download in self._queue.chosen(keys):
            if download.state is DownloadState.FAILED:
                self.resume([download.key])
            elif isinstance(download, Download):
                download.try_again()

    @_requested
    def put_in_order(self, keys: Sequence[str]) -> None:
        """Start queued downloads in this order; those that run now make room for earlier ones."""
        self._queue.put_in_order(keys, now=time.monotonic())

    @_requested
    def put_files_in_order(self, key: str, first: Sequence[str]) -> None:
        """Fetch these files of a download first, in this order; a folder ends in "/"."""
        download = self._lmk2_download(key)
        if download is not None:
            download.put_in_order(FileOrder(first))

    @_requested
    def cancel(self, keys: Sequence[str]) -> None:
        """End these downloads and remove what they have."""
        for download in self._queue.chosen(keys):
            if download.state is DownloadState.FAILED or not download.state.is_final:
                download.stop(DownloadState.CANCELLED)

    def place_of(self, key: str) -> Path | None:
        """The folder that the files of this key go to; None if that is not decided yet. Versions
        before 1.3 put all of them into the target folder.
        """
        share = self._share_with_folder(key)
        if not share:
            return self._settings.folder
        home = self._folders.of(share)
        return None if home is None else self._settings.folder / home

    @_requested
    def verify(self, key: str, path: str = "") -> None:
        """Read again what this download, which has ended, has brought: all of it, one folder in it
        (`path` ends in "/") or one file. Posts Verified. One at a time, in the order of asking.
        """
        self._verifier.ask(key, path)

    @_requested
    def stop_verifying(self) -> None:
        self._verifier.stop()

    @_requested
    def fetch_again(self, key: str, damaged: Sequence[str]) -> None:
        """Download again what is not here as it was. Files that were edited stay; these damaged
        ones are kept under other names.
        """
        download = self._lmk2_download(key)
        if download is None or not download.state.is_final:
            return
        if self._room_reader.select(key) is None:
            title = download.title
            self._post(Warned(f"{title} is not shared now, so it cannot be fetched again."))
            return
        set_damaged_aside(download, damaged, self._settings.folder)
        self.download([key], Existing.SKIP)

    def free_space(self) -> int | None:
        """Bytes that the target folder has room for; None if its disk does not tell."""
        try:
            return free_space_for(self._settings.folder)
        except OSError:
            return None

    @_requested
    def watch(self, key: str, path: str = "") -> None:
        """Post Watched about this file of a download from now on, and no other; a `key` of "" for
        none. For a folder, `path` ends in "/", and is "" for all that the download brings.
        """
        self._download_watch.look_at(key, path)

    def stop(self) -> None:
        super().stop()
        self._woken.set()
        self._room_reader.wake()

    def _run(self) -> None:
        trouble = self._unfinished.load()
        self._folders.load()
        reader = self._start_beside(self._room_reader.run, "lmk-reader")
        self._post(RoleStarted())
        if trouble:
            self._post(Warned(trouble))
        try:
            with contextlib.suppress(StoppedError):
                self._work()
            self._do_requests()  # such as a cancel() just before stop()
        finally:
            self._stopping.set()
            self._room_reader.wake()
            self._verifier.close()
            downloads = self._queue.all()
            record = self._unfinished.going_on(downloads)
            for download in downloads:
                if not download.state.is_final:
                    download.stop(download.at_the_end)
            for download in downloads:
                download.join()
                download.leave()
            self._unfinished.leave(record, downloads)
            if self._peer is not None:
                self._peer.close()
            reader.join()

    def _begin_anew(self) -> None:
        self._locator.network_changed()
        self._room_reader.wake()
        self._lmk1.network_changed()
        if self._peer is not None:
            self._peer.network_changed()
        for download in self._queue.all():
            download.woken.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            if self._network_change():
                self._begin_anew()
            self._do_requests()
            self._start_queued()
            self._verifier.tick(self._queue)
            self._tell_end()
            self._unfinished.note(self._queue.all(), now=time.monotonic())
            if self._peer is not None:
                self._peer.tick()
                self._download_watch.tell(self._peer, now=time.monotonic())
            self._tell_order(time.monotonic())
            self._woken.wait(TICK_S)
            self._woken.clear()

    def _request(self, request: Callable[[], None]) -> None:
        self._requests.put(request)
        self._woken.set()

    def _do_requests(self) -> None:
        while not self._requests.empty():
            with contextlib.suppress(StoppedError):  # the end still has work to do
                self._requests.get()()

    def _fail(self, key: str, error: LmkError) -> None:
        """Report a download that could not begin."""
        self._is_busy = True
        selected = self._room_reader.select(key)
        self._post_and_note(
            failed_to_begin(key, selected[0] if selected is not None else None, error)
        )

    def _take_list(self) -> None:
        """After a new list: be in the room, even if nothing is asked for; update running
        downloads, and resume those of the last run.
        """
        if self._room_reader.is_lmk2:
            with contextlib.suppress(StorageError):  # no free port: the first download says so
                self._join(())
        for download in self._queue.all():
            if download.is_running:
                self._follow(download)

        def start(record: RecordedDownload) -> bool:
            state = DownloadState.PAUSED if record.is_paused else DownloadState.QUEUED
            with contextlib.suppress(StorageError):  # no port is free: try again with the next list
                is_listed = self._begin(record.key, record.existing, state, home=record.home)
                if record.first:
                    self.put_files_in_order(record.key, record.first)
                return is_listed
            return False

        self._unfinished.tracker_is(self._locator.tracker)
        try:
            self._unfinished.take_up(start)
        finally:
            self._folders.save()

    def _follow(self, download: DownloadLife) -> None:
        running = (other for other in self._queue.all() if other.is_running)
        download.follow(self._room_reader, running)
        self._queue.note_names(download)

    def _begin(
        self, key: str, existing: Existing, state: DownloadState, home: str | None = None
    ) -> bool:
        """Create the download of this key; False if the list does not have it. `home`: the folder
        below the target folder that it goes on in.

        Raises UserInputError and StorageError.
        """
        known = self._queue.get(key)
        if known is not None and known.is_unfinished:
            return True
        download = self._made(key, existing, home)
        if download is None:
            return False
        if known is not None:
            known.join()
            known.discard()  # its partial file has the name that the new download needs
        if isinstance(known, Download) and isinstance(download, Download):
            download.order, download.watched.below = known.order, known.watched.below
        download.stop(state)
        self._queue.add(download)
        self._is_busy = True
        return True

    def _lmk2_download(self, key: str) -> Download | None:
        download = self._queue.get(key)
        return download if isinstance(download, Download) else None

    def _made(self, key: str, existing: Existing, home: str | None) -> DownloadLife | None:
        # In a private room nothing goes out unencrypted, whatever a list has.
        lmk1 = None if self._locator.is_private else self._lmk1.made(key, existing)
        if lmk1 is not None:
            if self._queue.has_twin(lmk1):
                lmk1.keep_both()
            return lmk1
        stamp, selected = self._room_reader.stamp(key), self._room_reader.select(key)
        if selected is None:
            return None
        wanted, packs = selected
        share = self._share_with_folder(key)
        if share:
            names = self._folders.names_for(share, wanted.share_name, wanted.files, home)
        else:
            names = self._folders.names
        return Download(
            key,
            wanted,
            packs,
            existing,
            self._join(wanted.shares),
            self._context,
            names=names,
            stamp=stamp,
            is_home_ours=bool(names.home) and self._folders.has_made(share),
        )

    def _share_with_folder(self, key: str) -> str:
        """The share whose own folder this goes to; "" if it goes to the target folder itself."""
        asked = FolderKey.of(key)
        return asked.share if asked is not None and self._settings.own_folders else ""

    def _join(self, shares: tuple[str, ...]) -> SwarmPeer:
        """Be in the room and in the swarms of these shares. Raises StorageError."""
        if self._peer is not None:
            self._peer.join(shares)
            return self._peer
        try:
            self._peer = SwarmPeer(
                self._settings,
                self._locator,
                self._throttles,
                self._post,
                shares,
                lambda: self._progress.status(now=time.monotonic()),
                self._start_beside,
                self._woken.set,
            )
        except OSError as error:
            raise failure_of(error) or error from None
        return self._peer

    def _tell_order(self, now: float) -> None:
        if now < self._order_at:
            return
        self._order_at = now + TICK_S
        order = self._order()
        if order != self._told_order:
            self._told_order = order
            self._post(order)

    def _order(self) -> QueueChanged:
        going = [download for download in self._queue.all() if not download.state.is_final]
        orders = {
            download.key: download.order.first
            for download in going
            if isinstance(download, Download)
        }
        first = tuple((key, files) for key, files in orders.items() if files)
        return QueueChanged(tuple(download.key for download in going), first)

    def _tell_end(self) -> None:
        downloads = self._queue.all()
        if self._is_busy and all(
            download.state.is_final and not download.is_running for download in downloads
        ):
            self._is_busy = False
            if not self._unfinished.has_any(downloads):
                drop_packs(self._settings.folder)
            self._post(AllDownloadsEnded())

    def _start_queued(self) -> None:
        for download in self._queue.all():
            download.reap()
        for download in self._queue.all():
            if download.is_running and download.is_free_to_follow:
                self._follow(download)
        lack = self._queue.lack
        if self._queue.step(self._follow, now=time.monotonic()):
            self._room_reader.wake()
        if lack is None and self._queue.lack is not None:
            log.warning("%s", self._queue.lack)

    # Called by the room reader's and the membership's threads
    def _sought(self) -> dict[str, Selection]:
        wanted = (
            (download.key, download.wanted)
            for download in self._queue.all()
            if download.needs_peers
        )
        return {key: selection for key, selection in wanted if selection is not None}

    def _join_shares(self, shares: Iterable[str]) -> None:
        if self._peer is not None:
            self._peer.join(shares)

    def _found_peers(self, peers: Iterable[Address]) -> bool:
        return self._peer is not None and self._peer.found(peers)

    def _post_and_note(self, event: RoleEvent) -> None:
        if isinstance(event, DownloadChanged):
            self._progress.note(event)
            self._download_log.note(event, now=time.monotonic())
        self._post(event)
