"""A leecher's view of its tracker: lists, changes of lists, and who takes part in what.

It runs in a thread of its own, for a tracker may be silent for seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from roles.joining.list_client import fetch_list
from roles.joining.listed_room import MAX_SOURCES, ListedRoom, Wanted
from roles.joining.listed_share import Pack
from roles.joining.room_client import RoomClient
from roles.joining.tracker_client import TrackerClient
from roles.joining.tracker_place import TrackerPlace
from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    Address,
    ip_of,
    is_loopback,
    may_dial,
    service_at,
)
from roles.values.errors import HaltedError, TrackerSilentError
from roles.values.events import FilesListed, ListedFile, ListFailed, Post
from roles.values.safe_names import UnsafeNameError, safe_name, shown_name
from roles.wire.fields import MAX_SHARES
from roles.worker import POLL_S, failure_of

log = logging.getLogger(__name__)

# A tracker names at most 5 at a time, others in turn: those of earlier lists count too.
SEEDER_LIFETIME_S = 120.0
MAX_SEEDERS = 64
LIST_AGAIN_S = 5.0  # after the tracker was silent
# How often it is asked who takes part: at the beginning of a download everyone joins. From the
# first to the second, twice as long each time that nobody new was named.
PEERS_AGAIN_S = (0.2, 5.0)
# The pause until the next look, as a multiple of the work that the last one took: a long list that
# changes each second must not keep every leecher's processor busy.
LOOK_SHARE = 4
SAMPLE = 16  # files of a folder for which newer shares are looked for


@dataclass(frozen=True, slots=True)
class Sought:
    """What the leecher's active downloads take."""

    files: tuple[ListedFile, ...]  # by LMK/1
    wanted: tuple[Wanted, ...]  # by LMK/2
    keys: tuple[str, ...] = ()  # of these


