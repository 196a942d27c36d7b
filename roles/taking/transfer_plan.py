"""Which chunks of one content are here, and which are on their way from whom.

Pure state: the caller brings the clock. A chunk is missing, on its way over one connection (two for
a moment at the end, when the first one is too slow), or had.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from roles.taking.bad_peers import BadPeers, Sender
from roles.values.content import Content, indexes

MAX_COMING = 4  # over one connection: one arrives, one is taken ahead, some were just broken off
SLOW_FACTOR = 2.0  # a chunk is asked of a second peer when that one needs less than half the time
UNKNOWN_RATE_S = 1.0  # a chunk that takes this long may be asked of a peer whose rate is unknown
STALLED_S = 3.0  # without a byte for this long a connection's chunk is asked of anybody
HOPELESS_S = 30.0  # a chunk that takes all who bring it longer than this may come from one more


@dataclass(slots=True)
class _OnItsWay:
    sender: Sender
    since: float
    moved: float  # when the last byte came
    received: int = 0  # bytes


class TransferPlan:
    """Owned by a transfer, which holds its lock around each call. Connections are numbers."""

    def __init__(self, content: Content, had: int = 0) -> None:
        """`had`: the chunks that are on this disk already."""
        self.content = content
        self.had = had
        self._coming: dict[int, dict[int, _OnItsWay]] = {}  # chunk, connection
        self._coming_chunks = 0
        self._carried = Counter[int]()  # chunks on their way, by connection
        self._bad = BadPeers()

    @property
    def is_done(self) -> bool:
        """Whether every chunk is had."""
        return self.had == self.content.all_chunks

    @property
    def wanted(self) -> int:
        """The chunks that are neither had nor on their way."""
        return self.content.all_chunks & ~self.had & ~self._coming_chunks

    @property
    def is_moving(self) -> bool:
        """Whether a chunk is on its way."""
        return bool(self._coming_chunks)

    def wanted_from(self, sender: Sender) -> int:
        """Those of the wanted chunks that this peer may send."""
        return 0 if self._bad.has(sender) else self.wanted & ~self._bad.chunks(sender)

    def take(
        self,
        connection: int,
        sender: Sender,
        index: int,
        *,
        rate: float,
        now: float,
        is_end: bool,
    ) -> bool:
        """Whether a peer's offer is accepted; the chunk is on its way then.

        `rate` of that connection in bytes per second, 0.0 when it is not known. `is_end`: whether
        nothing is wanted of any content.
        """
        if index >= self.content.count or self.had >> index & 1:
            return False
        if self._bad.has(sender) or self._bad.chunks(sender) >> index & 1:
            return False
        if self._carried[connection] >= MAX_COMING:
            return False
        coming = self._coming.get(index)
        if coming is not None and (
            connection in coming
            or self.wanted
            or not self._is_late(index, rate, now, is_end=is_end)
        ):
            return False
        self._coming.setdefault(index, {})[connection] = _OnItsWay(sender, now, now)
        self._carried[connection] += 1
        self._coming_chunks |= 1 << index
        return True

    def is_coming(self, connection: int, index: int) -> bool:
        """Whether this chunk is expected over this connection."""
        return connection in self._coming.get(index, ())

    def began(self, connection: int, index: int) -> float | None:
        """When this chunk was taken over this connection."""
        coming = self._coming.get(index, {}).get(connection)
        return None if coming is None else coming.since

    def received(self, connection: int, index: int, count: int, *, now: float) -> None:
        """More bytes of a chunk on its way."""
        coming = self._coming.get(index, {}).get(connection)
        if coming is not None:
            coming.received += count
            coming.moved = now

    def verified(self, connection: int, index: int) -> tuple[int, ...]:
        """A chunk is here. Returns the other connections that still bring it."""
        self.had |= 1 << index
        others = self._coming.pop(index, {})
        if connection in others:
            self._bad.prove(others[connection].sender)
        self._coming_chunks &= ~(1 << index)
        self._carried.subtract(others.keys())
        return tuple(other for other in others if other != connection)

    def released(self, connection: int, index: int) -> bool:
        """It does not come over this connection; True when it is wanted again."""
        coming = self._coming.get(index)
        if coming is None or coming.pop(connection, None) is None:
            return False
        self._carried[connection] -= 1
        if coming:
            return False
        del self._coming[index]
        self._coming_chunks &= ~(1 << index)
        return True

    def all_released(self, connection: int) -> bool:
        """The connection ended; True when chunks are wanted again."""
        carried = [index for index, coming in self._coming.items() if connection in coming]
        freed = [self.released(connection, index) for index in carried]
        self._carried.pop(connection, None)
        return any(freed)

    def nothing_comes(self) -> None:
        """Nobody is asked for anything any more."""
        self._coming.clear()
        self._carried.clear()
        self._coming_chunks = 0

    def bad(self, sender: Sender, index: int) -> bool:
        """A chunk of this peer failed its check; True when it is not asked for any again."""
        self._bad.note(sender, index)
        return self.is_dropped(sender)

    def drop(self, sender: Sender) -> None:
        """Ask this peer for nothing again."""
        self._bad.drop(sender)

    @property
    def is_lied_about(self) -> bool:
        """Whether a peer was dropped."""
        return bool(self._bad)

    def is_dropped(self, sender: Sender) -> bool:
        """Whether this peer, or others of its host, sent too many bad chunks."""
        return self._bad.has(sender)

    def worth_asking_twice(self, rate: float, *, now: float, is_end: bool) -> int:
        """When nothing else of this content is wanted: the chunks that another connection with this
        rate would bring much sooner; those that hardly move, while other contents are wanted.
        """
        if self.wanted:
            return 0
        late = 0
        for index in indexes(self._coming_chunks):
            if self._is_late(index, rate, now, is_end=is_end):
                late |= 1 << index
        return late

    def _is_late(self, index: int, rate: float, now: float, *, is_end: bool) -> bool:
        coming = self._coming[index].values()
        if all(now - one.moved >= STALLED_S for one in coming):
            return True
        length = self.content.length(index)
        left_s = min(_left_s(one, length, now) for one in coming)
        if len(coming) > 1 or not is_end:
            return left_s > HOPELESS_S
        if not rate:
            elapsed = min(now - one.since for one in coming)
            return elapsed > UNKNOWN_RATE_S and left_s > UNKNOWN_RATE_S
        return left_s > SLOW_FACTOR * length / rate


def _left_s(one: _OnItsWay, length: int, now: float) -> float:
    """Seconds until the rest of a chunk is here, by its pace so far."""
    elapsed = max(now - one.since, 1e-3)
    pace = one.received / elapsed
    return (length - one.received) / pace if pace else max(elapsed, STALLED_S)
