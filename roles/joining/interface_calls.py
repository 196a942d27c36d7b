"""Calls for trackers from each address of this computer, and tells which answered at which."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial

from roles.joining.beacon import Beacon
from roles.net.interfaces import OwnAddress
from roles.values.addresses import TRACKER_PORTS, Address
from roles.values.findings import InterfaceChecked
from roles.worker import POLL_S

LISTEN_S = 1.5  # a network's trackers answer within milliseconds
AGAIN_S = 0.5  # between two calls: a datagram may be lost


def call_everywhere(
    own: Iterable[OwnAddress],
    stopping: threading.Event,
    ports: Sequence[int] = TRACKER_PORTS,
) -> list[InterfaceChecked]:
    """One for each address, after LISTEN_S."""
    with ExitStack() as stack:
        beacons = list[tuple[OwnAddress, Beacon]]()
        for one in own:
            beacon = Beacon((), partial(_targets, one, ports), stopping)
            beacons.append((one, stack.enter_context(beacon)))
        deadline, call_at = time.monotonic() + LISTEN_S, 0.0
        while (now := time.monotonic()) < deadline and not stopping.is_set():
            if now >= call_at:
                call_at = now + AGAIN_S
                for _, beacon in beacons:
                    beacon.call()
            for _, beacon in beacons:
                beacon.listen(POLL_S / len(beacons))
        return [_found(one, beacon) for one, beacon in beacons]


def _targets(one: OwnAddress, ports: Sequence[int]) -> list[tuple[str, Address]]:
    return [(one.host, Address(host, port)) for host in one.everyone for port in ports]


def _found(one: OwnAddress, beacon: Beacon) -> InterfaceChecked:
    heard, fault = beacon.found.trackers(), "" if beacon.sent else beacon.fault
    return InterfaceChecked(one.interface, one.host, beacon.sent, heard, fault)
