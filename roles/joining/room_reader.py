"""Asks a leecher's tracker for the list, its changes, and the holders of what is downloaded.

It has a thread of its own, because a tracker may be silent for seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from roles.joining.list_client import fetch_list
from roles.joining.list_copy import MAX_SOURCES, ListCopy, Selection
from roles.joining.listed_share import Pack
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import Address, may_dial
from roles.values.errors import StoppedError, TrackerSilentError
from roles.values.events import FilesListed, ListFailed, Post
from roles.values.listed_file import ListedFile
from roles.wire.fields import MAX_REQUEST_SHARES
from roles.wire.tracker_messages import Holder
from roles.worker import POLL_S, failure_of

log = logging.getLogger(__name__)

LIST_AGAIN_S = 5.0  # after the tracker was silent
# The shortest and longest pause before asking for holders again: when a download begins, everyone
# joins. The pause doubles each time that the answer names nobody new.
PEERS_AGAIN_S = (0.2, 5.0)
# The next pause is at least this many times the work of the last look: a long list that changes
# each second must not keep every leecher's processor busy.
LOOK_SHARE = 4
SAMPLE = 16  # files of a folder for which it looks for newer shares


class Lmk1Lists(Protocol):
    """What only LMK/1 offers. Called in the room reader's thread."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...

    def list_of_original(self) -> FilesListed:
        """The list of an original tracker. Raises TrackerSilentError."""

    def take_list(self, files: Iterable[ListedFile]) -> None:
        """Take the list of a tracker of ours, where files without a root are LMK/1's."""

    def sought(self) -> tuple[ListedFile, ...]:
        """The files that active downloads fetch in LMK/1."""

    def shares_with(self, select: Callable[[str], Selection | None]) -> Iterable[str]:
        """The shares with something that is sought; `select` is ListCopy's."""

    def look_for_seeders(self) -> None:
        """Ask an original tracker, if that helps. Raises TrackerSilentError."""

    def note_holders(self, asked: Sequence[str], holders: Iterable[Holder]) -> None:
        """These reachable programs have some of these shares."""


class RoomReader:
    """run() is a thread's body; the other methods may be called from any thread."""

    def __init__(
        self,
        locator: TrackerLocator,
        post: Post,
        lmk1: Lmk1Lists,
        *,
        sought: Callable[[], Mapping[str, Selection]],
        join: Callable[[Iterable[str]], None],
        found: Callable[[Iterable[Address]], bool],
        listed: Callable[[], None],
    ) -> None:
        """`sought` returns what active downloads fetch in LMK/2, by key.

        `join` gets the shares with something that is sought in LMK/2, when they are others than
        before. `found` gets peers of theirs to connect to, and returns whether one of them is new.
        `listed` is called after each list, before it is posted, and after each change of the list.
        """
        self._locator = locator
        self._post = post
        self._lmk1 = lmk1
        self._sought = sought
        self._join = join
        self._found = found
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
        self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]  # the next look for holders
        self._last_sought: object = None  # what was sought at the last look
        self._joined = tuple[str, ...]()  # what `join` got last

    def refresh(self) -> None:
        """Ask the tracker for its list now; FilesListed or ListFailed follows."""
        self._asked.set()
        self._woken.set()

    def wake(self) -> None:
        """Look now: sought() or the network has changed, or the role stops."""
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
            self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]
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

    # Who has it

    def _look_for_peers(self, client: RoomClient) -> None:
        sought, files, now = self._sought(), self._lmk1.sought(), time.monotonic()
        if not files and not sought:
            self._last_sought = None
            return
        if self._last_sought != (files, tuple(sought)):
            self._last_sought = files, tuple(sought)
            self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]
        if now < self._peers_at:
            return
        is_news, worked_before = False, time.thread_time()
        try:
            version = self._version
            if version and self._is_updated(client) and self._version != version:
                self._listed()  # others may have begun to offer it
            self._lmk1.look_for_seeders()
            is_news = self._note_holders(client, self._shares_with(sought.values()))
        except TrackerSilentError as error:  # running downloads never wait for the tracker
            log.info("%s", error)
        worked_s = time.thread_time() - worked_before
        self._peers_at = now + max(self._pause_s, LOOK_SHARE * worked_s)
        self._pause_s = pause_after(self._pause_s, is_news=is_news)

    def _shares_with(self, sought: Iterable[Selection]) -> Sequence[str]:
        """The shares that have some of it now, those of LMK/2 first."""
        with self._lock:
            others = tuple(self._lmk1.shares_with(self._copy.select))
            shares = [share for each in sought for share in _lmk2_shares(self._copy, each)]
        lmk2 = tuple(dict.fromkeys(shares))
        if lmk2 != self._joined:
            self._joined, self._pause_s = lmk2, PEERS_AGAIN_S[0]
            self._join(lmk2)
        return tuple(dict.fromkeys((*lmk2, *others)))

    def _note_holders(self, client: RoomClient, shares: Sequence[str]) -> bool:
        """Ask for holders of these shares; True when one of them is new."""
        known = [share for share in shares if share]  # on an original tracker's list it is ""
        is_news = False
        for start in range(0, len(known), MAX_REQUEST_SHARES):
            asked = known[start : start + MAX_REQUEST_SHARES]
            holders = client.holders(asked) or ()
            is_here = self._locator.is_here
            reachable = [
                holder
                for holder in holders
                if not holder.is_unreachable and may_dial(holder.address, is_namer_here=is_here)
            ]
            self._lmk1.note_holders(asked, reachable)
            peers = [holder.address for holder in reachable if not holder.is_original]
            is_news |= self._found(peers)
        return is_news


def pause_after(pause_s: float, *, is_news: bool) -> float:
    """The next pause before asking for holders, after one of `pause_s`."""
    return pause_s if is_news else min(PEERS_AGAIN_S[1], 2 * pause_s)


def _lmk2_shares(copy: ListCopy, sought: Selection) -> tuple[str, ...]:
    """The shares that had it when it was asked for, and those that have some of it now."""
    sample = sought.files[:: max(1, len(sought.files) // SAMPLE)]
    now = Counter(
        share
        for file in sample
        if file.content is not None
        for share in copy.shares_of(file.content.root)
    )
    shares = (*sought.shares, *(share for share, _ in now.most_common(MAX_SOURCES)))
    return tuple(dict.fromkeys(shares))[:MAX_SOURCES]
