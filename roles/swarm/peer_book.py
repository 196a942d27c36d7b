"""The peers that a program knows: which to connect to now, and which connections to end.

Pure state: the caller passes the time, and holds the swarm's lock around each call.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from roles.net.eviction import Occupant, evicted
from roles.net.rate_limit import RateLimit
from roles.swarm.peer import Peer
from roles.values.addresses import Address, is_loopback

# Connected at once, with a thread each at both ends. In a larger room everyone downloads from this
# many random peers, and chunks still reach all within a hop or two. With 16, rooms of 16 and 32 are
# as fast, for a tenth more work; with 9, connections are idle.
MAX_PEERS = 13
# The first ones begin at once, the others one by one. A whole room begins at the same time: if all
# used the first peers that they heard of, nobody would use the last ones, and greetings would take
# processor time from the first chunks (docs/PERFORMANCE.md).
AT_ONCE = 4
NEXT_S = 0.1
FIRST = 4  # the first known peers, seeders as a rule, are always among those to connect to
MAX_KNOWN = 512
# Of one host, as many as a tracker registers, so that it cannot fill the book with ports; this
# machine is exempt.
MAX_PER_HOST = 8
# One connection uses one core at each end. While there are few peers, one that keeps a connection
# busy gets several.
CONNECTIONS = 4
# A peer that has not answered for this long no longer counts as connected, so that a list of dead
# addresses does not end a download. The second limit includes such peers.
UNANSWERED_S = 1.0
MAX_CALLED = 64
FORGOTTEN_S = 60.0  # after the tracker last named a peer
AGAIN_S = 1.0  # after a failure, doubling up to
AGAIN_MAX_S = 5.0  # short enough to notice soon that a network is back
ANEW_S = 3.0  # after this computer's addresses changed, connections that end are made anew at once
# Connections begun per second, twice that in a burst: all addresses come from strangers.
DIALS_PER_HOST = 8.0
DIALS = 16.0
JITTER = 0.25
MAX_CALLERS = 64  # peers that connected to us, because others cannot reach them
MAX_CALLERS_PER_HOST = 4
FAST = 100e6  # bytes per second: a thread that receives, hashes and writes reaches a few times that
# A peer that has sent nothing useful for this long makes room for one that waits.
USELESS_S = 15.0
HURRY_S = 3.0  # the same while nobody sends anything and a waiting peer was never tried
QUEUED_TIMES = 4.0  # a peer in whose queue we wait has this many times as long
# A peer that has sent no byte of what it promised for this long gets a second connection: after an
# interruption of the network a new connection works long before the old one.
REDIAL_S = 4.0
MOVED_S = 1.0  # the same for a peer that is connected from another address too: its old ones end


@dataclass(slots=True)
class _KnownPeer:
    named: float  # when it was last heard of
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
        self._peers: dict[Address, _KnownPeer] = {}
        self._rng = rng
        self._began = 0.0  # when there was last no connection
        self._changed = float("-inf")  # when this computer's addresses last changed
        self._dials = RateLimit(per_host=DIALS_PER_HOST, whole=DIALS)

    def heard_of(self, addresses: Iterable[Address], *, now: float) -> bool:
        """Add peers; True when one of them is new."""
        is_news = False
        for address in addresses:
            peer = self._peers.get(address)
            if peer is not None:
                peer.named = now
            elif self._has_room_for(address.host):
                self._peers[address] = _KnownPeer(now)
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
        """The peers to connect to now, some of them several times. They count as connected from
        here on; the caller reports opened() and closed().

        `fast`: peers that may have several connections. `stalled`: peers that get a second one,
        because theirs stand still in the middle of a chunk.
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
        # Peers that were of no use come last.
        order = sorted((*candidates[:FIRST], *others), key=lambda item: item[1].failures)
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
        """This computer's addresses changed: forget pauses and failures."""
        self._changed = now
        for peer in self._peers.values():
            peer.not_before, peer.failures = 0.0, 0

    def to_leave(self, peers: Collection[Peer], *, moved_at: float, now: float) -> list[Peer]:
        """Connections to end: of programs that have moved, and useless ones while others wait.

        `moved_at`: when a byte of a chunk last came from any of these.
        """
        leaving = left_behind(peers, now=now)
        if self._connected(now) >= MAX_PEERS:
            waiting = [
                peer
                for peer in self._peers.values()
                if not (peer.connections or peer.is_us or peer.not_before > now)
            ]
            is_hurry = now - moved_at > HURRY_S and any(not peer.was_called for peer in waiting)
            patience_s = HURRY_S if is_hurry else USELESS_S
            leaving += _useless(peers, now=now, patience_s=patience_s)[: len(waiting)]
        return leaving

    def opened(self, address: Address) -> None:
        """The peer has answered."""
        peer = self._peers.get(address)
        if peer is not None:
            peer.is_open = True

    def closed(self, address: Address, *, was_good: bool, now: float) -> None:
        """A connection ended, or could not be made. `was_good`: the peer sent chunks."""
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
        peer.not_before = now + pause * (1 + self._rng.uniform(-JITTER, JITTER))

    def is_us(self, address: Address) -> None:
        """This program itself listens there."""
        peer = self._peers.get(address)
        if peer is not None:
            peer.is_us = True

    @property
    def others(self) -> int:
        """The number of known peers, without this program."""
        return sum(1 for peer in self._peers.values() if not peer.is_us)

    def _connected(self, now: float) -> int:
        """The number of connected peers, without those that have not answered in time."""
        return sum(
            1
            for peer in self._peers.values()
            if peer.connections and (peer.is_open or now - peer.called_at < UNANSWERED_S)
        )

    def _has_room_for(self, host: str) -> bool:
        of_host = sum(1 for known in self._peers if known.host == host)
        return len(self._peers) < MAX_KNOWN and (of_host < MAX_PER_HOST or is_loopback(host))


