"""The leecher role: the tracker's lists, and downloads that run side by side.

Threads: the role's own does what it is asked for and starts what is queued; `lmk-lister` talks to
the tracker; each download has its own.
"""

from __future__ import annotations

import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from roles.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback
from roles.download import Download
from roles.errors import TrackerSilentError
from roles.events import (
    AllDownloadsEnded,
    DownloadState,
    FilesListed,
    ListedFile,
    ListFailed,
    Post,
    RoleStarted,
)
from roles.safe_names import UnsafeNameError, collision_key, safe_name, shown_name
from roles.seeder_book import SeederBook
from roles.settings import DOWNLOADS_AT_ONCE, Existing, LeecherSettings
from roles.tracker_client import TrackerClient
from roles.worker import POLL_S, Role

log = logging.getLogger(__name__)

SEEDERS_AGAIN_S = 15.0  # while a download runs
# A tracker names at most 5 at a time, others in turn: those of earlier lists count too.
SEEDER_LIFETIME_S = 120.0
MAX_SEEDERS = 64


class Leecher(Role):
    """Its methods may be called from any thread; it posts LeecherEvents until RoleStopped."""

    def __init__(self, settings: LeecherSettings, post: Post) -> None:
        super().__init__("leecher", post)
        self._settings = settings
        # Protects the downloads' plans, the book, and the tables below: lines, no I/O.
        self._lock = threading.Lock()
        self._book = SeederBook(random.Random())
        self._files: dict[str, ListedFile] = {}
        self._seeders: dict[Address, float] = {}  # when a list named it last
        self._downloads: dict[str, Download] = {}  # changed by the role's own thread only
        self._is_busy = False  # AllDownloadsEnded is due
        self._wishes = queue.SimpleQueue[Callable[[], None]]()
        self._woken = threading.Event()
        self._is_lost = False  # the tracker did not answer the last time; the lister's
        self._asked = threading.Event()  # for a fresh list
        self._asked.set()

    def refresh(self) -> None:
        """Ask the tracker for its lists now; FilesListed or ListFailed follows."""
        self._asked.set()

    def download(self, names: Iterable[str], existing: Existing) -> None:
        """Queue these files of the newest list.

        One that is queued or running already stays as it is.
        """
        self._wish(partial(self._queue, tuple(names), existing))

    def pause(self, names: Iterable[str]) -> None:
        """Stop these downloads and keep what came, until resume()."""
        self._wish(partial(self._pause, tuple(names)))

    def resume(self, names: Iterable[str]) -> None:
        """Let these downloads go on after a pause or a failure."""
        self._wish(partial(self._resume, tuple(names)))

    def cancel(self, names: Iterable[str]) -> None:
        """Give these downloads up and remove what came."""
        self._wish(partial(self._cancel, tuple(names)))

    def stop(self) -> None:
        super().stop()
        self._woken.set()

    def _run(self) -> None:
        lister = self._start_beside(self._keep_listed, "lmk-lister")
        self._post(RoleStarted())
        try:
            while not self.should_stop():
                self._do_wishes()
                self._start_queued()
                self._tell_end()
                self._woken.wait(POLL_S)
                self._woken.clear()
        finally:
            self._stopping.set()
            for download in self._all():
                if not download.state.is_final:
                    download.halt(DownloadState.CANCELLED)
            for download in self._all():
                download.join()
                download.discard()
            lister.join()

    # Wishes come from any thread and are done in the role's own, one after another

    def _wish(self, wish: Callable[[], None]) -> None:
        self._wishes.put(wish)
        self._woken.set()

    def _do_wishes(self) -> None:
        while not self._wishes.empty():
            self._wishes.get()()

    def _queue(self, names: Iterable[str], existing: Existing) -> None:
        for name in names:
            file, known = self._files.get(name), self._downloads.get(name)
            if file is None or not (known is None or known.state.is_final or known.is_cancelled):
                continue
            if known is not None:
                known.join()
                known.discard()  # it has the name that the next one needs
            stored_name = safe_name(name, windows=os.name == "nt")
            download = Download(
                file,
                stored_name,
                settings=self._settings,
                existing=Existing.KEEP_BOTH if self._has_twin(name, stored_name) else existing,
                book=self._book,
                lock=self._lock,
                seeders=self._listed_seeders,
                post=self._post,
                ended=self._woken.set,
            )
            download.halt(DownloadState.QUEUED)
            with self._lock:
                self._downloads[name] = download
            self._is_busy = True

    def _has_twin(self, name: str, stored_name: str) -> bool:
        """Whether another listed name would be stored under the same one.

        Neither may replace the other.
        """
        key = collision_key(stored_name)
        return any(
            collision_key(other.stored_name) == key
            for other_name, other in self._downloads.items()
            if other_name != name
        )

    def _pause(self, names: Iterable[str]) -> None:
        for download in self._chosen(names):
            if not (download.state.is_final or download.is_cancelled):
                download.halt(DownloadState.PAUSED)

    def _resume(self, names: Iterable[str]) -> None:
        for download in self._chosen(names):
            if download.can_resume:
                download.halt(DownloadState.QUEUED)
                self._is_busy = True

    def _cancel(self, names: Iterable[str]) -> None:
        for download in self._chosen(names):
            if download.state is DownloadState.FAILED or not download.state.is_final:
                download.halt(DownloadState.CANCELLED)

    def _tell_end(self) -> None:
        downloads = self._all()
        if self._is_busy and all(one.state.is_final and not one.is_running for one in downloads):
            self._is_busy = False
            self._post(AllDownloadsEnded())

    def _start_queued(self) -> None:
        """Start what fits, but never two whose names a file system could take for one."""
        for download in self._all():
            download.reap()
        running = [download for download in self._all() if download.is_running]
        busy = {collision_key(download.stored_name) for download in running}
        for download in self._all():
            if len(busy) >= DOWNLOADS_AT_ONCE:
                return
            key = collision_key(download.stored_name)
            if (
                download.state is DownloadState.QUEUED
                and not download.is_running
                and key not in busy
            ):
                busy.add(key)
                download.start()

    def _all(self) -> list[Download]:
        with self._lock:
            return list(self._downloads.values())

    def _chosen(self, names: Iterable[str]) -> list[Download]:
        return [self._downloads[name] for name in names if name in self._downloads]

    def _listed_seeders(self) -> tuple[Address, ...]:
        """For the downloads, which hold the lock."""
        return tuple(self._seeders)

    # The lister's thread

    def _keep_listed(self) -> None:
        ask_seeders_at = 0.0
        with TrackerClient(self._settings.tracker, self.should_stop) as client:
            while not self.should_stop():
                if self._asked.is_set():
                    self._asked.clear()
                    self._list_files(client)
                    ask_seeders_at = time.monotonic() + SEEDERS_AGAIN_S
                elif time.monotonic() >= ask_seeders_at and any(
                    item.state.is_active for item in self._all()
                ):
                    self._refresh_seeders(client)
                    ask_seeders_at = time.monotonic() + SEEDERS_AGAIN_S
                self._asked.wait(POLL_S)

    def _list_files(self, client: TrackerClient) -> None:
        try:
            sizes = client.files()
            seeders = self._note_seeders(client)
        except TrackerSilentError as error:
            if not self.should_stop():
                log.log(logging.DEBUG if self._is_lost else logging.WARNING, "%s", error)
                self._is_lost = True
                self._post(ListFailed(self._settings.tracker, error))
            return
        self._is_lost = False
        files, refused = list[ListedFile](), list[str]()
        for name, size in sorted(sizes.items()):
            try:
                safe_name(name, windows=os.name == "nt")
            except UnsafeNameError as error:
                log.warning("refused an entry of the tracker's list: %s", error)
                refused.append(shown_name(name))
            else:
                files.append(ListedFile(name, size))
        with self._lock:
            self._files = {file.name: file for file in files}
        self._post(FilesListed(self._settings.tracker, tuple(files), seeders, tuple(refused)))

    def _refresh_seeders(self, client: TrackerClient) -> None:
        try:
            self._note_seeders(client)
        except TrackerSilentError as error:  # running downloads never stop for the tracker
            log.info("%s", error)

    def _note_seeders(self, client: TrackerClient) -> tuple[Address, ...]:
        listed = client.seeders()
        tracker_host = client.looked_up().host
        now = time.monotonic()
        with self._lock:
            for address in listed:
                self._seeders[_reachable(address, tracker_host)] = now
            fresh = sorted(self._seeders.items(), key=lambda item: -item[1])[:MAX_SEEDERS]
            self._seeders = {
                address: seen for address, seen in fresh if now - seen < SEEDER_LIFETIME_S
            }
            return tuple(self._seeders)


def _reachable(address: Address, tracker_host: str) -> Address:
    """The same seeder as this machine reaches it.

    An original tracker hands on what its seeders typed: loopback means the tracker's machine, not
    this one.
    """
    if is_loopback(address.host) and not is_loopback(tracker_host):
        return Address(tracker_host, address.port)
    if address.host == EVERY_INTERFACE:
        host = LOOPBACK if is_loopback(tracker_host) else tracker_host
        return Address(host, address.port)
    return address
