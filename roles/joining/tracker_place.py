"""Where a role's tracker is: the addresses to ask at, and the search when it is silent.

All threads of a role share one TrackerPlace. A thread that finds the tracker silent also searches
for it elsewhere, for SEARCH_S.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable

from roles.joining.beacon import Beacon, Destinations
from roles.joining.found_trackers import FoundTrackers, KnownTracker, successor
from roles.net.interfaces import is_own_address, own_addresses
from roles.net.name_lookup import looked_up
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import FoundTracker, Post, TrackerMoved
from roles.values.settings import Follow
from roles.worker import POLL_S

log = logging.getLogger(__name__)

MAX_ADDRESSES = 6  # to ask at in turn
SEARCH_S = 0.6  # for answers; a network's trackers answer within milliseconds
SEARCH_AGAIN_S = (4.0, 8.0)  # random, so that a room full of programs does not ask all at once
HOME_S = 0.3  # for an answer of the tracker that another one replaces
HOME_AGAIN_S = 15.0


def _ignored(_event: object) -> None:
    return


class TrackerPlace:
    """Its methods may be called from any thread."""

    def __init__(
        self,
        tracker: Address,
        follow: Follow = Follow.NOWHERE,
        post: Post = _ignored,
        destinations: Destinations | None = None,
    ) -> None:
        """`tracker`: the address that the user typed, or that was found. A search asks at
        `destinations` instead of in every network.
        """
        self.moves = 0  # after each move, everything must be told to the tracker again
        self.hint = ""  # a sentence about other trackers that answer while this one is silent
        self._home = tracker
        self._follow = follow
        self._post = post
        self._destinations = destinations
        self._lock = threading.Lock()  # protects what follows; never held during I/O
        self._tracker = tracker  # the one in use: `_home`, or its replacement
        self._known = KnownTracker()  # the one at `_home`
        self._hosts: tuple[Address, ...] = ()  # of `_tracker`; () until it is looked up
        self._answered: Address | None = None  # where it answered last
        self._is_here = False  # it is on this machine, whatever its address
        self._searching = threading.Lock()  # held by the one thread that searches
        self._search_at = self._home_at = 0.0

    @property
    def shown(self) -> Address:
        """The address to show to the user."""
        with self._lock:
            is_elsewhere = self._is_here and self._answered is not None
            answered, tracker = self._answered, self._tracker
        if is_elsewhere and answered is not None and not _is_own(tracker.host):
            return answered
        return tracker

    def addresses(self, should_stop: Callable[[], bool]) -> tuple[Address, ...]:
        """Where to ask, in this order. Raises TrackerSilentError if its name is not found.

        A tracker on this machine can be asked at all of the machine's addresses, even if the one
        that the user typed is gone.
        """
        with self._lock:
            tracker, hosts = self._tracker, self._hosts
        if not hosts:
            hosts = looked_up(tracker, should_stop)
            with self._lock:
                self._hosts = hosts if tracker == self._tracker else ()
        here = [address for address in hosts if _is_own(address.host)]
        with self._lock:
            self._is_here |= bool(here)
            is_here, answered = self._is_here, self._answered
        if is_here:
            own = (Address(host, tracker.port) for host in (*own_addresses(), LOOPBACK))
            hosts = (*here, *own)
        in_order = sorted(dict.fromkeys(hosts), key=lambda address: address != answered)
        return tuple(in_order[:MAX_ADDRESSES])

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine; False until its address has been looked up."""
        return self._is_here

    def current(self, should_stop: Callable[[], bool]) -> Address:
        """Where it answered last, or is asked first. Raises TrackerSilentError."""
        return self.addresses(should_stop)[0]

    def answered(self, address: Address) -> None:
        with self._lock:
            self._answered, self.hint = address, ""
            if self._tracker == self._home:
                self._known = self._known.heard()

    def introduced(self, room: str, name: str) -> None:
        """Its identity: `room` names this run, `name` its computer."""
        with self._lock:
            if self._tracker == self._home:
                self._known = KnownTracker(room, name, has_answered=True)

    def is_silent(self) -> None:
        """None of its addresses answered: look up its name again."""
        with self._lock:
            self._hosts, self._answered = (), None

    def network_changed(self) -> None:
        """This computer's addresses changed: look up the name and search again without a pause."""
        with self._lock:
            self._hosts = ()
            self._search_at = self._home_at = 0.0

    # Looking for it

    def look_around(self, should_stop: Callable[[], bool]) -> bool:
        """Search for a silent tracker elsewhere; True if another address is used from now on.

        Does nothing if the settings forbid it, or within SEARCH_AGAIN_S of the last search.
        """
        if self._follow is Follow.NOWHERE or not self._searching.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            if now < self._search_at:
                return False
            self._search_at = now + random.uniform(*SEARCH_AGAIN_S)
            return self._take_one_of(self._heard(SEARCH_S, self._destinations, should_stop))
        finally:
            self._searching.release()

    def look_home(self, should_stop: Callable[[], bool]) -> None:
        """Go back to the tracker that another one replaces, if it answers again."""
        if self._tracker == self._home or not self._searching.acquire(blocking=False):
            return
        try:
            if time.monotonic() < self._home_at:
                return
            found = self._heard(HOME_S, lambda: (), should_stop)
            home = next((one for one in found if self._known.is_same(one)), None)
            self._home_at = time.monotonic() + HOME_AGAIN_S
            if home is not None:
                self._move_to(home, self._home, is_back=True)
        finally:
            self._searching.release()

    def _heard(
        self,
        within_s: float,
        destinations: Destinations | None,
        should_stop: Callable[[], bool],
    ) -> tuple[FoundTracker, ...]:
        """The trackers that answer, at `_home` and at the destinations."""
        found = FoundTrackers()
        deadline = time.monotonic() + within_s
        try:
            beacon = Beacon((self._home,), destinations, should_stop)
        except OSError as error:  # no descriptor is left: try again later
            log.debug("looking for trackers: %s", error)
            return ()
        with beacon:
            beacon.call()
            while (rest_s := deadline - time.monotonic()) > 0 and not should_stop():
                for tracker in beacon.heard(min(rest_s, POLL_S)):
                    is_own = _is_own(tracker.address.host)
                    found.note(tracker, is_own=is_own, now=time.monotonic())
        return found.trackers()

    def _take_one_of(self, found: Iterable[FoundTracker]) -> bool:
        found = tuple(found)
        with self._lock:
            tracker, hosts, is_here = self._tracker, self._hosts, self._is_here
        for one in found:
            is_this = one.address in (tracker, *hosts) or (
                is_here and one.address.port == tracker.port and _is_own(one.address.host)
            )
            if is_this and not one.is_original:
                return False  # it is alive, and only its last answers were lost
        other = successor(found, self._known, self._follow)
        if other is None or other.address == tracker:
            self.hint = _about_others(found)
            return False
        self._move_to(other, other.address)
        return True

    def _move_to(self, found: FoundTracker, tracker: Address, *, is_back: bool = False) -> None:
        with self._lock:
            former, is_first = self._tracker, not self._known.has_answered
            self._tracker, self._hosts, self._answered = tracker, (), None
            self._is_here = False
            if is_first:  # no tracker has answered before, so this is the one we were looking for
                self._home = tracker
            self._home_at = time.monotonic() + HOME_AGAIN_S
            self.hint = ""
            self.moves += 1
        if is_back:
            log.warning("The tracker %s answers again and is used now.", tracker)
        else:
            log.warning("The tracker %s does not answer; %s is used now.", former, tracker)
        self._post(TrackerMoved(former, tracker, found.name, is_back=is_back))


def _is_own(host: str) -> bool:
    """Whether it is an address of this machine; False if no descriptor is left to find out."""
    try:
        return is_own_address(host)
    except OSError:
        return False


def _about_others(found: Iterable[FoundTracker]) -> str:
    others = [str(one.address) for one in found]
    if not others:
        return ""
    return f" Another tracker answers at {', '.join(others[:3])}: name it to use it."
