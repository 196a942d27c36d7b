"""Connections to the peers that are taken from: who is called, again and how often, and ends."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from unittest import mock

from roles.net.eviction import LIMITS
from roles.net.throttle import Throttle
from roles.swarm.peer_book import (
    AGAIN_S,
    HURRY_S,
    JITTER,
    MAX_CALLERS,
    MAX_CALLERS_PER_HOST,
    MAX_PEERS,
    MOVED_S,
    QUEUED_TIMES,
    REDIAL_S,
)
from roles.swarm.peer_downloads import PeerDownloads
from roles.values.addresses import Address
from roles.wire import frames
from roles.wire.greeting import Hello
from tests.connections import over, tcp_pair
from tests.memory_contents import CHUNK, some_holding
from tests.peers import DownloadingTest
from tests.raw_peer import RawPeer, lying_seeder, welcomed
from tests.scripted_seeder import ScriptedSeeder
from tests.support import LIMIT_S, at_once, wait_until

ME = "0123456789abcdef"
YOU = "fedcba9876543210"


class PeerDownloadsTest(DownloadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.downloads = PeerDownloads(self.swarm, Hello(ME, "pc", 1, is_seeder=False), Throttle())
        self.began = time.monotonic()
        self.addCleanup(self.downloads.join)
        self.addCleanup(self.downloads.stop)
        self.holding = some_holding(3)
        self.handle, self.transfer_, self.store = self.transfer(self.holding)

    def listening(self, play: Callable[[RawPeer], None], peer: str = YOU) -> ScriptedSeeder:
        seeder = self.enterContext(lying_seeder(peer, play))
        self.downloads.heard_of([Address(*seeder.address)])
        return seeder

    def honest(self, sender: RawPeer) -> None:
        """Play a seeder that sends everything in order, to one connection."""
        sender.expect(frames.Open)
        self.send_file(sender, self.handle, self.holding)
        if self.transfer_.digests() is None:  # else a further connection, to a fast peer
            self.give_digests(sender, self.holding)
            sender.expect(frames.Want)
            self.give(sender, self.handle, self.holding, 0, 1, 2)
        with contextlib.suppress(EOFError, OSError):
            while True:
                sender.next()

    def tick(self, *, after_s: float = 0.0) -> None:
        """As if so much time had passed."""
        self.downloads.tick(now=time.monotonic() + after_s)

    def tick_until(self, condition: Callable[[], bool], *, after_s: float = 0.0) -> None:
        def ticked() -> bool:
            self.tick(after_s=after_s)
            return condition()

        wait_until(ticked)

    def test_a_lack_of_threads_is_known_until_somebody_is_connected_to(self) -> None:
        self.listening(self.honest)
        no_thread = RuntimeError("can't start new thread")
        with (
            mock.patch.object(threading.Thread, "start", side_effect=no_thread),
            self.assertLogs("roles.swarm.peer_downloads", "WARNING"),
        ):
            self.tick()
        self.assertIn("no more threads", str(self.downloads.lack))
        self.tick_until(lambda: self.transfer_.is_done)
        self.assertIsNone(self.downloads.lack)

    def test_who_is_heard_of_is_called_and_taken_from(self) -> None:
        self.listening(self.honest)
        self.tick_until(lambda: self.transfer_.is_done)
        self.assertEqual(self.store.data, self.holding.data)

    def test_a_peer_that_calls_us_is_taken_from(self) -> None:
        theirs, ours = self.enterContext(tcp_pair())
        caller = Hello(YOU, "pc", 0, is_seeder=True)
        self.assertTrue(self.downloads.adopt(over(ours, Address("127.0.0.1", 5)), caller))
        self.honest_until_done(RawPeer(theirs))
        self.assertEqual(self.store.data, self.holding.data)

    def honest_until_done(self, sender: RawPeer) -> None:
        thread = threading.Thread(target=self.honest, args=(sender,))
        thread.start()
        wait_until(lambda: self.transfer_.is_done)
        sender.link.shutdown(socket.SHUT_RDWR)
        thread.join()

    def test_a_peer_that_stands_still_in_the_middle_is_connected_to_once_more(self) -> None:
        """The old connection may go on, or not: what was interrupted hides that for long."""
        stalled = threading.Event()
        self.addCleanup(stalled.set)

        def stall(sender: RawPeer) -> None:
            if not stalled.is_set():
                sender.expect(frames.Open)
                self.send_file(sender, self.handle, self.holding)
                self.give_digests(sender, self.holding)
                sender.expect(frames.Want)
                self.offer(sender, self.handle, 0)
                sender.send_part(self.handle, 0, 0, self.holding.chunk(0)[:1_000])
                stalled.set()
            with contextlib.suppress(EOFError, OSError):
                while True:
                    sender.next()

        seeder = self.listening(stall)
        self.tick_until(stalled.is_set)
        self.tick_until(lambda: len(self.swarm._swarm.peers) == 2, after_s=REDIAL_S)
        for _ in range(20):
            self.tick(after_s=REDIAL_S)
        self.assertEqual(seeder.connections, 2)

    def test_the_address_that_a_peer_has_no_longer_is_hung_up_on(self) -> None:
        old, handle = self.offering(self.holding, YOU, host="10.0.0.1")
        self.offer(old, handle, 0)
        old.send_part(handle, 0, 0, self.holding.chunk(0)[:1_000])
        wait_until(
            lambda: (
                self.transfer_.plan._on_their_way[0][next(iter(self.swarm._swarm.peers))].received
                > 0
            )
        )
        other = self.sender("e" * 16, host="10.0.0.3")
        other.expect(frames.Open)
        new = self.sender(YOU, host="10.0.0.2")
        new.expect(frames.Open)
        self.tick(after_s=MOVED_S)
        with at_once():  # by its own patience it would take 45 s
            self.assertTrue(old.has_left())
        wait_until(lambda: len(self.swarm._swarm.peers) == 2)

    def makes_room(self, host: str, *, after_s: float | None = None) -> bool:
        """Whether it does so at the beginning, when nobody can have been idle, or after so long."""
        now = self.began if after_s is None else time.monotonic() + after_s
        return self.downloads.make_room_for_caller(host, now=now)

    def called_by(self, host: str, count: int) -> list[socket.socket]:
        """So many idle peers of this host that connected to us; their ends."""
        caller, ends = Hello(YOU, "pc", 0, is_seeder=True), list[socket.socket]()
        while len(ends) < count and self.makes_room(host):
            theirs, ours = self.enterContext(tcp_pair())
            self.assertTrue(self.downloads.adopt(over(ours, Address(host, len(ends) + 1)), caller))
            ends.append(theirs)
        return ends

    def test_a_host_that_calls_us_without_end_does_not_take_all_there_is(self) -> None:
        self.assertEqual(len(self.called_by("10.0.0.1", 60)), MAX_CALLERS_PER_HOST)
        self.assertTrue(self.makes_room("10.0.0.2"))

    def test_idle_callers_lose_their_places_to_others_the_longest_idle_first(self) -> None:
        hosts = [f"10.0.0.{n}" for n in range(MAX_CALLERS // MAX_CALLERS_PER_HOST)]
        idle = [self.called_by(host, MAX_CALLERS_PER_HOST) for host in hosts]
        self.assertTrue(self.makes_room("10.0.0.99", after_s=LIMITS.unproven_s))
        self.assertTrue(RawPeer(idle[0][0]).has_left())
        self.assertTrue(self.makes_room(hosts[5], after_s=LIMITS.unproven_s))
        self.assertTrue(RawPeer(idle[5][0]).has_left())
        for link in (idle[0][1], idle[5][1]):
            link.settimeout(LIMIT_S)
            self.assertTrue(link.recv(1_000))  # what it was opened; it did not hang up

    def test_peers_that_bring_nothing_make_room_for_those_that_wait(self) -> None:
        def say_nothing(sender: RawPeer) -> None:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    sender.next()
                    sender.send(frames.Place(3))

        for number in range(MAX_PEERS):
            self.listening(say_nothing, peer=f"{number:016x}")
        self.tick_until(lambda: len(self.swarm._swarm.peers) == MAX_PEERS)
        self.listening(self.honest)
        self.tick(after_s=QUEUED_TIMES * HURRY_S)
        self.tick_until(lambda: self.transfer_.is_done)
        self.assertEqual(self.store.data, self.holding.data)

    def test_this_program_itself_is_not_taken_from(self) -> None:
        seeder = self.listening(lambda _: None, peer=ME)
        self.tick_until(lambda: self.downloads.outlook([]).known == 0)
        self.tick()
        self.assertEqual(seeder.connections, 1)

    def test_who_sends_us_away_or_speaks_lmk1_is_not_called_at_once_again(self) -> None:
        def away(link: socket.socket) -> None:
            welcomed(link, YOU, is_away=True)

        def original(link: socket.socket) -> None:
            link.recv(1_024)
            link.sendall(b"away")

        for play in (away, original):
            seeder = self.enterContext(ScriptedSeeder(play))
            self.downloads.heard_of([Address(*seeder.address)])
            self.tick_until(lambda seeder=seeder: seeder.connections == 1)  # type: ignore[misc]
            deadline = time.monotonic() + 0.4
            while time.monotonic() < deadline:
                self.tick()
            self.assertEqual(seeder.connections, 1)

    def test_a_liar_is_called_again_later_and_later(self) -> None:
        def lie(sender: RawPeer) -> None:
            sender.link.sendall(b"\0\0\0\0\0")

        liar = self.listening(lie)
        self.tick_until(lambda: liar.connections == 1)
        first_s = AGAIN_S * (1 + JITTER)
        self.tick_until(lambda: liar.connections == 2, after_s=first_s)
        for _ in range(20):
            self.tick(after_s=first_s)
        self.assertEqual(liar.connections, 2)
        self.tick_until(lambda: liar.connections == 3, after_s=2 * first_s)

    def test_it_ends_at_once_whatever_its_peers_do(self) -> None:
        def silent(link: socket.socket) -> None:
            link.recv(1_024)
            threading.Event().wait(0.0)
            with contextlib.suppress(OSError):
                while link.recv(1_024):
                    pass

        def half_a_chunk(sender: RawPeer) -> None:
            sender.expect(frames.Open)
            self.send_file(sender, self.handle, self.holding)
            self.give_digests(sender, self.holding)
            sender.expect(frames.Want)
            self.offer(sender, self.handle, 0)
            sender.link.sendall(frames.encode_part_head(self.handle, 0, 0, CHUNK))
            with contextlib.suppress(EOFError, OSError):
                while True:
                    sender.next()

        mute = self.enterContext(ScriptedSeeder(silent))
        slow = self.listening(half_a_chunk)
        self.downloads.heard_of([Address(*mute.address)])
        self.tick_until(lambda: mute.connections > 0 and slow.connections > 0)
        self.tick_until(lambda: self.transfer_.plan.wanted == 0b110)
        with at_once():
            self.downloads.stop()
            self.downloads.join()
