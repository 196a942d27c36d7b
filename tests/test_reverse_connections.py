"""Calling the leechers of a room when nobody can connect to this program."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from unittest import mock

from roles.joining.membership import Membership
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.net.throttle import Throttle
from roles.swarm.reverse_connections import (
    ReverseConnections,
)
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address
from roles.values.events import DownloadState
from roles.values.settings import Existing
from roles.wire import frames
from roles.wire.greeting import Hello, Probe
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding, MemoryLibrary
from tests.raw_peer import RawPeer, welcomed
from tests.role_test import RoomTest, list_now, wait_for_end
from tests.scripted_seeder import ScriptedSeeder
from tests.scripted_tracker import ScriptedTracker
from tests.support import wait_until
from tests.test_room_client import with_cookie

ME = Hello("0123456789abcdef", "pc", 5, is_seeder=False)


class ReverseConnectionsTest(RoomTest):
    """The leechers are given to it without a tracker: what a tracker says is tested elsewhere."""

    def setUp(self) -> None:
        super().setUp()
        self.holding = MemoryHolding(some_bytes(1_000_000))
        self.uploads = PeerUploads(MemoryLibrary(self.holding), 4, Throttle())
        self.stopping = threading.Event()
        self.calls = ReverseConnections(
            TrackerLocator(Address("127.0.0.1", 9), stopping=self.stopping),
            self.uploads,
            ME,
            tuple,
            lambda: True,
        )
        self.addCleanup(self.end)
        self.heard: list[Hello | Probe | None] = []

    def end(self) -> None:
        self.stopping.set()
        self.uploads.stop()
        self.calls._workers.join()
        self.uploads.join()

    def called(self, peer: str = "f" * 16, *, is_away: bool = False) -> ScriptedSeeder:
        def play(sock: socket.socket) -> None:
            self.heard.append(welcomed(sock, peer, is_away=is_away))
            if is_away:
                return
            raw = RawPeer(sock)
            raw.send(frames.Open(7, self.holding.content.root))
            with contextlib.suppress(EOFError, OSError):
                while True:
                    raw.next()

        return self.enterContext(ScriptedSeeder(play))

    def call(self, *leechers: ScriptedSeeder) -> None:
        self.calls._call_all([Address(*leecher.address) for leecher in leechers], time.monotonic())

    def test_a_leecher_is_called_as_a_seeder_and_served_once(self) -> None:
        leecher = self.called()
        self.call(leecher)
        wait_until(lambda: len(self.uploads.called()) == 1)
        for _ in range(5):
            self.call(leecher)
        self.assertEqual(leecher.connections, 1)
        wait_until(lambda: bool(self.heard))
        [hello] = self.heard
        assert isinstance(hello, Hello)
        self.assertTrue(hello.is_seeder)

    def test_a_leecher_that_is_away_or_this_program_itself_is_left_in_peace(self) -> None:
        for leecher in (self.called(is_away=True), self.called(ME.peer)):
            self.call(leecher)
            wait_until(lambda: not self.calls._workers)
            self.call(leecher)
            self.assertEqual(leecher.connections, 1)
        self.assertEqual(self.uploads.called(), frozenset())

    def test_a_room_of_hundreds_is_not_called_all_at_once(self) -> None:
        def silent(sock: socket.socket) -> None:
            while sock.recv(1_024):
                pass

        leechers = [self.enterContext(ScriptedSeeder(silent)) for _ in range(20)]
        self.call(*leechers)
        self.assertLessEqual(len(self.calls._workers), 8)
        self.stopping.set()

    def test_nobody_is_called_at_a_service_or_at_this_machines_own_loopback(self) -> None:
        leecher = [1, [0]]  # its flags, and the shares that were asked for
        holders = [
            [host, port, *leecher]
            for host, port in (
                ("10.0.0.9", 25),
                ("10.0.0.9", 9100),
                ("224.0.0.1", 12501),
                ("127.0.0.1", 12501),
                ("10.0.0.9", 12501),
            )
        ]
        tracker = ScriptedTracker(with_cookie(lambda *_: {"holders": holders}))
        self.addCleanup(tracker.close)
        here, elsewhere = Address("127.0.0.1", 12501), Address("10.0.0.9", 12501)
        for is_tracker_here, named in ((False, [elsewhere]), (True, [here, elsewhere])):
            with (
                RoomClient(TrackerLocator(tracker.address)) as client,
                mock.patch.object(self.calls._locator, "_is_here", is_tracker_here),
            ):
                self.assertEqual(self.calls._leechers(client), named)

    def test_when_the_network_changed_whoever_could_not_be_called_is_at_once(self) -> None:
        nobody = Address("127.0.0.1", self.free_port("tcp"))
        self.calls._call_all([nobody], time.monotonic())
        wait_until(lambda: not self.calls._workers)
        self.constant("swarm.reverse_connections", "ASK_S", 600.0)
        self.enterContext(mock.patch.object(self.calls, "_leechers", lambda _: [nobody]))
        thread = threading.Thread(target=self.calls.run, name="lmk-caller")
        thread.start()
        with mock.patch.object(self.calls, "_call") as call:
            self.calls._locator.network_changed()
            self.calls.wake()
            wait_until(lambda: call.called)
        self.stopping.set()
        thread.join()

    def test_nobody_there_is_no_error(self) -> None:
        nobody = Address("127.0.0.1", self.free_port("tcp"))
        self.calls._call_all([nobody], time.monotonic())
        wait_until(lambda: not self.calls._workers)


class UnreachableTest(RoomTest):
    def test_a_leecher_takes_from_a_seeder_that_nobody_can_reach(self) -> None:
        """Its listed address leads nowhere; it is it that calls."""
        self.constant("swarm.reverse_connections", "ASK_S", 0.1)
        self.constant("swarm.call_book", "AGAIN_S", 0.2)
        self.constant("net.dialling", "CONNECT_S", 0.2)
        room = self.tracker().address
        data = some_bytes(2_000_000)
        seeder = self.seeder(self.make_folder("source", {"a.bin": data}), room)
        target = self.folder / "target"
        target.mkdir()
        leecher = self.leecher(target, room)
        list_now(leecher, "a.bin")
        # What a firewall in front of the seeder would do to those who call it.
        peer_finder = leecher.role._room_reader._peer_finder
        assert peer_finder is not None
        peer_finder._found = lambda *_: False
        unreachable = mock.PropertyMock(return_value=False)
        self.enterContext(mock.patch.object(Membership, "is_reachable", unreachable, create=True))
        leecher.role.download(["a.bin"], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, "a.bin").state, DownloadState.DONE)
        self.assertTrue((target / "a.bin").read_bytes() == data)
        self.assertTrue(seeder.log.events)
