"""Searches for trackers from each address of this computer: which of them answer at which."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial

from roles.joining.tracker_search import TrackerSearch
from roles.net.interfaces import OwnAddress
from roles.values.addresses import Address
from roles.values.findings import InterfaceChecked
from roles.worker import POLL_S

LISTEN_S = 1.5  # a network's trackers answer within milliseconds
AGAIN_S = 0.5  # between two tries: a datagram may be lost


def search_interfaces(
    own: Iterable[OwnAddress],
    stopping: threading.Event,
    ports: Sequence[int],
    listen_s: float,
) -> list[InterfaceChecked]:
    """One for each address, after `listen_s`."""
    with ExitStack() as stack:
        searches = list[tuple[OwnAddress, TrackerSearch]]()
        for address in own:
            search = TrackerSearch((), partial(_targets, address, ports), stopping)
            searches.append((address, stack.enter_context(search)))
        deadline, ask_at = time.monotonic() + listen_s, 0.0
        while (now := time.monotonic()) < deadline and not stopping.is_set():
            if now >= ask_at:
                ask_at = now + AGAIN_S
                for _, search in searches:
                    search.ask()
            for _, search in searches:
                search.listen(POLL_S / len(searches))
        return [_checked(address, search) for address, search in searches]


def _targets(own: OwnAddress, ports: Sequence[int]) -> list[tuple[str, Address]]:
    return [(own.host, Address(host, port)) for host in own.broadcasts for port in ports]


def _checked(own: OwnAddress, search: TrackerSearch) -> InterfaceChecked:
    heard, fault = search.found.trackers(), "" if search.sent else search.fault
    return InterfaceChecked(own.interface, own.host, search.sent, heard, fault)
