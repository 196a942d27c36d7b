"""A leecher's downloads of what LMK/2 offers, and what they share.

That is its place in the swarm, the names that are given in the target folder, and the list that
each of them follows.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable

from roles.disk.name_twins import twins_in
from roles.disk.promised_space import PromisedSpace
from roles.disk.stored_names import StoredNames
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadLife
from roles.downloads.swarm_peer import SwarmPeer
from roles.joining.room_lister import RoomLister
from roles.joining.tracker_place import TrackerPlace
from roles.net.throttle import Throttles
from roles.values.addresses import Address
from roles.values.events import Post
from roles.values.participants import TransferStatus
from roles.values.settings import Existing, LeecherSettings
from roles.worker import failure_of


class Downloads:
    """Makes them. Owned by the leecher's thread, but for found()."""

    def __init__(
        self,
        settings: LeecherSettings,
        place: TrackerPlace,
        throttles: Throttles,
        space: PromisedSpace,
        lists: RoomLister,
        post: Post,
        *,
        wake: Callable[[], None],
        transfers: Callable[[], tuple[TransferStatus, ...]],
        is_cut_off: Callable[[], bool],
        should_stop: Callable[[], bool],
        start_beside: Callable[[Callable[[], None], str], threading.Thread],
    ) -> None:
        """`wake` is called, from any thread, when the leecher has something to do. `transfers` is
        what the room is told of the downloads. `start_beside` starts a thread of the role.
        """
        self._settings, self._place, self._throttles = settings, place, throttles
        self._space, self._lists, self._post, self._wake = space, lists, post, wake
        self._transfers, self._is_cut_off, self._should_stop = transfers, is_cut_off, should_stop
        self._start_beside = start_beside
        self._names: StoredNames | None = None  # made when the folder can be looked at
        self._peer: SwarmPeer | None = None  # made with the first download; found() reads it
        self._stamps: dict[str, int] = {}  # by key: of the list that is followed
        # Those that follow the newest list only when another download has ended.
        self._behind: dict[Download, DownloadLife] = {}

    @property
    def has_begun(self) -> bool:
        """Whether there ever was one."""
        return self._peer is not None

    @property
    def is_any_behind(self) -> bool:
        """Whether one waits for another to end before it follows the newest list."""
        return bool(self._behind)

    def made(self, key: str, existing: Existing) -> Download | None:
        """The download of this key; None when the list does not have it. Raises StorageError."""
        stamp, found = self._lists.stamp(key), self._lists.wanted(key)
        if found is None:
            return None
        wanted, packs = found
        if self._names is None:
            twins = twins_in(self._settings.folder)
            self._names = StoredNames(
                windows=os.name == "nt", key=twins.key, should_stop=self._should_stop
            )
        if self._peer is None:
            self._peer = self._new_peer(wanted.shares)
        self._stamps[key] = stamp  # a newer list than this one is followed
        return Download(
            key,
            wanted,
            packs,
            self._peer,
            self._space,
            settings=self._settings,
            existing=existing,
            names=self._names,
            post=self._post,
            ended=self._wake,
            is_cut_off=self._is_cut_off,
        )

    def follow(self, download: Download, running: Collection[DownloadLife]) -> bool:
        """Tell a download what the newest list has of it; True when it may have other names now.

        It waits while one of the others that are running has a name that it would take.
        """
        key = download.key
        stamp = self._lists.stamp(key)
        if stamp == self._stamps.get(key):
            return False
        found = self._lists.wanted(key)
        if found is None:
            download.newest.lose()
        else:
            names = download.newest.names_of_others(found[0])
            others = (one for one in running if one is not download)
            other = next((one for one in others if one.collision_keys & names), None)
            if other is not None:
                self._behind[download] = other
                return False
            download.newest.follow(*found)
        self._stamps[key] = stamp
        download.woken.set()
        return found is not None

    def free_to_follow(self) -> list[Download]:
        """Those that can follow now, because the download that they waited for has ended."""
        free = [one for one, other in self._behind.items() if not other.is_running]
        for download in free:
            del self._behind[download]
        return [download for download in free if download.is_running]

    def found(self, shares: Iterable[str], peers: Iterable[Address]) -> bool:
        """These take part in these shares; True when one was not known. From any thread."""
        peer = self._peer
        if peer is None:
            return False
        peer.join(shares)
        return peer.found(peers)

    def network_changed(self) -> None:
        """This computer has other addresses: connect anew."""
        if self._peer is not None:
            self._peer.network_changed()

    def tick(self) -> None:
        """Call it some times a second."""
        if self._peer is not None:
            self._peer.tick()

    def close(self) -> None:
        """Leave the swarm; should_stop() says so already."""
        if self._peer is not None:
            self._peer.close()

    def _new_peer(self, shares: tuple[str, ...]) -> SwarmPeer:
        """Raises StorageError."""
        try:
            return SwarmPeer(
                self._settings,
                self._place,
                self._throttles,
                self._post,
                shares,
                self._transfers,
                self._start_beside,
                self._should_stop,
                self._wake,
            )
        except OSError as error:
            raise failure_of(error) or error from None
