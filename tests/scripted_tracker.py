"""A tracker that answers by a script: it loses, delays, swaps and garbles."""

from __future__ import annotations

import socket
import threading
import unittest
from collections.abc import Callable, Iterable
from unittest import mock

from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.values.addresses import Address
from tests.support import LIMIT_S, LmkTestCase

PC = Address("10.0.0.7", 12501)
LIST = b'{"a.txt":5}'
SEEDERS = b'[["10.0.0.7",12501]]'
Script = Callable[[bytes, int], Iterable[bytes]]  # datagram, how many came before it


def room_of(datagram: bytes, _: int) -> list[bytes]:
    """An original's answers."""
    if datagram == b"request_file_list":
        return [LIST, b"success"]
    if datagram == b"request_seeder_list":
        return [SEEDERS, b"success"]
    return [b"success"]


class ScriptedTracker:
    """Answers by a script, in a thread of its own, and notes what it heard and from where."""

    def __init__(self, script: Script) -> None:
        self.heard: list[bytes] = []
        self.sources: list[tuple[str, int]] = []
        self._script = script
        self._ending = threading.Event()
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.bind(("127.0.0.1", 0))
        self._link.settimeout(0.02)
        self.address = Address(*self._link.getsockname())
        self._thread = threading.Thread(target=self._serve, name="lmk-scripted")
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._link.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                datagram, source = self._link.recvfrom(65_535)
            except TimeoutError:
                continue
            self.heard.append(datagram)
            self.sources.append(source)
            for answer in self._script(datagram, len(self.heard) - 1):
                self._link.sendto(answer, source)


def repeat_after(test: unittest.TestCase, *seconds: float) -> None:
    """When its clients ask again if they are not answered. They do so no more often than that,
    even if the tracker's thread is slow, so a test knows how many requests come.
    """
    tries_s = (*seconds, *[LIMIT_S] * 8)
    test.enterContext(mock.patch("roles.joining.tracker_asker.TRIES_S", tries_s))


class TrackerClientTestCase(LmkTestCase):
    """Something in LMK/1 is asked of one."""

    def setUp(self) -> None:
        super().setUp()
        self.stopping = threading.Event()
        repeat_after(self, LIMIT_S)

    def tracker(self, script: Script = room_of) -> ScriptedTracker:
        tracker = ScriptedTracker(script)
        self.addCleanup(tracker.close)
        return tracker

    def client(self, address: Address) -> TrackerClient:
        return self.enterContext(TrackerClient(TrackerLocator(address, stopping=self.stopping)))

    def asked(self, script: Script) -> tuple[TrackerClient, ScriptedTracker]:
        tracker = self.tracker(script)
        return self.client(tracker.address), tracker

    def open_sockets(self, client: TrackerClient) -> int:
        return len(client._lingering)
