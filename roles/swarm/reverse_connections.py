"""Connects to the leechers of the room when a firewall keeps them from connecting to this program.

It serves them as if they had connected to it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from roles.joining.room_client import RoomClient
from roles.joining.tracker_place import TrackerPlace
from roles.net.dialling import dialled
from roles.net.peer_greeting import greeted
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address, may_dial
from roles.values.errors import LmkError, PeerProtocolError, ShortageError, TrackerSilentError
from roles.wire.greeting import Hello
from roles.worker import POLL_S, Worker, run_guarded

log = logging.getLogger(__name__)

MAX_CALLS = 8  # under way at once, and begun in a second, however many leechers there are
# After this time an unanswered call no longer counts, up to MAX_UNDER_WAY.
UNANSWERED_S = 2.0
MAX_UNDER_WAY = 32
ASK_S = 1.0  # between two questions to the tracker
AGAIN_S = 5.0  # before the same leecher is called again


class ReverseConnections:
    """run() is the body of a thread."""

    def __init__(
        self,
        place: TrackerPlace,
        uploads: PeerUploads,
        hello: Hello,
        shares: Callable[[], Iterable[str]],
        is_needed: Callable[[], bool],
        should_stop: Callable[[], bool],
    ) -> None:
        """`hello`: the role's greeting as a leecher. `shares`: the shares that it can upload."""
        self._place = place
        self._uploads = uploads
        self._shares = shares
        self._is_needed = is_needed
        self._hello = replace(hello, is_seeder=True)
        self._should_stop = should_stop
        self._lock = threading.Lock()  # protects the table of calls
        self._calls: dict[Address, tuple[threading.Thread, float]] = {}  # and when it began
        self._not_before: dict[Address, float] = {}
        self._network_changed = threading.Event()
        self._woken = threading.Event()

    def network_changed(self) -> None:
        """This computer's addresses changed: forget pauses after failures. From any thread."""
        self._network_changed.set()
        self.wake()

    def wake(self) -> None:
        """Look at everything now, including should_stop(). From any thread."""
        self._woken.set()

    def run(self) -> None:
        """While is_needed(), call the leechers that the tracker names; until should_stop()."""
        ask_at = 0.0
        with RoomClient(self._place, self._should_stop) as client:
            while not self._should_stop():
                now = time.monotonic()
                if self._network_changed.is_set():
                    self._network_changed.clear()
                    self._not_before.clear()
                    ask_at = now
                if now >= ask_at and self._is_needed():
                    ask_at = now + ASK_S
                    self._call_all(self._leechers(client), now)
                self._woken.wait(POLL_S)
                self._woken.clear()
        with self._lock:
            threads = [thread for thread, _ in self._calls.values()]
        for thread in threads:
            thread.join()

    def _leechers(self, client: RoomClient) -> list[Address]:
        """The leechers that can be called."""
        try:
            holders = client.holders(self._shares()) or ()
        except TrackerSilentError:
            return []
        is_here = self._place.is_here
        return [
            one.address
            for one in holders
            if one.is_leecher
            and not one.is_unreachable
            and may_dial(one.address, is_namer_here=is_here)
        ]

    def _call_all(self, leechers: Iterable[Address], now: float) -> None:
        last = self._not_before
        self._not_before = {one: at for one, at in last.items() if at > now}
        served, begun = self._uploads.called(), 0
        # The leecher called longest ago comes first, so that calls that fail hold up nobody.
        for address in sorted(leechers, key=lambda one: last.get(one, 0.0)):
            if address in served or address in self._not_before:
                continue
            with self._lock:
                if address in self._calls:
                    continue
                fresh = sum(now - at < UNANSWERED_S for _, at in self._calls.values())
                if max(fresh, begun) >= MAX_CALLS or len(self._calls) >= MAX_UNDER_WAY:
                    return
                thread = Worker(partial(self._main, address), "lmk-call")
                self._calls[address] = thread, now
            self._not_before[address] = now + AGAIN_S
            begun += 1
            try:
                thread.start()
            except ShortageError as error:
                log.warning("cannot connect to the leecher %s: %s", address, error)
                self._forget(address)

    def _main(self, address: Address) -> None:
        run_guarded(lambda: self._call(address))
        self._forget(address)

    def _forget(self, address: Address) -> None:
        with self._lock:
            self._calls.pop(address, None)

    def _call(self, address: Address) -> None:
        try:
            connection = dialled(address, self._should_stop)
        except (OSError, LmkError) as error:
            log.info("cannot connect to the leecher %s: %s", address, error)
            return
        try:
            welcome = greeted(connection, self._hello, self._should_stop)
        except (PeerProtocolError, OSError) as error:
            log.info("%s: %s", address, error)
            connection.close()
            return
        is_us = welcome.peer == self._hello.peer
        if welcome.is_away or is_us or self._should_stop() or not self._uploads.make_room(address):
            connection.close()
            return
        part = welcome.longest_part
        self._uploads.serve(connection, welcome.name, longest_part=part, is_called=True)
