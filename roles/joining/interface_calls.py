"""Searches for trackers from each address of this computer, and tells which answered where."""

from __future__ import annotations

import secrets
import selectors
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack

from roles.joining.beacon import tracker_in
from roles.net.datagrams import Datagrams, broadcasting
from roles.net.interfaces import OwnAddress
from roles.values.addresses import TRACKER_PORTS, Address
from roles.values.findings import FoundTracker, InterfaceChecked, ours_first
from roles.wire import tracker_wire
from roles.wire.tracker_messages import FindTracker
from roles.worker import POLL_S

LISTEN_S = 1.5  # a network's trackers answer within milliseconds
AGAIN_S = 0.5  # between two calls: a datagram may be lost
MAX_HEARD = 64  # trackers at one address; a limit for floods of answers


def call_everywhere(
    own: Iterable[OwnAddress],
    stopping: threading.Event,
    ports: Iterable[int] = TRACKER_PORTS,
) -> list[InterfaceChecked]:
    """What each address has found after LISTEN_S."""
    ports = tuple(ports)
    with ExitStack() as sockets, selectors.DefaultSelector() as selector:
        calls = [_Call(one, ports) for one in own]
        for call in calls:
            call.open(sockets, selector)
        deadline, call_at = time.monotonic() + LISTEN_S, 0.0
        while (now := time.monotonic()) < deadline and not stopping.is_set():
            if now >= call_at:
                call_at = now + AGAIN_S
                for call in calls:
                    call.send()
            if not selector.get_map():
                break
            for key, _ in selector.select(min(POLL_S, deadline - now)):
                key.data.receive()
    return [call.found() for call in calls]


class _Call:
    def __init__(self, own: OwnAddress, ports: tuple[int, ...]) -> None:
        self._own = own
        self._ports = ports
        self._id = secrets.token_hex(8)
        self._datagrams: Datagrams | None = None
        self._sent = 0
        self._fault = ""
        self._heard: dict[Address, FoundTracker] = {}

    def open(self, sockets: ExitStack, selector: selectors.BaseSelector) -> None:
        try:
            self._datagrams = sockets.enter_context(broadcasting(self._own.host))
            selector.register(self._datagrams, selectors.EVENT_READ, self)
        except OSError as error:
            self._fault = error.strerror or str(error)

    def send(self) -> None:
        if self._datagrams is None:
            return
        request = tracker_wire.encode_request(FindTracker(self._id))
        for everyone in self._own.everyone:
            for port in self._ports:
                try:
                    self._sent += self._datagrams.send(request, Address(everyone, port))
                except OSError as error:
                    self._fault = error.strerror or str(error)

    def receive(self) -> None:
        assert self._datagrams is not None
        try:
            come = self._datagrams.receive(tracker_wire.RECEIVE_BUFFER)
        except OSError:  # Windows reports here that nobody listened at some address
            return
        tracker = None if come is None else tracker_in(come[0], Address(*come[1]), self._id)
        if tracker is not None and len(self._heard) < MAX_HEARD:
            self._heard[tracker.address] = tracker

    def found(self) -> InterfaceChecked:
        heard = ours_first(self._heard.values())
        fault = "" if self._sent else self._fault
        return InterfaceChecked(self._own.interface, self._own.host, self._sent, heard, fault)
