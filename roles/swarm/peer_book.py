"""Which peers a program knows, and which to connect to now.

Pure state: the caller brings the clock. The shell holds its lock around each call.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from roles.net.rate_limit import RateLimit
from roles.values.addresses import Address, is_loopback

# Connected to at once, a thread each at both ends. In a larger room everyone takes from that many
# others at random, and chunks still reach all of them within a hop or two. With 16, rooms of 16 and
# 32 are as fast, for a tenth more work; with 9, links are idle.
MAX_PEERS = 13
# Of these so many at once and the others one by one. A whole room begins at the same time: if all
# took the first that they heard of, nobody would take from those who were heard of last; and
# greetings take processor time from the first chunks (docs/PERFORMANCE.md).
AT_ONCE = 4
NEXT_S = 0.1
FIRST = 4  # those heard of first are seeders, as a rule: they are always among them
MAX_KNOWN = 512
# Of one host, so that it cannot fill the book with ports; this machine is exempt. As many as a
# tracker registers.
MAX_PER_HOST = 8
# A single connection is bound to one core at each end: to a peer that keeps one busy there are
# several, as long as there are few peers.
CONNECTIONS = 4
# A peer that has not answered for this long holds no place, so that a list of dead addresses does
# not end a download. Together with such peers, so many may be called.
UNANSWERED_S = 1.0
MAX_CALLED = 64
FORGOTTEN_S = 60.0  # after the tracker named a peer the last time
AGAIN_S = 1.0  # doubling to
AGAIN_MAX_S = 5.0  # so that a network that returns after a long time is noticed soon
ANEW_S = 3.0  # after this computer's addresses changed: what ends is connected to again at once
# Connections begun in a second, twice that in a burst: all addresses come from strangers.
DIALS_PER_HOST = 8.0
DIALS = 16.0
_JITTER = 0.25


@dataclass(slots=True)
class _Peer:
    named: float  # when it was heard of last
    connections: int = 0  # open or being opened
    not_before: float = 0.0
    failures: int = 0
    called_at: float = 0.0
    is_open: bool = False  # it has answered
    was_called: bool = False  # ever
    is_us: bool = False


class PeerBook:
    """Peers by the address at which they listen."""

    def __init__(self, rng: random.Random) -> None:
        self._peers: dict[Address, _Peer] = {}
        self._rng = rng
        self._began = 0.0  # when there was no connection
        self._changed = float("-inf")  # when this computer's addresses did
        self._dials = RateLimit(per_host=DIALS_PER_HOST, whole=DIALS)

    def heard_of(self, addresses: Iterable[Address], *, now: float) -> bool:
        """These take part, too; True when one of them was not known."""
        is_news = False
        for address in addresses:
            peer = self._peers.get(address)
            if peer is not None:
                peer.named = now
            elif self._has_room_for(address.host):
                self._peers[address] = _Peer(now)
                is_news = True
        self._peers = {
            address: peer
            for address, peer in self._peers.items()
            if peer.connections or now - peer.named < FORGOTTEN_S
        }
        return is_news

    def to_dial(
        self,
        *,
        now: float,
        fast: Collection[Address] = (),
        stalled: Collection[Address] = (),
    ) -> list[Address]:
        """Whom to connect to now, some of them several times; each counts as connected to from
        here on.

        `fast`: peers that keep a connection as busy as it can be. `stalled`: those that get a
        second connection, because they stand still in the middle of a chunk.
        """
        called = sum(1 for peer in self._peers.values() if peer.connections)
        connected = self._connected(now)
        each = max(1, CONNECTIONS // max(1, connected))
        if not called:
            self._began = now
        most = min(MAX_PEERS, AT_ONCE + int((now - self._began) / NEXT_S))
        chosen = list[Address]()
        if connected >= most and not (fast or stalled):  # as nearly always
            return chosen
        candidates = list(self._peers.items())
        others = candidates[FIRST:]
        self._rng.shuffle(others)
        # Peers that brought nothing the last time come last.
        order = sorted((*candidates[:FIRST], *others), key=lambda one: one[1].failures)
        for address, peer in order:
            if peer.is_us or peer.not_before > now:
                continue
            if not peer.connections and (connected >= most or called >= MAX_CALLED):
                continue
            wished = each if address in fast else 2 if address in stalled else 1
            for _ in range(wished - peer.connections):
                if not self._dials.allows(_host_of(address), now=now):
                    break
                if not peer.connections:
                    connected, called = connected + 1, called + 1
                    peer.called_at, peer.was_called = now, True
                peer.connections += 1
                chosen.append(address)
        return chosen

    def network_changed(self, *, now: float) -> None:
        """This computer has other addresses: forget pauses and failures."""
        self._changed = now
        for peer in self._peers.values():
            peer.not_before, peer.failures = 0.0, 0

    def waiting(self, *, now: float) -> tuple[int, bool]:
        """While all places are taken: how many peers wait for one, and whether one of them was
        never tried. Else none.
        """
        if self._connected(now) < MAX_PEERS:
            return 0, False
        waiting = [
            peer
            for peer in self._peers.values()
            if not (peer.connections or peer.is_us or peer.not_before > now)
        ]
        return len(waiting), any(not peer.was_called for peer in waiting)

    def opened(self, address: Address) -> None:
        """It has answered."""
        peer = self._peers.get(address)
        if peer is not None:
            peer.is_open = True

    def closed(self, address: Address, *, was_good: bool, now: float) -> None:
        """A connection to it ended, or could not be made."""
        peer = self._peers.get(address)
        if peer is None:
            return
        peer.connections -= 1
        peer.is_open = peer.is_open and peer.connections > 0
        peer.failures = 0 if was_good else peer.failures + 1
        if was_good and now - self._changed < ANEW_S:
            return
        doublings = max(0, min(peer.failures, 9) - 1)
        pause: float = min(AGAIN_MAX_S, AGAIN_S * 2.0**doublings)
        peer.not_before = now + pause * (1 + self._rng.uniform(-_JITTER, _JITTER))

    def is_us(self, address: Address) -> None:
        """This program itself listens there."""
        peer = self._peers.get(address)
        if peer is not None:
            peer.is_us = True

    @property
    def others(self) -> int:
        """How many peers are known besides this program."""
        return sum(1 for peer in self._peers.values() if not peer.is_us)

    def _connected(self, now: float) -> int:
        """How many hold a place. Those that do not answer lose it after a while."""
        return sum(
            1
            for peer in self._peers.values()
            if peer.connections and (peer.is_open or now - peer.called_at < UNANSWERED_S)
        )

    def _has_room_for(self, host: str) -> bool:
        of_host = sum(1 for known in self._peers if known.host == host)
        return len(self._peers) < MAX_KNOWN and (of_host < MAX_PER_HOST or is_loopback(host))


def _host_of(address: Address) -> str:
    """The host that it is counted for; programs of this machine count one by one."""
    return str(address) if is_loopback(address.host) else address.host
