"""Which chunks of one content are here, and which are on their way over which connection.

A chunk is missing, on its way, or had. It is on its way over one connection, or at the end over
two, if the first is too slow. Pure state: the caller passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from roles.swarm.bad_peers import BadPeers, Sender
from roles.swarm.peer import Peer
from roles.values.bitmaps import indexes
from roles.values.content import Content

MAX_COMING = 4  # over one connection: one arrives, one is next, some were just broken off
UNPROVEN_COMING = 2  # over a connection that has brought no whole chunk yet
SLOW_FACTOR = 2.0  # a second peer is asked for a chunk if it needs less than half the time
UNKNOWN_RATE_S = 1.0  # a chunk that takes this long may be asked of a peer with an unknown rate
# If no byte of a chunk came for this long, any other peer may be asked for it. The same if it has
# taken longer than this and SLOW_FACTOR times what that peer needs, however much of it is here.
STALLED_S = 3.0
UNKNOWN_TIMES = 4.0  # times STALLED_S, before a third peer with an unknown rate is asked
HOPELESS_S = 30.0  # a chunk that takes longer is asked twice even while other files are wanted
# Bytes in a row that a peer may spoil if nobody can replace it. A line that flips one bit in 100 KB
# spoils 93 of 100 chunks of 256 KiB, and half of those of 64 KiB.
MAX_WASTE = 32 * 1024 * 1024
LEAST_TRIES = 32
FEW_TRIES = 16  # for a content of up to SMALL bytes
SMALL = 64 * 1024


@dataclass(slots=True)
class _OnItsWay:
    sender: Sender
    since: float
    moved: float  # when the last byte came
    received: int = 0  # bytes


class ChunkPlan:
    """Connections are numbers. The caller holds the swarm's lock."""

    def __init__(self, content: Content, had: int = 0) -> None:
        """`had`: bitmap of the chunks that are on the disk already."""
        self.content = content
        self.all_chunks = content.all_chunks
        self.had = had
        self._on_their_way: dict[int, dict[int, _OnItsWay]] = {}  # by chunk and connection
        self.coming = 0  # bitmap of the chunks that are on their way
        self._beaten = set[int]()  # connections whose last chunk was late and came over another
        tries = max(LEAST_TRIES, MAX_WASTE // content.chunk_size)
        self.bad_peers = BadPeers(tries if content.size > SMALL else FEW_TRIES)

    @property
    def is_done(self) -> bool:
        return self.had == self.all_chunks

    @property
    def wanted(self) -> int:
        """The chunks that are neither had nor on their way."""
        return self.all_chunks & ~self.had & ~self.coming

    @property
    def coming_bytes(self) -> int:
        """Bytes of chunks that are on their way."""
        return sum(
            max(chunk.received for chunk in coming.values())
            for coming in self._on_their_way.values()
        )

    @property
    def senders(self) -> int:
        """Peers that are sending chunks of it, however many connections they have."""
        return len(
            {chunk.sender for coming in self._on_their_way.values() for chunk in coming.values()}
        )

    def wanted_from(self, peer: Peer, *, now: float, is_alone: bool) -> int:
        """The wanted chunks that this peer may send. `is_alone`: nobody else can."""
        bad, sender = self.bad_peers, peer.sender
        if not bad.any_wrong:  # as nearly always
            return self.wanted
        if is_alone:
            may_try = bad.may_try(sender, now=now) and not self._is_probed(sender)
            return self.wanted if may_try else 0
        return 0 if bad.is_suspect(sender) else self.wanted & ~bad.bad_chunks(sender, now=now)

    def take(
        self, peer: Peer, index: int, *, now: float, is_end: bool, is_alone: bool = False
    ) -> bool:
        """Whether to accept a peer's offer; if so, the chunk is on its way.

        `is_end`: no chunk of any content is wanted. `is_alone`: nobody else can send what is left.
        """
        if not (self.all_chunks & ~self.had) >> index & 1:
            return False
        if len(self.coming_over(peer.number)) >= (
            MAX_COMING if peer.chunk_rate else UNPROVEN_COMING
        ):
            return False
        coming = self._on_their_way.get(index)
        if coming is None:
            may_send = self.wanted_from(peer, now=now, is_alone=is_alone) >> index & 1
        else:
            may_send = (
                peer.number not in coming
                and not self.wanted
                and not self._is_bad(peer, index, now)
                and self._is_late(index, peer, self._is_behind(peer, now), now, is_end=is_end)
            )
        if not may_send:
            return False
        self._on_their_way.setdefault(index, {})[peer.number] = _OnItsWay(peer.sender, now, now)
        self.coming |= 1 << index
        return True

    def is_coming(self, connection: int, index: int) -> bool:
        return connection in self._on_their_way.get(index, ())

    def since(self, connection: int, index: int) -> float | None:
        """When this chunk was accepted over this connection; None if it is not on its way."""
        chunk = self._on_their_way.get(index, {}).get(connection)
        return None if chunk is None else chunk.since

    def coming_over(self, connection: int) -> dict[int, float]:
        """The chunks on their way over this connection, and when each was accepted."""
        return {
            index: coming[connection].since
            for index, coming in self._on_their_way.items()
            if connection in coming
        }

    def received(self, connection: int, index: int, count: int, *, now: float) -> None:
        coming = self._on_their_way.get(index, {}).get(connection)
        if coming is not None:
            coming.received += count
            coming.moved = now

    def verified(self, connection: int, index: int, *, now: float) -> tuple[int, ...]:
        """A chunk is on the disk. Returns the other connections that it is on its way over."""
        self.had |= 1 << index
        others = self._on_their_way.pop(index, {})
        self.coming &= ~(1 << index)
        self._beaten.update(other for other in others if now - others[other].since >= STALLED_S)
        self._beaten.discard(connection)
        return tuple(other for other in others if other != connection)

    def released(self, connection: int, index: int) -> bool:
        """A chunk does not come over this connection after all. True if it is wanted again."""
        coming = self._on_their_way.get(index)
        if coming is None or coming.pop(connection, None) is None:
            return False
        if coming:
            return False
        del self._on_their_way[index]
        self.coming &= ~(1 << index)
        return True

    def all_released(self, connection: int) -> bool:
        """The connection ended. True if chunks are wanted again."""
        freed = [self.released(connection, index) for index in self.coming_over(connection)]
        self._beaten.discard(connection)
        return any(freed)

    def nothing_comes(self) -> None:
        self._on_their_way.clear()
        self._beaten.clear()
        self.coming = 0

    def can_send(self, peer: Peer, *, now: float) -> bool:
        """Whether this peer may be asked for everything that is wanted, even if others can too."""
        return self.wanted_from(peer, now=now, is_alone=False) == self.wanted

    def worth_asking_twice(self, peer: Peer, *, now: float, is_end: bool) -> int:
        """Once nothing else of this content is wanted, the chunks that this peer would bring much
        sooner; before `is_end`, only those that hardly move.
        """
        if self.wanted:
            return 0
        is_behind = self._is_behind(peer, now)
        return sum(
            1 << index
            for index in indexes(self.coming)
            if not self._is_bad(peer, index, now)
            and self._is_late(index, peer, is_behind, now, is_end=is_end)
        )

    def _is_behind(self, peer: Peer, now: float) -> bool:
        """Whether a chunk over this connection is late, or was so late that another brought it: it
        would not help with the late chunks of others.
        """
        return peer.number in self._beaten or any(
            now - since >= STALLED_S for since in self.coming_over(peer.number).values()
        )

    def _is_bad(self, peer: Peer, index: int, now: float) -> bool:
        """Whether this peer is not asked for a chunk that others are sending."""
        bad = self.bad_peers
        if not bad.any_wrong:
            return False
        sender = peer.sender
        return bad.is_suspect(sender) or bool(bad.bad_chunks(sender, now=now) >> index & 1)

    def _is_probed(self, sender: Sender) -> bool:
        """Whether this peer looks like a liar and is sending a chunk: it gets one at a time."""
        is_suspect = self.bad_peers.is_suspect(sender) and self.bad_peers.was_wrong(sender)
        return is_suspect and any(
            chunk.sender == sender
            for coming in self._on_their_way.values()
            for chunk in coming.values()
        )

    def _is_late(
        self, index: int, peer: Peer, is_behind: bool, now: float, *, is_end: bool
    ) -> bool:
        """Whether to ask this peer too for a chunk that is on its way."""
        coming, rate = self._on_their_way[index].values(), peer.chunk_rate
        if all(now - chunk.moved >= STALLED_S * (2 if is_behind else 1) for chunk in coming):
            return True
        comes_over_another = any(chunk.sender == peer.sender for chunk in coming)
        if is_behind or comes_over_another:  # of its connections
            return False
        length = self.content.length(index)
        left_s = min(_left_s(chunk, length, now) for chunk in coming)
        elapsed = min(now - chunk.since for chunk in coming)
        patience_s = STALLED_S
        if rate:
            patience_s = max(STALLED_S, SLOW_FACTOR * length / rate)
        elif len(coming) > 1:
            patience_s = UNKNOWN_TIMES * STALLED_S
        if not is_end:
            return left_s > HOPELESS_S or elapsed > max(HOPELESS_S, patience_s)
        if elapsed > patience_s:
            return True
        if len(coming) > 1:
            return left_s > HOPELESS_S
        if not rate:
            return elapsed > UNKNOWN_RATE_S and left_s > UNKNOWN_RATE_S
        return left_s > SLOW_FACTOR * length / rate


def _left_s(chunk: _OnItsWay, length: int, now: float) -> float:
    """Seconds until the rest of a chunk is here, at its average rate so far."""
    elapsed = max(now - chunk.since, 1e-3)
    pace = chunk.received / elapsed
    return (length - chunk.received) / pace if pace else max(elapsed, STALLED_S)
