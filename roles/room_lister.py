"""A leecher's view of its tracker: lists, changes of lists, and who takes part in what.

It runs in a thread of its own, for a tracker may be silent for seconds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from roles.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback
from roles.errors import TrackerSilentError
from roles.events import FilesListed, ListedFile, ListFailed, Post
from roles.list_client import fetch_list
from roles.listed_room import ListedRoom, Wanted
from roles.listed_share import Pack
from roles.lmk2_fields import MAX_SHARES
from roles.room_client import RoomClient
from roles.safe_names import UnsafeNameError, safe_name, shown_name
from roles.tracker_client import TrackerClient
from roles.worker import POLL_S

log = logging.getLogger(__name__)

# A tracker names at most 5 at a time, others in turn: those of earlier lists count too.
SEEDER_LIFETIME_S = 120.0
MAX_SEEDERS = 64
PEERS_AGAIN_S = 1.0  # at the beginning of a download: everyone joins then
PEERS_LATER_S = 5.0
EAGER_S = 15.0


@dataclass(frozen=True, slots=True)
class Sought:
    """What the leecher's downloads need to know."""

    lmk1_shares: tuple[str, ...]  # of active downloads of LMK/1, "" of an original tracker's
    shares: tuple[str, ...]  # of active downloads of LMK/2


class RoomLister:
    """run() is a thread's body; the other methods may be called from any thread."""

    def __init__(
        self,
        tracker: Address,
        post: Post,
        should_stop: Callable[[], bool],
        *,
        sought: Callable[[], Sought],
        found: Callable[[Iterable[Address]], None],
        listed: Callable[[], None],
    ) -> None:
        """`found` is told where peers of LMK/2 listen that take part in what is sought.

        `listed` is called after each list, before it is posted.
        """
        self._tracker = tracker
        self._post = post
        self._should_stop = should_stop
        self._sought = sought
        self._found = found
        self._listed = listed
        self._lock = threading.Lock()  # protects the three below
        self._room: ListedRoom | None = None  # None: an original tracker
        self._lmk1_files: dict[str, ListedFile] = {}  # by key
        self._seeders: dict[tuple[str, Address], float] = {}  # of LMK/1: when they were named last
        self._asked = threading.Event()  # for a fresh list
        self._asked.set()
        # The rest is the thread's own.
        self._version = ""
        self._is_lost = False  # the tracker did not answer the last time
        self._peers_at = self._eager_until = 0.0
        self._told = Sought((), ())

    def refresh(self) -> None:
        """Ask the tracker for its list now; FilesListed or ListFailed follows."""
        self._asked.set()

    def lmk1_file(self, key: str) -> ListedFile | None:
        """The file of this key when only LMK/1 seeders offer it."""
        with self._lock:
            return self._lmk1_files.get(key)

    def seeders(self, share: str) -> tuple[Address, ...]:
        """Those of LMK/1 that have the files of this share."""
        with self._lock:
            return tuple(address for at, address in self._seeders if at == share)

    def wanted(self, key: str) -> tuple[Wanted, tuple[Pack, ...]] | None:
        """What this key asks for, when peers of LMK/2 offer it, and the packs of its shares."""
        with self._lock:
            wanted = None if self._room is None else self._room.resolve(key)
            if wanted is None or self._room is None:
                return None
            files = tuple(file for file in wanted.files if file.content is not None)
            packs = {
                pack[0].content.root: pack
                for share in wanted.shares
                for pack in self._room.packs(share)
            }
        return replace(wanted, files=files), tuple(packs.values())

    def run(self) -> None:
        """Ask what there is to ask until should_stop()."""
        with (
            RoomClient(self._tracker, self._should_stop) as client,
            TrackerClient(self._tracker, self._should_stop) as plain,
        ):
            while not self._should_stop():
                if self._asked.is_set():
                    self._asked.clear()
                    self._list(client, plain)
                self._look_for_peers(client, plain)
                self._asked.wait(POLL_S)

    # The list

    def _list(self, client: RoomClient, plain: TrackerClient) -> None:
        try:
            listed = self._ask_for_list(client, plain)
        except TrackerSilentError as error:
            if not self._should_stop():
                log.log(logging.DEBUG if self._is_lost else logging.WARNING, "%s", error)
                self._is_lost = True
                self._post(ListFailed(self._tracker, error))
            return
        self._is_lost = False
        self._listed()
        self._post(listed)

    def _ask_for_list(self, client: RoomClient, plain: TrackerClient) -> FilesListed:
        answer = client.list_version(self._version)
        if answer is None:
            return self._list_of_original(plain)
        if answer.version != self._version or self._room is None:
            known = "" if self._room is None else self._version
            fetched = fetch_list(client.looked_up(), known, self._should_stop)
            with self._lock:
                if self._room is None:
                    self._room = ListedRoom(windows=os.name == "nt")
                if fetched.is_whole:
                    self._room.apply_whole(fetched.lines)
                else:
                    self._room.apply_changes(fetched.lines)
            self._version = fetched.version
        assert self._room is not None
        with self._lock:
            files, folders = self._room.files(), self._room.folders()
            self._lmk1_files = {file.key: file for file in files if not file.root}
            refused = self._room.refused
        return FilesListed(self._tracker, files, (), refused, folders)

    def _list_of_original(self, plain: TrackerClient) -> FilesListed:
        sizes = plain.files()
        seeders = self._note_seeders(plain)
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
            self._room, self._version = None, ""
            self._lmk1_files = {file.key: file for file in files}
        return FilesListed(self._tracker, tuple(files), seeders, tuple(refused))

    # Who has it

    def _look_for_peers(self, client: RoomClient, plain: TrackerClient) -> None:
        sought, now = self._sought(), time.monotonic()
        if not sought.shares and not sought.lmk1_shares:
            return
        if sought != self._told:
            self._told, self._eager_until, self._peers_at = sought, now + EAGER_S, 0.0
        if now < self._peers_at:
            return
        is_eager = now < self._eager_until
        self._peers_at = now + (PEERS_AGAIN_S if is_eager else PEERS_LATER_S)
        try:
            if "" in sought.lmk1_shares:
                self._note_seeders(plain)
            shares = [*sought.shares, *(share for share in sought.lmk1_shares if share)]
            for start in range(0, len(shares), MAX_SHARES):
                self._note_holders(client, shares[start : start + MAX_SHARES])
        except TrackerSilentError as error:  # running downloads never stop for the tracker
            log.info("%s", error)

    def _note_holders(self, client: RoomClient, shares: Sequence[str]) -> None:
        holders = client.holders(shares) or ()
        now = time.monotonic()
        with self._lock:
            for holder in holders:
                for index in holder.asked if holder.is_original else ():
                    self._seeders[(shares[index], holder.address)] = now
            self._forget_old_seeders(now)
        self._found(
            holder.address
            for holder in holders
            if not holder.is_original and not holder.is_unreachable
        )

    def _note_seeders(self, plain: TrackerClient) -> tuple[Address, ...]:
        listed = plain.seeders()
        tracker_host = plain.looked_up().host
        now = time.monotonic()
        with self._lock:
            for address in listed:
                self._seeders[("", _reachable(address, tracker_host))] = now
            self._forget_old_seeders(now)
        return self.seeders("")

    def _forget_old_seeders(self, now: float) -> None:
        """With the lock held."""
        fresh = sorted(self._seeders.items(), key=lambda item: -item[1])[:MAX_SEEDERS]
        self._seeders = {key: seen for key, seen in fresh if now - seen < SEEDER_LIFETIME_S}


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
