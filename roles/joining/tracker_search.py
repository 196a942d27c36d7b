"""Asks for trackers in every network of this computer, and collects the answers.

Its user decides when to ask and which answers to believe.
"""

from __future__ import annotations

import logging
import secrets
import selectors
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from roles.joining.found_trackers import FoundTrackers
from roles.net.datagrams import Datagrams, broadcasting
from roles.net.interfaces import broadcasts, is_own_address
from roles.net.name_lookup import looked_up
from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    TRACKER_PORTS,
    Address,
    is_loopback,
    may_dial,
)
from roles.values.errors import PeerProtocolError, TrackerSilentError
from roles.values.findings import FoundTracker
from roles.wire import tracker_wire
from roles.wire.tracker_messages import FindTracker, Found

log = logging.getLogger(__name__)

LOOKUP_AGAIN_S = 60.0  # until a remembered name that was not found is looked up again
LINGER_S = 0.3  # on Windows, an answer to a closed socket ends an original tracker

# Own addresses, each with an address to ask at from there.
Targets = Callable[[], Iterable[tuple[str, Address]]]


class TrackerSearch:
    """Owned by one thread."""

    def __init__(
        self,
        remembered: Iterable[Address],
        targets: Targets,
        stopping: threading.Event,
    ) -> None:
        """Asks at `targets`, and at the `remembered` trackers, whose names it looks up."""
        self.found = FoundTrackers()
        self.sent = 0  # datagrams
        self.fault = ""  # what the system said when it sent the last one that it could not send
        self._remembered = tuple(dict.fromkeys(remembered))
        self._targets = targets
        self._stopping = stopping
        self._id = secrets.token_hex(8)
        # Of each that is remembered; with the time when a name that was not found is tried again.
        self._looked_up: dict[Address, tuple[tuple[Address, ...], float]] = {}
        self._bound: dict[str, Datagrams] = {}  # by the address that they are bound to
        self._selector = selectors.DefaultSelector()
        self._asked_at = 0.0

    def __enter__(self) -> TrackerSearch:
        return self

    def __exit__(self, *_: object) -> None:
        while self._bound and (rest := self._asked_at + LINGER_S - time.monotonic()) > 0:
            self.listen(rest)
        for datagrams in self._bound.values():
            datagrams.close()
        self._selector.close()

    def network_changed(self) -> None:
        """This computer's addresses changed: close the sockets of those that are gone."""
        for source in [source for source in self._bound if not is_own(source)]:
            datagrams = self._bound.pop(source)
            self._selector.unregister(datagrams)
            datagrams.close()

    def ask(self) -> bool:
        """Ask each of them once; True if `found` has changed."""
        request = tracker_wire.encode_request(FindTracker(self._id))
        self._asked_at = time.monotonic()
        for source, address in dict.fromkeys((*self._at_remembered(), *self._targets())):
            datagrams = self._bound_to(source)
            if datagrams is None:
                continue
            try:
                self.sent += datagrams.send(request, address)
            except OSError as error:  # no network there now, or a refusal of the last datagram
                self.fault = error.strerror or str(error)
                log.debug("asking at %s: %s", address, error)
        return self.found.called()

    def listen(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` for the first answer; True if `found` has changed."""
        if not self._bound:  # without a network
            self._stopping.wait(timeout_s)
            return False
        is_news = False
        for key, _ in self._selector.select(timeout_s):
            assert isinstance(key.fileobj, Datagrams)
            try:
                received = key.fileobj.receive(tracker_wire.RECEIVE_BUFFER)
            except OSError:  # Windows reports here that nobody listened at some address
                continue
            if received is None:
                continue
            datagram, source = received
            tracker = self._tracker_in(datagram, Address(*source))
            if tracker is not None:
                is_news |= self.found.note(tracker, is_own=is_own(tracker.address.host))
        return is_news

    def _tracker_in(self, datagram: bytes, source: Address) -> FoundTracker | None:
        tracker = _found_in(datagram, source, self._id)
        if tracker is None or tracker.is_original:
            return tracker
        address = tracker.address
        is_known = any(address in addresses for addresses, _ in self._looked_up.values())
        if not (is_known or may_dial(address, is_namer_here=is_loopback(source.host))):
            log.debug("ignored a tracker that claims to be at %s", address)
            return None
        return tracker

    def _at_remembered(self) -> Iterator[tuple[str, Address]]:
        for remembered in self._remembered:
            for address in self._addresses_of(remembered):
                yield EVERY_INTERFACE, address

    def _addresses_of(self, remembered: Address) -> tuple[Address, ...]:
        now = time.monotonic()
        addresses, again_at = self._looked_up.get(remembered, ((), 0.0))
        if not addresses and now >= again_at:
            try:
                addresses = looked_up(remembered, self._stopping)
            except TrackerSilentError as error:
                log.debug("%s", error)
            self._looked_up[remembered] = addresses, now + LOOKUP_AGAIN_S
        return addresses

    def _bound_to(self, source: str) -> Datagrams | None:
        """The socket at this address of ours; None when there can be none now."""
        if source not in self._bound:
            try:
                datagrams = broadcasting(source)
            except OSError as error:  # the address is gone, or no descriptor is left
                self.fault = error.strerror or str(error)
                log.debug("no socket at %s: %s", source, error)
                return None
            self._bound[source] = datagrams
            self._selector.register(datagrams, selectors.EVENT_READ)
        return self._bound[source]


def everywhere(network: str = "") -> Iterator[tuple[str, Address]]:
    """Targets on this computer and in all of its networks, or only in that of the own address
    `network`.
    """
    networks = ((EVERY_INTERFACE, LOOPBACK), *broadcasts(network))
    for port in TRACKER_PORTS:
        for source, broadcast in networks:
            yield source, Address(broadcast, port)


def _found_in(datagram: bytes, source: Address, id_: str) -> FoundTracker | None:
    """The tracker that answers this to the FindTracker of this id; None if it is no answer."""
    if datagram == tracker_wire.NOT_UNDERSTOOD:
        return FoundTracker(source, "", is_original=True)
    try:
        answer = tracker_wire.decode_answer(datagram)
    except PeerProtocolError as error:
        log.debug("ignored a datagram from %s: %s", source, error)
        return None
    if not isinstance(answer, Found) or answer.id != id_:
        return None
    address = Address(source.host, answer.port)
    return FoundTracker(
        address,
        answer.name,
        is_original=False,
        room=answer.room,
        is_private=answer.is_private,
    )


def is_own(host: str) -> bool:
    """Whether it is an address of this machine; False if no descriptor is left to find out."""
    try:
        return is_own_address(host)
    except OSError:
        return False
