"""Keeps a copy of the tracker's list for a leecher, and has the peers found that it needs.

It has a thread of its own, because a tracker may be silent for seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from roles.joining.list_client import fetch_list
from roles.joining.list_copy import ListCopy, Selection
from roles.joining.listed_share import Pack
from roles.joining.peer_finder import PeerFinder
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.values.errors import StoppedError, TrackerSilentError
from roles.values.events import FilesListed, ListFailed, Post
from roles.values.listed_file import ListedFile
from roles.worker import POLL_S, failure_of

log = logging.getLogger(__name__)

LIST_AGAIN_S = 5.0  # after the tracker was silent


class Lmk1Lists(Protocol):
    """What only LMK/1 offers. Called in the room reader's thread."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...

    def list_of_original(self) -> FilesListed:
        """The list of an original tracker. Raises TrackerSilentError."""

    def take_list(self, files: Iterable[ListedFile]) -> None:
        """Take the list of a tracker of ours, where files without a root are LMK/1's."""


class RoomReader:
    """run() is a thread's body; the other methods may be called from any thread."""

    def __init__(
        self,
        locator: TrackerLocator,
        post: Post,
        lmk1: Lmk1Lists,
        peer_finder: PeerFinder | None = None,
        listed: Callable[[], None] = lambda: None,
    ) -> None:
        """Without a `peer_finder` it only reads the list. `listed` is called after each list,
        before it is posted, and after each change of the list.
        """
        self._locator = locator
        self._post = post
        self._lmk1 = lmk1
        self._peer_finder = peer_finder
        self._listed = listed
        self._lock = threading.Lock()  # protects the copy
        self._copy = ListCopy(windows=os.name == "nt", should_stop=locator.stopping.is_set)
        self._asked = threading.Event()  # for a new list
        self._asked.set()
        self._woken = threading.Event()
        # The rest is the thread's own.
        self._version = ""  # of the copy; "" if there is no list yet, or an original tracker
        self._left_out = 0  # lines of the list that were warned of
        self._files: tuple[ListedFile, ...] | None = None  # of our tracker's newest list
        self._changes = locator.changes
        self._again_at: float | None = None  # after a failure: when to ask again

    def refresh(self) -> None:
        """Ask the tracker for its list now; FilesListed or ListFailed follows."""
        self._asked.set()
        self._woken.set()

    def wake(self) -> None:
        """Look now: the downloads or the network have changed, or the role stops."""
        self._woken.set()

    @property
    def is_lmk2(self) -> bool:
        """Whether the tracker that sent the newest list is one of ours."""
        return bool(self._version)

    def select(self, key: str) -> tuple[Selection, tuple[Pack, ...]] | None:
        """What this key asks for, only files that LMK/2 peers offer, and the packs of its shares.

        Raises StoppedError when told to stop.
        """
        with self._lock:
            selection = self._copy.select(key)
            if selection is None:
                return None
            packs = self._copy.packs(selection.shares)
        files = tuple(file for file in selection.files if file.content is not None)
        return replace(selection, files=files), packs

    def stamp(self, key: str) -> int:
        """A number that changes whenever select() may return something else for this key."""
        with self._lock:
            return self._copy.stamp(key)

    def run(self) -> None:
        with (
            contextlib.suppress(StoppedError),
            RoomClient(self._locator) as client,
            self._lmk1,
        ):
            while not self._locator.stopping.is_set():
                self._look_whether_all_is_new()
                if self._asked.is_set():
                    self._asked.clear()
                    self._post_list(client)
                self._look_for_peers(client)
                self._woken.wait(POLL_S)
                self._woken.clear()

    def _look_whether_all_is_new(self) -> None:
        """Ask again if the tracker or the network has changed, or if the list did not come."""
        if self._changes != self._locator.changes:
            self._changes = self._locator.changes
            if self._peer_finder is not None:
                self._peer_finder.hurry()
            self._asked.set()
        if self._again_at is not None and time.monotonic() >= self._again_at:
            self._asked.set()

    # The list

    def _post_list(self, client: RoomClient) -> None:
        try:
            listed = self._ask_for_list(client)
        except (TrackerSilentError, OSError, MemoryError) as error:
            if isinstance(error, MemoryError):  # half a list may have been applied: start over
                self._forget_list()
            failure = failure_of(error)
            if failure is not None and not self._locator.stopping.is_set():
                is_lost = self._again_at is not None
                log.log(logging.DEBUG if is_lost else logging.WARNING, "%s", failure)
                self._again_at = time.monotonic() + LIST_AGAIN_S
                self._post(ListFailed(self._locator.shown, failure))
            return
        self._again_at = None
        self._listed()
        self._post(listed)

    def _ask_for_list(self, client: RoomClient) -> FilesListed:
        if not self._is_updated(client):
            listed = self._lmk1.list_of_original()
            if self._version:
                self._forget_list()
            return listed
        with self._lock:
            copy = self._copy
            files, folders, refused = copy.files(), copy.folders(), copy.refused
        if files is not self._files:
            self._files = files
            self._lmk1.take_list(files)
        return FilesListed(self._locator.shown, files, (), refused, folders)

    def _is_updated(self, client: RoomClient) -> bool:
        """Fetch what has changed; False when the tracker is an original one."""
        answer = client.list_version(self._version)
        if answer is None:
            return False
        if answer.version != self._version:
            fetched = fetch_list(self._locator, self._version)
            with self._lock:
                if fetched.is_whole:
                    self._copy.apply_whole(fetched.lines)
                else:
                    self._copy.apply_changes(fetched.lines)
            self._version = fetched.version
            self._warn_of_left_out(self._copy.left_out)
        return True

    def _warn_of_left_out(self, lines: int) -> None:
        if lines > self._left_out:
            log.warning(
                "%d lines of the tracker's list are left out: there is no room for them, "
                "or they cannot be read.",
                lines,
            )
        self._left_out = lines

    def _forget_list(self) -> None:
        with self._lock:
            self._copy.apply_whole(())
        self._version, self._files = "", None

    def _look_for_peers(self, client: RoomClient) -> None:
        finder, began = self._peer_finder, time.monotonic()
        if finder is None or not finder.is_due(began):
            return
        is_news, worked_before = False, time.thread_time()
        try:
            version = self._version
            if version and self._is_updated(client) and self._version != version:
                self._listed()  # others may have begun to offer it
            with self._lock:
                finder.read(self._copy)
            is_news = finder.ask(client)
        except TrackerSilentError as error:  # running downloads never wait for the tracker
            log.info("%s", error)
        finder.rest(began, worked_s=time.thread_time() - worked_before, is_news=is_news)