class RoomLister:
    """run() is a thread's body; the other methods may be called from any thread."""

    def __init__(
        self,
        place: TrackerPlace,
        post: Post,
        should_stop: Callable[[], bool],
        *,
        sought: Callable[[], Sought],
        found: Callable[[Iterable[str], Iterable[Address]], bool],
        listed: Callable[[], None],
    ) -> None:
        """`found` is told which shares have what is sought by LMK/2, and which peers of theirs
        can be connected to, and says whether it knew one of these not yet; `listed` is called after
        each list, before it is posted, and after each change of one.
        """
        self._place = place
        self._post = post
        self._should_stop = should_stop
        self._sought = sought
        self._found = found
        self._listed = listed
        self._lock = threading.Lock()  # protects the three below
        self._room: ListedRoom | None = None  # None: an original tracker
        self._lmk1_files: dict[str, ListedFile] = {}  # by key
        self._files: tuple[ListedFile, ...] = ()  # from which they are
        # Replaced whole by the thread: downloads read them often, and a long list takes a while.
        self._seeders: dict[tuple[str, Address], float] = {}  # of LMK/1: when they were named last
        self._shares_of: dict[ListedFile, tuple[str, ...]] = {}  # of LMK/1, of what is sought
        self._asked = threading.Event()  # for a fresh list
        self._asked.set()
        self._network_changed = threading.Event()
        self._woken = threading.Event()
        # The rest is the thread's own.
        self._version = ""
        self._is_lost = False  # the tracker did not answer the last time
        self._moves = place.moves
        self._again_at = 0.0  # when to ask again for a list that did not come
        self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]
        self._told = Sought((), ())
        self._told_shares = tuple[str, ...]()

    def refresh(self) -> None:
        """Ask the tracker for its list now; FilesListed or ListFailed follows."""
        self._asked.set()
        self._woken.set()

    def network_changed(self) -> None:
        """This computer has other addresses: ask for the list and for peers now."""
        self._network_changed.set()
        self._woken.set()

    def wake(self) -> None:
        """Something else is sought than before, or the role stops."""
        self._woken.set()

    def lmk1_file(self, key: str) -> ListedFile | None:
        """The file of this key when only LMK/1 seeders offer it."""
        with self._lock:
            return self._lmk1_files.get(key)

    def seeders(self, file: ListedFile) -> tuple[Address, ...]:
        """Those of LMK/1 that have this file, of which the tracker makes a share each."""
        shares = self._shares_of.get(file, (file.share,))
        return tuple(dict.fromkeys(address for at, address in self._seeders if at in shares))

    def wanted(self, key: str) -> tuple[Wanted, tuple[Pack, ...]] | None:
        """What this key asks for, when peers of LMK/2 offer it, and the packs of its shares.

        Raises HaltedError when the program ends meanwhile.
        """
        with self._lock:
            wanted = None if self._room is None else self._room.resolve(key)
            if wanted is None or self._room is None:
                return None
            files = tuple(file for file in wanted.files if file.content is not None)
            packs = dict[bytes, Pack]()  # of the share that was asked for first
            for share in wanted.shares:
                for pack in self._room.packs(share):
                    packs.setdefault(pack.line.content.root, pack)
        return replace(wanted, files=files), tuple(packs.values())

    def stamp(self, key: str) -> int:
        """The same as before while wanted() says the same of this key."""
        with self._lock:
            return 0 if self._room is None else self._room.stamp(key)

    def run(self) -> None:
        """Ask what there is to ask until should_stop()."""
        with (
            contextlib.suppress(HaltedError),
            RoomClient(self._place, self._should_stop) as client,
            TrackerClient(self._place, self._should_stop) as plain,
        ):
            while not self._should_stop():
                self._look_whether_all_is_new()
                if self._asked.is_set():
                    self._asked.clear()
                    self._list(client, plain)
                self._look_for_peers(client, plain)
                self._woken.wait(POLL_S)
                self._woken.clear()

    def _look_whether_all_is_new(self) -> None:
        """Ask again if the tracker or the network changed, or if the list did not come."""
        if self._network_changed.is_set() or self._moves != self._place.moves:
            self._network_changed.clear()
            self._moves = self._place.moves
            self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]
            self._asked.set()
        if self._is_lost and time.monotonic() >= self._again_at:
            self._asked.set()

    # The list

    def _list(self, client: RoomClient, plain: TrackerClient) -> None:
        try:
            listed = self._ask_for_list(client, plain)
        except (TrackerSilentError, OSError, MemoryError) as error:
            if isinstance(error, MemoryError):  # in the middle of a list: the next is a whole one
                with self._lock:
                    self._room, self._version = None, ""
            failure = failure_of(error)
            if failure is not None and not self._should_stop():
                log.log(logging.DEBUG if self._is_lost else logging.WARNING, "%s", failure)
                self._is_lost, self._again_at = True, time.monotonic() + LIST_AGAIN_S
                self._post(ListFailed(self._place.shown, failure))
            return
        self._is_lost = False
        self._listed()
        self._post(listed)

    def _ask_for_list(self, client: RoomClient, plain: TrackerClient) -> FilesListed:
        room = self._updated_room(client)
        if room is None:
            return self._list_of_original(plain)
        with self._lock:
            files, folders, refused = room.files(), room.folders(), room.refused
            if files is not self._files:
                self._files = files
                self._lmk1_files = {file.key: file for file in files if not file.root}
        return FilesListed(self._place.shown, files, (), refused, folders)

    def _updated_room(self, client: RoomClient) -> ListedRoom | None:
        """The room as it is now; None when the tracker is an original one."""
        answer = client.list_version(self._version)
        if answer is None:
            return None
        if answer.version != self._version or self._room is None:
            known = "" if self._room is None else self._version
            fetched = fetch_list(client.looked_up(), known, self._should_stop)
            with self._lock:
                if self._room is None:
                    self._room = ListedRoom(windows=os.name == "nt", should_stop=self._should_stop)
                if fetched.is_whole:
                    self._room.apply_whole(fetched.lines)
                else:
                    self._room.apply_changes(fetched.lines)
            self._version = fetched.version
        return self._room

    def _list_of_original(self, plain: TrackerClient) -> FilesListed:
        sizes = plain.files()
        self._note_seeders(plain)
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
            self._room, self._version, self._files = None, "", ()
            self._lmk1_files = {file.key: file for file in files}
        seeders = tuple(address for share, address in self._seeders if not share)
        return FilesListed(self._place.shown, tuple(files), seeders, tuple(refused))

    # Who has it

    def _look_for_peers(self, client: RoomClient, plain: TrackerClient) -> None:
        sought, now = self._sought(), time.monotonic()
        if not sought.files and not sought.wanted:
            self._told = sought
            return
        told = self._told
        self._told = sought
        if (sought.files, sought.keys) != (told.files, told.keys):
            self._peers_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]
        if now < self._peers_at:
            return
        is_news, worked_before = False, time.thread_time()
        try:
            if self._room is not None:  # somebody may have begun to offer it
                version = self._version
                self._updated_room(client)
                if self._version != version:
                    self._listed()
            if any(not file.share for file in sought.files):
                self._note_seeders(plain)
            is_news = self._note_holders(client, self._shares_with(sought))
        except TrackerSilentError as error:  # running downloads never stop for the tracker
            log.info("%s", error)
        worked_s = time.thread_time() - worked_before
        self._peers_at = now + max(self._pause_s, LOOK_SHARE * worked_s)
        self._pause_s = pause_after(self._pause_s, is_news=is_news)

    def _shares_with(self, sought: Sought) -> Sequence[str]:
        """Every share that has some of it now, those of LMK/2 first."""
        with self._lock:
            room = self._room
            shares_of = {file: self._lmk1_shares(room, file) for file in sought.files}
            shares = [share for wanted in sought.wanted for share in _lmk2_shares(room, wanted)]
        self._shares_of = shares_of
        lmk2 = tuple(dict.fromkeys(shares))
        if lmk2 != self._told_shares:
            self._told_shares, self._pause_s = lmk2, PEERS_AGAIN_S[0]
            self._found(lmk2, ())
        return tuple(dict.fromkeys((*lmk2, *(one for some in shares_of.values() for one in some))))

    def _lmk1_shares(self, room: ListedRoom | None, file: ListedFile) -> tuple[str, ...]:
        """Those with this file, and those that had it before; with the lock held.

        Seeders of ours may have begun to offer it: LMK/1 tells no content from another of its size.
        """
        known = self._shares_of.get(file, (file.share,))
        now = None if room is None else room.resolve(file.key)
        if now is None or now.size != file.size:
            return known
        return tuple(dict.fromkeys((*now.shares, *known)))[:MAX_SEEDERS]

    def _note_holders(self, client: RoomClient, shares: Sequence[str]) -> bool:
        """Ask who takes part in these; True when somebody does who was not known.

        Seeders of LMK/2 speak LMK/1, too.
        """
        by_lmk1 = {share for some in self._shares_of.values() for share in some}
        named = [share for share in shares if share]  # an original tracker's have no name
        is_news = False
        for start in range(0, len(named), MAX_SHARES):
            asked = named[start : start + MAX_SHARES]
            holders = client.holders(asked) or ()
            is_here = self._place.is_here
            reachable = [
                holder
                for holder in holders
                if not holder.is_unreachable and may_dial(holder.address, is_namer_here=is_here)
            ]
            self._keep_seeders(
                (asked[index], holder.address)
                for holder in reachable
                for index in holder.asked
                if asked[index] in by_lmk1 and not holder.is_leecher
            )
            peers = [holder.address for holder in reachable if not holder.is_original]
            is_news |= self._found((), peers)
        return is_news

    def _note_seeders(self, plain: TrackerClient) -> None:
        listed = plain.seeders()
        tracker_host = plain.looked_up().host
        found = (_reachable(address, tracker_host) for address in listed)
        is_here = self._place.is_here
        self._keep_seeders(("", one) for one in found if _may_ask(one, is_here=is_here))

    def _keep_seeders(self, named: Iterable[tuple[str, Address]]) -> None:
        """These of LMK/1 were named now."""
        now = time.monotonic()
        seeders = self._seeders | dict.fromkeys(named, now)
        fresh = sorted(seeders.items(), key=lambda item: -item[1])[:MAX_SEEDERS]
        self._seeders = {key: seen for key, seen in fresh if now - seen < SEEDER_LIFETIME_S}


def pause_after(pause_s: float, *, is_news: bool) -> float:
    """Seconds until it is asked again who takes part, `pause_s` after the question before."""
    return pause_s if is_news else min(PEERS_AGAIN_S[1], 2 * pause_s)


def _lmk2_shares(room: ListedRoom | None, wanted: Wanted) -> tuple[str, ...]:
    """Those with it when it was asked for, and those that have some of it now."""
    files = [] if room is None else wanted.files[:: max(1, len(wanted.files) // SAMPLE)]
    now = Counter(
        share
        for file in files
        if room is not None and file.content is not None
        for share in room.shares_of(file.content.root)
    )
    shares = (*wanted.shares, *(share for share, _ in now.most_common(MAX_SOURCES)))
    return tuple(dict.fromkeys(shares))[:MAX_SOURCES]


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
    if is_loopback(address.host) and ip_of(address.host) is None:
        return Address(LOOPBACK, address.port)
    return address


def _may_ask(seeder: Address, *, is_here: bool) -> bool:
    """Whether the tracker may send this machine there. The address behind a name is checked when it
    is connected to.
    """
    if ip_of(seeder.host) is None:
        return not service_at(seeder.port)
    return may_dial(seeder, is_namer_here=is_here)
