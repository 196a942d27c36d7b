"""Connects to the leechers of the room when a firewall keeps them from connecting to this program.

It serves them as if they had connected to it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.net.dialling import dialled
from roles.net.peer_greeting import greeted
from roles.swarm.call_book import CallBook
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address, may_dial
from roles.values.errors import LmkError, ShortageError, TrackerSilentError
from roles.wire.greeting import Hello
from roles.worker import POLL_S, Workers

log = logging.getLogger(__name__)

ASK_S = 1.0  # between two questions to the tracker


class ReverseConnections:
    """run() is the body of a thread."""

    def __init__(
        self,
        locator: TrackerLocator,
        uploads: PeerUploads,
        hello: Hello,
        shares: Callable[[], Iterable[str]],
        is_needed: Callable[[], bool],
    ) -> None:
        """`hello`: the role's greeting as a leecher. `shares`: the shares that it can upload."""
        self._locator = locator
        self._enter = locator.enter
        self._uploads = uploads
        self._shares = shares
        self._is_needed = is_needed
        self._hello = replace(hello, is_seeder=True)
        self._lock = threading.Lock()  # protects the book
        self._book = CallBook()
        self._workers = Workers("lmk-call")
        self._changes = locator.changes
        self._woken = threading.Event()

    def wake(self) -> None:
        """Look at everything now, including whether to stop. From any thread."""
        self._woken.set()

    def run(self) -> None:
        """While is_needed(), call the leechers that the tracker names; until told to stop."""
        ask_at = 0.0
        with RoomClient(self._locator) as client:
            while not self._locator.stopping.is_set():
                now = time.monotonic()
                if self._changes != self._locator.changes:
                    self._changes = self._locator.changes
                    with self._lock:
                        self._book.network_changed()
                    ask_at = now
                if now >= ask_at and self._is_needed():
                    ask_at = now + ASK_S
                    self._call_all(self._leechers(client), now)
                self._woken.wait(POLL_S)
                self._woken.clear()
        self._workers.join()

    def _leechers(self, client: RoomClient) -> list[Address]:
        """The leechers that can be called."""
        try:
            holders = client.holders(self._shares()) or ()
        except TrackerSilentError:
            return []
        is_here = self._locator.is_here
        return [
            holder.address
            for holder in holders
            if holder.is_leecher
            and not holder.is_unreachable
            and may_dial(holder.address, is_namer_here=is_here)
        ]

    def _call_all(self, leechers: Iterable[Address], now: float) -> None:
        served = self._uploads.called()
        with self._lock:
            due = self._book.to_call(leechers, served, now=now)
        for address in due:
            try:
                self._workers.start(partial(self._call, address))
            except ShortageError as error:
                log.warning("cannot connect to the leecher %s: %s", address, error)
                self._forget(address)

    def _call(self, address: Address) -> None:
        stopping = self._locator.stopping
        try:
            with contextlib.ExitStack() as closing:
                connection = closing.enter_context(dialled(address, stopping))
                welcome = greeted(connection, self._hello, stopping, self._enter)
                if welcome.is_away or welcome.peer == self._hello.peer or stopping.is_set():
                    return
                if self._uploads.make_room(address, now=time.monotonic()):
                    closing.pop_all()
                    self._uploads.serve(connection, welcome)
        except (OSError, LmkError) as error:
            log.info("cannot connect to the leecher %s: %s", address, error)
        finally:
            self._forget(address)

    def _forget(self, address: Address) -> None:
        with self._lock:
            self._book.ended(address)
