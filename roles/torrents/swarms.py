"""Who takes part in which torrent, as the tracker knows it. Pure state.

`now` is in seconds of a monotonic clock everywhere.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from roles.torrents.bep15_wire import Announce, Counts, Event
from roles.values.addresses import Address, service_at
from roles.values.list_lines import is_info_hash

INTERVAL_S = 120  # between two announces of a program
FORGOTTEN_S = 700.0  # libtorrent announces every 300 s, whatever it is told
KEPT_S = 12 * 3_600.0  # a torrent outlives its share: peers that have it give it to others
MAX_SWARMS = 256
MAX_PEERS = 2_000  # of one swarm
MAX_PER_HOST = 16  # of those, for several users behind one address
MAX_TOLD = 80  # peers: an answer of 500 bytes


@dataclass(slots=True)
class _Peer:
    is_seed: bool
    heard: float


@dataclass(slots=True)
class _Swarm:
    host: str  # of the seeder that offers the torrent; "" on the tracker's machine
    left: float | None = None  # since when no share has it
    peers: OrderedDict[Address, _Peer] = field(default_factory=OrderedDict)  # longest silence first
    hosts: Counter[str] = field(default_factory=Counter)  # how many of the peers each has
    seeds: int = 0  # of the peers; counted here, because one datagram may ask for it 74 times

    def hear(self, address: Address, *, is_seed: bool, now: float) -> None:
        """In a full swarm, a newcomer is told of others, but they are not told of it."""
        known = self.peers.get(address)
        if known is None:
            if self.hosts[address.host] >= MAX_PER_HOST:
                self.forget(next(peer for peer in self.peers if peer.host == address.host))
            elif len(self.peers) >= MAX_PEERS:
                return
            self.hosts[address.host] += 1
        self.seeds += is_seed - (known is not None and known.is_seed)
        self.peers[address] = _Peer(is_seed, now)
        self.peers.move_to_end(address)

    def forget(self, address: Address) -> None:
        peer = self.peers.pop(address, None)
        if peer is not None:
            self.seeds -= peer.is_seed
            self.hosts[address.host] -= 1
            if not self.hosts[address.host]:
                del self.hosts[address.host]

    def expire(self, now: float) -> None:
        while self.peers:
            address, peer = next(iter(self.peers.items()))
            if now - peer.heard < FORGOTTEN_S:
                return
            self.forget(address)


class Swarms:
    """Tracks the torrents that the room offers, or offered lately, and no others."""

    def __init__(self, chance: Random) -> None:
        self.changes_saved = 0  # of what saved() yields
        self._chance = chance
        self._swarms: dict[bytes, _Swarm] = {}  # by info hash

    def offer(self, offered: Mapping[bytes, str], *, now: float) -> None:
        """All that the room offers now: info hashes, each with the host of one of its seeders."""
        before = set(self._swarms)
        for info_hash, host in offered.items():
            swarm = self._swarms.setdefault(info_hash, _Swarm(host))
            swarm.host, swarm.left = host, None
        for info_hash in before - offered.keys():
            swarm = self._swarms[info_hash]
            if swarm.left is None:
                swarm.left = now
        self._make_room()
        self.changes_saved += self._swarms.keys() != before

    def announce(self, announce: Announce, host: str, *, now: float) -> list[Address] | None:
        """Some others of its swarm, chosen at random; None if the torrent is not tracked.

        `host` is where the announce came from. Seeds are not told of each other.
        """
        swarm = self._swarms.get(announce.info_hash)
        if swarm is None:
            return None
        address = Address(host, announce.port)
        if announce.event is Event.STOPPED:
            swarm.forget(address)
            return []
        if not service_at(announce.port):  # send no peer to another service
            swarm.hear(address, is_seed=announce.is_seed, now=now)
        if announce.is_seed:
            others = [other for other, peer in swarm.peers.items() if not peer.is_seed]
        else:
            others = list(swarm.peers)
        most = MAX_TOLD if announce.wanted < 0 else min(announce.wanted, MAX_TOLD)
        chosen = self._chance.sample(others, min(most + 1, len(others)))
        return [other for other in chosen if other != address][:most]

    def counts(self, info_hash: bytes) -> Counts:
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            return Counts(0, 0)
        return Counts(swarm.seeds, len(swarm.peers) - swarm.seeds)

    def expire(self, *, now: float) -> None:
        for info_hash, swarm in list(self._swarms.items()):
            swarm.expire(now)
            if swarm.left is not None and now - swarm.left >= KEPT_S:
                del self._swarms[info_hash]
                self.changes_saved += 1

    # The state file

    def saved(self) -> Iterator[dict[str, object]]:
        """The torrents. Their peers announce again by themselves."""
        for info_hash, swarm in list(self._swarms.items()):
            yield {"torrent": info_hash.hex(), "host": swarm.host}

    def restore(self, saved: Iterable[object], *, now: float) -> None:
        """Restore what saved() returned in an earlier run; skips what it cannot read.

        Until a seeder offers them again, these count as left just now.
        """
        for item in saved:
            match item:
                case {"torrent": str(digits), "host": str(host)} if is_info_hash(digits):
                    self._swarms[bytes.fromhex(digits)] = _Swarm(host, left=now)
                case _:
                    pass
        self._make_room()

    def _make_room(self) -> None:
        """Keep MAX_SWARMS, as many of each host as of the others: first those that are offered,
        then those with peers, then the oldest.
        """
        if len(self._swarms) <= MAX_SWARMS:
            return
        by_worth = sorted(
            self._swarms.items(), key=lambda item: (item[1].left is not None, not item[1].peers)
        )
        of_host, rank = Counter[str](), dict[bytes, int]()
        for info_hash, swarm in by_worth:
            rank[info_hash] = of_host[swarm.host]
            of_host[swarm.host] += 1
        kept = sorted(rank, key=rank.__getitem__)[:MAX_SWARMS]
        self._swarms = {info_hash: self._swarms[info_hash] for info_hash in kept}
