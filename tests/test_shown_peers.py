"""What users see of a peer."""

from __future__ import annotations

import unittest

from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.peer import Peer
from roles.swarm.shown_peers import sources_of, watched_peers
from roles.values.addresses import Address
from roles.values.events import Source
from roles.values.watched import WatchedPeer
from tests.memory_contents import some_holding

ADDRESS = Address("10.0.0.1", 12501)


class ShownPeersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.peer = Peer(1, ADDRESS, "p", "pc-1", 0.0)
        self.peer.note_bytes(4_000, now=1.0)
        self.transfer = ContentTransfer(some_holding(4).content, "a", lambda: None)
        self.transfer.handle = 7

    def watched(self, transfer: ContentTransfer | None) -> WatchedPeer:
        [watched] = watched_peers([self.peer], transfer, now=1.0)
        return watched

    def test_a_source_is_what_a_peer_brought_and_whether_it_is_sending(self) -> None:
        rate = self.peer.meter.rate(now=1.0)
        [source] = sources_of([self.peer], now=1.0)
        self.assertEqual(source, Source(ADDRESS, 4_000, rate, False, "pc-1"))
        self.peer.taking = (7, 0)
        [source] = sources_of([self.peer], now=1.0)
        self.assertTrue(source.is_sending)

    def test_of_a_content_it_shows_what_the_peer_has_sends_and_spoiled(self) -> None:
        self.assertIsNone(self.watched(self.transfer).has)  # it has not described it
        self.peer.seen[7], self.peer.position = 0b1011, 3
        plan = self.transfer.plan
        plan.bad_peers.sent_bad(self.peer.sender, 0, now=1.0)
        self.assertTrue(plan.take(self.peer, 1, now=1.0, is_end=False))
        watched = self.watched(self.transfer)
        self.assertEqual((watched.has, watched.coming, watched.position), (0b1011, 0b10, 3))
        self.assertEqual(watched.damaged, 1)
        self.assertGreater(watched.damaged_again_s, 0)

    def test_without_a_content_it_shows_how_the_peer_is_doing(self) -> None:
        self.peer.seen[7] = 0b1
        watched = self.watched(None)
        self.assertEqual((watched.has, watched.coming, watched.damaged), (None, 0, 0))
        self.assertEqual(watched.rate, self.peer.meter.rate(now=1.0))
