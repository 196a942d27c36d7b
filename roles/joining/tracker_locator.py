"""Where a role's tracker is: the addresses to ask at, and the search when it is silent.

All threads of a role share one TrackerLocator. A thread that finds the tracker silent also searches
for it elsewhere, for a moment.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from roles.joining.found_trackers import successor
from roles.joining.tracker_search import Targets, TrackerSearch, everywhere, is_own
from roles.net.connection import Connection
from roles.net.dialling import dialled
from roles.net.interfaces import own_addresses
from roles.net.name_lookup import looked_up
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import Post, TrackerMoved
from roles.values.findings import FoundTracker
from roles.values.settings import Failover
from roles.worker import POLL_S

if TYPE_CHECKING:
    from roles.private.private_client import PrivateClient
    from roles.private.private_server import PrivateServer

log = logging.getLogger(__name__)

MAX_ADDRESSES = 6  # to ask at in turn


class Limits(NamedTuple):
    search_s: float = 0.6  # for answers; a network's trackers answer within milliseconds
    # Random, so that a room full of programs does not ask all at once.
    search_again_s: tuple[float, float] = (4.0, 8.0)
    fail_back_s: float = 0.3  # for an answer of the tracker that another one replaces
    fail_back_again_s: float = 15.0


LIMITS = Limits()


class TrackerLocator:
    """Its methods may be called from any thread."""

    def __init__(
        self,
        tracker: Address,
        failover: Failover = Failover.NOWHERE,
        post: Post = lambda _event: None,
        targets: Targets = everywhere,
        *,
        stopping: threading.Event | None = None,
        code: str = "",
        private_client: PrivateClient | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """`tracker`: the address that the user typed, or that was found. A search asks at
        `targets`. Whatever waits for the tracker ends soon once `stopping` is set. `code`: of a
        private room, which is joined by it; `private_client` if it has been joined already.
        """
        self.stopping = stopping or threading.Event()
        self._code, self._private_client = code, private_client
        self._making_client = threading.Lock()  # held by the thread that makes `_private_client`
        # After each change, of the tracker or of this computer's network, everything must be told
        # to the tracker again, and what failed can be tried again.
        self.changes = 0
        self.hint = ""  # a sentence about other trackers that answer while this one is silent
        self._preferred = tracker
        self.is_private = bool(code) or private_client is not None
        # Another tracker would have to prove that it knows the code, and each attempt lets a
        # stranger test one guess.
        self._failover = Failover.SAME if self.is_private and failover is Failover.ANY else failover
        self._post = post
        self._limits = limits
        self._targets = targets
        self._lock = threading.Lock()  # protects what follows; never held during I/O
        self._tracker = tracker  # the one in use: `_preferred`, or its replacement
        self._has_answered = False  # the one at `_preferred`
        self._room = self._name = ""  # of the one at `_preferred`
        self._hosts: tuple[Address, ...] = ()  # of `_tracker`; () until it is looked up
        self._answered: Address | None = None  # where it answered last
        self._is_here = False  # it is on this machine, whatever its address
        self._searching = threading.Lock()  # held by the one thread that searches
        self._search_at = self._fail_back_at = 0.0

    @property
    def private_client(self) -> PrivateClient | None:
        """None in an open room; a private one is entered by it.

        Made by the thread that needs it first: loading TLS takes a while.
        """
        if self._code:
            with self._making_client:
                if self._private_client is None:
                    from roles.private.private_client import PrivateClient

                    self._private_client = PrivateClient(self._code)
        return self._private_client

    @property
    def enter(self) -> Callable[[Connection, threading.Event], None] | None:
        """What comes first on a connection to another member; None in an open room."""
        return None if self.private_client is None else self.private_client.enter

    @property
    def private_server(self) -> PrivateServer | None:
        """Admits those who connect to us; None in an open room. Raises OSError."""
        return None if self.private_client is None else self.private_client.private_server

    def connected(self, tracker: Address) -> Connection:
        """A connection to the tracker at this address. Raises OSError, and what
        PrivateClient.connected() raises.
        """
        private_client = self.private_client
        if private_client is None:
            return dialled(tracker, self.stopping, is_chosen=True)
        return private_client.connected(tracker, self.stopping)

    @property
    def shown(self) -> Address:
        """The address to show to the user."""
        with self._lock:
            is_here, answered, tracker = self._is_here, self._answered, self._tracker
        return answered if is_here and answered and not is_own(tracker.host) else tracker

    @property
    def tracker(self) -> Address:
        """The one in use: as typed or found, or where it or another one was found since."""
        return self._tracker

    def addresses(self) -> tuple[Address, ...]:
        """Where to ask, in this order. Raises TrackerSilentError if its name is not found.

        A tracker on this machine can be asked at all of the machine's addresses, even if the one
        that the user typed is gone.
        """
        with self._lock:
            tracker, hosts = self._tracker, self._hosts
        if not hosts:
            hosts = looked_up(tracker, self.stopping)
            with self._lock:
                self._hosts = hosts if tracker == self._tracker else ()
        here = [address for address in hosts if is_own(address.host)]
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

    def current(self) -> Address:
        """The IPv4 address where it answered last, or is asked first. Raises TrackerSilentError."""
        with self._lock:
            if self._hosts and self._answered is not None:
                return self._answered
        return self.addresses()[0]

    def answered(self, address: Address) -> None:
        with self._lock:
            self._answered, self.hint = address, ""
            self._has_answered |= self._tracker == self._preferred

    def introduced(self, room: str, name: str) -> None:
        """`room` names this run of the tracker, "" for an original, and `name` its computer."""
        with self._lock:
            if self._tracker == self._preferred:
                self._has_answered, self._room, self._name = True, room, name

    def is_silent(self) -> None:
        """None of its addresses answered: look up its name again."""
        with self._lock:
            self._hosts, self._answered = (), None

    def network_changed(self) -> None:
        """This computer's addresses changed: look up the name and search again without a pause."""
        with self._lock:
            self._hosts = ()
            self._search_at = self._fail_back_at = 0.0
            self.changes += 1

    # Looking for it

    def fail_over(self) -> bool:
        """Search for a silent tracker elsewhere; True if another address is used from now on.

        Does nothing if the settings forbid it, or within search_again_s of the last search.
        """
        if self._failover is Failover.NOWHERE or not self._searching.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            if now < self._search_at:
                return False
            self._search_at = now + random.uniform(*self._limits.search_again_s)
            return self._take_one_of(self._answering(self._limits.search_s, self._targets))
        finally:
            self._searching.release()

    def fail_back(self) -> None:
        """Go back to the tracker that another one replaces, if it answers again."""
        if self._tracker == self._preferred or not self._searching.acquire(blocking=False):
            return
        try:
            if time.monotonic() < self._fail_back_at:
                return
            trackers = self._answering(self._limits.fail_back_s, tuple)
            self._fail_back_at = time.monotonic() + self._limits.fail_back_again_s
            for tracker in trackers:  # perhaps it restarted
                if tracker.name == self._name or (self._room and tracker.room == self._room):
                    self._move_to(tracker, self._preferred, is_back=True)
                    return
        finally:
            self._searching.release()

    def _answering(self, within_s: float, targets: Targets) -> tuple[FoundTracker, ...]:
        """The trackers that answer, at `_preferred` and at the targets."""
        deadline = time.monotonic() + within_s
        try:
            search = TrackerSearch((self._preferred,), targets, self.stopping)
        except OSError as error:  # no descriptor is left: try again later
            log.debug("looking for trackers: %s", error)
            return ()
        with search:
            search.ask()
            while (rest_s := deadline - time.monotonic()) > 0 and not self.stopping.is_set():
                search.listen(min(rest_s, POLL_S))
            trackers = search.found.trackers()
            return tuple(each for each in trackers if each.is_private == self.is_private)

    def _take_one_of(self, found: tuple[FoundTracker, ...]) -> bool:
        """Use one of these from now on; False if none of them replaces the silent one."""
        with self._lock:
            tracker, hosts, is_here = self._tracker, self._hosts, self._is_here
        for other in found:
            is_this = other.address in (tracker, *hosts) or (
                is_here and other.address.port == tracker.port and is_own(other.address.host)
            )
            if is_this and not other.is_original:
                return False  # it is alive, and only its last answers were lost
        new = successor(found, room=self._room, name=self._name, failover=self._failover)
        if new is None or new.address == tracker:
            others = ", ".join(str(other.address) for other in found[:3])
            about = f" Another tracker answers at {others}: name it to use it."
            self.hint = about if found else ""
            return False
        self._move_to(new, new.address)
        return True

    def _move_to(self, tracker: FoundTracker, address: Address, *, is_back: bool = False) -> None:
        with self._lock:
            former = self._tracker
            self._tracker, self._hosts, self._answered = address, (), None
            self._is_here = False
            if not self._has_answered:  # none has before: this is the one we were looking for
                self._preferred = address
            self._fail_back_at = time.monotonic() + self._limits.fail_back_again_s
            self.hint = ""
            self.changes += 1
        if is_back:
            log.warning("The tracker %s answers again and is used now.", address)
        else:
            log.warning("The tracker %s does not answer; %s is used now.", former, address)
        self._post(TrackerMoved(former, address, tracker.name, is_back=is_back))
