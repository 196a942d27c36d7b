"""Which peers sent damaged chunks of one content, and whether they are asked again.

Pure state. A damaged chunk may be a lie, or come from a line or memory that flips bits. So a peer
that looks like a liar is not asked while others could send the chunk. If nobody else can, it is
still asked, until so much in a row was wrong that no line explains it.

A peer is known by the id that it chose and by where it listens, for others know its id. The host is
counted too: else a liar would come back with another id. It knows neither chunks nor connections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

Sender: TypeAlias = tuple[str, str]  # a peer's id and port, and its host, "" for this machine

KeyT = TypeVar("KeyT")

MAX_BAD_CHUNKS = 2  # of one content from one peer: the first may be an accident
GOOD_FOR_BAD = 8  # right chunks that make up for a bad one
# Bad chunks from one host, under whatever ids. More than for one peer: several people may use one
# machine, or be seen as one from outside.
MAX_BAD_OF_HOST = 8
MAX_REMEMBERED = 512  # peers, and hosts: the oldest is forgotten
# Of a peer that nobody can replace: after so many bad chunks in a row there is a pause before each
# next one.
TRIES_AT_ONCE = 32
PAUSE_S = 0.25
OTHERS_FIRST_S = 2.0  # a chunk that came wrong is asked of others for so long, if there are any
WRONG_DIGESTS = 8  # wrong lists of digests in a row count as much as all the bad chunks allowed


@dataclass(slots=True)
class _Record:
    """What a peer, or all peers of a host, sent of this content."""

    bad: int = 0
    good: int = 0
    in_a_row: int = 0  # bad ones since the last good one
    chunks: dict[int, float] = field(default_factory=dict)  # those that came wrong, and when
    not_before: float = 0.0


class BadPeers:
    """One content's, owned by its plan."""

    def __init__(self, tries: int) -> None:
        """`tries`: bad chunks in a row after which a peer is given up; half as many for one that
        was never right.
        """
        self._tries = tries
        self._is_any = False
        self._peers: dict[Sender, _Record] = {}
        self._hosts: dict[str, _Record] = {}

    def __bool__(self) -> bool:
        """Whether anything came wrong."""
        return self._is_any

    def note(self, sender: Sender, index: int, *, now: float) -> None:
        """A chunk of this peer failed its check."""
        self._of(self._peers, sender).chunks[index] = now
        self._count(sender, bad=1, in_a_row=1, now=now)

    def drop(self, sender: Sender, *, now: float) -> None:
        """This peer sent wrong digests: ask it for nothing while others could send the chunks."""
        in_a_row = -(-self._tries // WRONG_DIGESTS)
        self._count(sender, bad=MAX_BAD_CHUNKS, in_a_row=in_a_row, now=now)

    def prove(self, sender: Sender) -> None:
        """A chunk of this peer was right."""
        records = [self._of(self._peers, sender)]
        if sender[1] in self._hosts:
            records.append(self._hosts[sender[1]])
        for record in records:
            record.good += 1
            record.in_a_row, record.not_before = 0, 0.0

    def has(self, sender: Sender) -> bool:
        """Whether this peer is asked for nothing while others could send the chunks."""
        record = self._peers.get(sender)
        if record is not None and record.bad >= MAX_BAD_CHUNKS:
            return record.good < GOOD_FOR_BAD * record.bad
        return any(one.bad >= MAX_BAD_OF_HOST for one in self._records(sender)[1:])

    def may_try(self, sender: Sender, *, now: float) -> bool:
        """Whether it is asked now if nobody else can send the chunks."""
        return not self.is_hopeless(sender) and all(
            now >= record.not_before for record in self._records(sender)
        )

    def was_wrong(self, sender: Sender) -> bool:
        """Whether the last chunk of this peer was a bad one."""
        record = self._peers.get(sender)
        return record is not None and record.in_a_row > 0

    def is_hopeless(self, sender: Sender) -> bool:
        """Whether it is given up, even if nobody else is there."""
        return any(map(self._is_over, self._records(sender)))

    @property
    def any_hopeless(self) -> bool:
        """Whether any peer is given up."""
        return any(map(self._is_over, self._peers.values()))

    def chunks(self, sender: Sender, *, now: float) -> int:
        """The bitmap of those that came wrong from it a moment ago, which others are asked for."""
        record = self._peers.get(sender)
        wrong = record.chunks.items() if record is not None else ()
        return sum(1 << index for index, at in wrong if now - at < OTHERS_FIRST_S)

    def _is_over(self, record: _Record) -> bool:
        return record.in_a_row >= (self._tries if record.good else -(-self._tries // 2))

    def _records(self, sender: Sender) -> list[_Record]:
        """Its own, and its host's, which counts until the peer itself was right once."""
        own = self._peers.get(sender, _Record())
        host = self._hosts.get(sender[1])
        return [own] if host is None or own.good else [own, host]

    def _count(self, sender: Sender, *, bad: int, in_a_row: int, now: float) -> None:
        self._is_any = True
        records = [self._of(self._peers, sender)]
        if sender[1]:  # programs of this machine are told apart by their ids alone
            records.append(self._of(self._hosts, sender[1]))
        for record in records:
            record.bad += bad
            record.in_a_row += in_a_row
            if record.in_a_row >= TRIES_AT_ONCE:
                record.not_before = now + PAUSE_S

    @staticmethod
    def _of(table: dict[KeyT, _Record], key: KeyT) -> _Record:
        if key not in table and len(table) >= MAX_REMEMBERED:
            del table[next(iter(table))]
        return table.setdefault(key, _Record())