def fast(peers: Collection[Peer]) -> frozenset[Address]:
    """Peers that keep a thread busy over one connection, or nearly."""
    return frozenset(peer.address for peer in peers if peer.chunk_rate > FAST)


def stalled(peers: Collection[Peer], *, now: float) -> frozenset[Address]:
    """The peers whose connections all stand still: to be connected to once more."""
    moving = {peer.address for peer in peers if not peer.is_stalled(now=now, for_s=REDIAL_S)}
    return frozenset(peer.address for peer in peers) - moving


def _useless(peers: Collection[Peer], *, now: float, patience_s: float) -> list[Peer]:
    """Peers to leave if others wait, the most useless first. Callers are not among them."""
    useless = [
        peer
        for peer in peers
        if not peer.is_caller
        and now - peer.useful_at > patience_s * (QUEUED_TIMES if peer.position else 1.0)
    ]
    return sorted(useless, key=lambda peer: (bool(peer.position), peer.useful_at))


def left_behind(peers: Collection[Peer], *, now: float) -> list[Peer]:
    """Connections to end because their program has moved: it is connected from another host too,
    and at this address something stands still and nothing moves.

    Anybody may claim another's id, so the claim alone ends nothing.
    """
    hosts = dict[str, set[str]]()
    for peer in peers:
        hosts.setdefault(peer.id, set()).add(peer.address.host)
    moved = [peer for peer in peers if len(hosts[peer.id]) > 1]
    gone, moving = set[tuple[str, Address]](), set[tuple[str, Address]]()
    for peer in moved:
        if peer.taking is not None or peer.singles:
            is_still = peer.is_stalled(now=now, for_s=MOVED_S)
            (gone if is_still else moving).add((peer.id, peer.address))
    return [peer for peer in moved if (peer.id, peer.address) in gone - moving]


def room_for_caller(peers: Collection[Peer], host: str, *, now: float) -> list[Peer] | None:
    """The peers to leave so that a seeder from this host, which connects because others cannot
    reach it, may come; None if it may not.
    """
    return evicted(
        [
            Occupant(peer, peer.address.host, now - peer.useful_at, peer.meter.total > 0)
            for peer in peers
            if peer.is_caller and not peer.is_leaving
        ],
        host,
        most=MAX_CALLERS,
        most_of_host=MAX_CALLERS if is_loopback(host) else MAX_CALLERS_PER_HOST,
    )


def _host_of(address: Address) -> str:
    """The key for DIALS_PER_HOST; on this machine each program counts by itself."""
    return str(address) if is_loopback(address.host) else address.host
