"""Which peers sent damaged chunks of one content, and whether to ask them again. Pure state.

A damaged chunk may be a lie, or the fault of a line or memory that flips bits. So a peer that looks
like a liar is not asked while others could send the chunk. If nobody else can, it is still asked,
until it was wrong more often in a row than any line explains.

A peer is known by its id and by where it listens, because others know its id. Its host is counted
too: otherwise a liar would come back with another id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

Sender: TypeAlias = tuple[str, str]  # a peer's id and port, and its host, "" for this machine

KeyT = TypeVar("KeyT")

MAX_BAD_CHUNKS = 2  # of one content from one peer: the first may be an accident
GOOD_FOR_BAD = 8  # right chunks that make up for a bad one
# Bad chunks from one host, under any ids. More than for one peer: several people may use one
# machine, or look like one from outside.
MAX_BAD_OF_HOST = 8
MAX_REMEMBERED = 512  # peers, and hosts; beyond that the oldest is forgotten
# After this many bad chunks in a row from a peer that nobody can replace, each next one waits.
TRIES_AT_ONCE = 32
PAUSE_S = 0.25
OTHERS_FIRST_S = 2.0  # for this long only others, if any, are asked for a chunk that came wrong
WRONG_DIGESTS = 8  # wrong lists of digests in a row after which a peer is given up
SLOW_S = 5.0  # without a right chunk, before suspects are asked again


@dataclass(slots=True)
class ChunkRecord:
    """How many right and damaged chunks somebody has sent."""

    bad: int = 0
    good: int = 0
    in_a_row: int = 0  # bad ones since the last good one

    def sent_good(self, count: int = 1) -> None:
        self.good, self.in_a_row = self.good + count, 0

    def sent_bad(self, count: int = 1, in_a_row: int = 1) -> None:
        self.bad, self.in_a_row = self.bad + count, self.in_a_row + in_a_row

    @property
    def is_suspect(self) -> bool:
        """Whether we prefer anybody else."""
        return self.bad >= MAX_BAD_CHUNKS and self.good < GOOD_FOR_BAD * self.bad


@dataclass(slots=True)
class _SenderRecord(ChunkRecord):
    """The chunks of this content from a peer, or from all peers of a host."""

    chunks: dict[int, float] = field(default_factory=dict)  # when each bad one came
    not_before: float = 0.0


class BadPeers:
    """Counts as False until somebody has sent something wrong."""

    def __init__(self, tries: int) -> None:
        """`tries`: bad chunks in a row until a peer is given up; half as many if none was right."""
        self._tries = tries
        self.any_wrong = False  # whether anything has come wrong yet
        self._right_at = 0.0  # when the last right chunk came; before that, the first wrong answer
        self._peers: dict[Sender, _SenderRecord] = {}
        self._hosts: dict[str, _SenderRecord] = {}

    def sent_bad(self, sender: Sender, index: int, *, now: float) -> None:
        self._of(self._peers, sender).chunks[index] = now
        self._count(sender, bad=1, in_a_row=1, now=now)

    def sent_wrong_digests(self, sender: Sender, *, now: float) -> None:
        in_a_row = -(-self._tries // WRONG_DIGESTS)
        self._count(sender, bad=MAX_BAD_CHUNKS, in_a_row=in_a_row, now=now)

    def sent_good(self, sender: Sender, *, now: float) -> None:
        self._right_at = now
        records = [self._of(self._peers, sender)]
        if sender[1] in self._hosts:
            records.append(self._hosts[sender[1]])
        for record in records:
            record.sent_good()
            record.not_before = 0.0

    def is_suspect(self, sender: Sender) -> bool:
        """Whether this peer is not asked while others could send the chunks."""
        record = self._peers.get(sender)
        if record is not None and record.bad >= MAX_BAD_CHUNKS:
            return record.is_suspect
        return any(record.bad >= MAX_BAD_OF_HOST for record in self._records(sender)[1:])

    def may_try(self, sender: Sender, *, now: float) -> bool:
        """Whether to ask it now if nobody else can send the chunks."""
        return not self.is_hopeless(sender) and all(
            now >= record.not_before for record in self._records(sender)
        )

    def was_wrong(self, sender: Sender) -> bool:
        """Whether its last chunk was bad."""
        record = self._peers.get(sender)
        return record is not None and record.in_a_row > 0

    def is_hopeless(self, sender: Sender) -> bool:
        """Whether it is given up, even if nobody else is there."""
        return any(map(self._is_over, self._records(sender)))

    @property
    def any_hopeless(self) -> bool:
        return any(map(self._is_over, self._peers.values()))

    def is_slow(self, now: float) -> bool:
        """Whether no right chunk came for SLOW_S: suspects are asked again."""
        return now - self._right_at >= SLOW_S

    def bad_chunks(self, sender: Sender, *, now: float) -> int:
        """The bitmap of its bad chunks of the last OTHERS_FIRST_S."""
        record = self._peers.get(sender)
        bad = record.chunks.items() if record is not None else ()
        return sum(1 << index for index, at in bad if now - at < OTHERS_FIRST_S)

    def damaged(self, sender: Sender, *, now: float) -> tuple[int, float]:
        """How many of its chunks came wrong, and in how many seconds it is asked for one again."""
        record = self._peers.get(sender)
        if record is None or not record.chunks:
            return 0, 0.0
        return len(record.chunks), max(0.0, max(record.chunks.values()) + OTHERS_FIRST_S - now)

    def _is_over(self, record: _SenderRecord) -> bool:
        return record.in_a_row >= (self._tries if record.good else -(-self._tries // 2))

    def _records(self, sender: Sender) -> list[_SenderRecord]:
        """Its own record, and its host's, which counts until the peer itself was right once."""
        own = self._peers.get(sender, _SenderRecord())
        host = self._hosts.get(sender[1])
        return [own] if host is None or own.good else [own, host]

    def _count(self, sender: Sender, *, bad: int, in_a_row: int, now: float) -> None:
        self.any_wrong = True
        self._right_at = self._right_at or now
        records = [self._of(self._peers, sender)]
        if sender[1]:  # on this machine each program is counted by itself
            records.append(self._of(self._hosts, sender[1]))
        for record in records:
            record.sent_bad(bad, in_a_row)
            if record.in_a_row >= TRIES_AT_ONCE:
                record.not_before = now + PAUSE_S

    @staticmethod
    def _of(table: dict[KeyT, _SenderRecord], key: KeyT) -> _SenderRecord:
        if key not in table and len(table) >= MAX_REMEMBERED:
            del table[next(iter(table))]
        return table.setdefault(key, _SenderRecord())
