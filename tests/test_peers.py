"""Which connections are kept, closed or made once more."""

from __future__ import annotations

import unittest

from roles.net.rates import RateMeter
from roles.swarm.peer import Peer
from roles.swarm.peers import MOVED_S, Peers
from roles.values.addresses import Address

OLD, NEW = Address("10.0.0.1", 12501), Address("10.0.0.2", 12501)


class LeftBehindTest(unittest.TestCase):
    def setUp(self) -> None:
        self.peers = Peers()
        self.now = 100.0

    def peer(self, address: Address, name: str = "a", *, still_s: float | None = None) -> Peer:
        """A connection; with `still_s`: a chunk is taken, and nothing has come for so long."""
        meter = RateMeter(now=self.now)
        peer = Peer(len(self.peers), address, name, "pc", meter, joined_at=self.now)
        if still_s is not None:
            peer.taking, peer.useful_at = (1, 0), self.now - still_s
        self.peers[peer.number] = peer
        return peer

    def left_behind(self) -> list[Peer]:
        return self.peers.left_behind(now=self.now)

    def test_what_stands_still_is_closed_when_its_program_is_elsewhere_too(self) -> None:
        old = [self.peer(OLD, still_s=2 * MOVED_S), self.peer(OLD)]
        self.assertEqual(self.left_behind(), [])
        self.peer(NEW)
        self.assertEqual(self.left_behind(), old)

    def test_where_one_connection_moves_the_program_is_there(self) -> None:
        self.peer(OLD, still_s=2 * MOVED_S)
        self.peer(OLD, still_s=0.0)
        self.peer(NEW)
        self.assertEqual(self.left_behind(), [])

    def test_another_program_elsewhere_ends_nothing(self) -> None:
        self.peer(OLD, still_s=2 * MOVED_S)
        self.peer(NEW, name="b")
        self.assertEqual(self.left_behind(), [])
