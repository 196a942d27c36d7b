"""Finds what holds downloads up, from what the threads of all connections spend their time on.

Pure. A thread that waits for bytes waits for the network; one that waits for a write waits for this
computer's disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from roles.swarm.peer import Peer, Spent
from roles.values.addresses import Address
from roles.values.watched import Bottleneck, Slowest

WINDOW_S = 4.0  # the time that is judged
SETTLED_S = 2.0  # after the senders have changed, before their rate is compared
HELD_PART = 0.2  # of the threads' busy time: if our own limit holds them longer, it is the cause
OWN_PART = 0.5  # the same for this computer's disk and processor
# If the senders' own lines were the cause, more senders would bring more in proportion. If they
# bring less than this part of that increase, they share the cause: our link.
MORE_PART = 0.3
LEAST_PART = 0.8  # if they bring less than this part of the former rate, something else has changed
REMEMBERED_S = 60.0  # the rate of a number of senders


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    spent: Mapping[int, Spent]  # by connection, since its beginning


class BottleneckMeter:
    """Call note() once a second, from one thread."""

    def __init__(self) -> None:
        self._samples = deque[_Sample]()
        self._sending = frozenset[Address]()
        self._sending_since = float("-inf")
        self._rates: dict[int, tuple[float, float]] = {}  # newest by number of senders, and when

    def note(self, peers: Iterable[Peer], limit: int | None, *, now: float) -> Bottleneck | None:
        """What the last seconds say; None if nothing has come."""
        peers = list(peers)
        spent = {peer.number: replace(peer.spent) for peer in peers}
        self._samples.append(_Sample(now, spent))
        while len(self._samples) > 2 and now - self._samples[1].at >= WINDOW_S:
            self._samples.popleft()
        first = self._samples[0]
        elapsed = now - first.at
        if elapsed <= 0:
            return None
        before = self._samples[-2].spent
        sending = {
            peer.address: peer.computer
            for peer in peers
            if peer.spent.received > before.get(peer.number, Spent()).received
        }
        if sending.keys() != self._sending:
            self._sending, self._sending_since = frozenset(sending), now
        during = _summed(spent, first.spent)
        if not during.received:
            self._rates.clear()
            return None
        rate = during.received / elapsed
        settled_s = now - max(self._sending_since, first.at)
        if sending and settled_s >= SETTLED_S and elapsed <= settled_s + 1.5:
            self._rates[len(sending)] = rate, now
        return self._judged(during, rate, tuple(sending.values()), limit, now)

    def _judged(
        self, during: Spent, rate: float, names: tuple[str, ...], limit: int | None, now: float
    ) -> Bottleneck:
        busy = during.receiving + during.held + during.hashing + during.writing
        fewer = 0
        if limit is not None and (during.held >= HELD_PART * busy or rate >= limit * 0.9):
            slowest = Slowest.LIMIT
        elif during.writing >= OWN_PART * busy:
            slowest = Slowest.DISK
        elif during.hashing >= OWN_PART * busy:
            slowest = Slowest.PROCESSOR
        else:
            fewer = self._fewer_as_fast(len(names), rate, now)
            slowest = Slowest.LINK if fewer else Slowest.SENDERS
        return Bottleneck(
            slowest,
            rate,
            names,
            limit or 0,
            during.written / during.writing if during.writing > 0 else 0.0,
            fewer,
            self._rates[fewer][0] if fewer else 0.0,
        )

    def _fewer_as_fast(self, senders: int, rate: float, now: float) -> int:
        """A number of senders that brought hardly less; 0 if there was none lately."""
        for fewer, (fewer_rate, at) in sorted(self._rates.items()):
            most = fewer_rate * (1 + MORE_PART * (senders - fewer) / max(fewer, 1))
            is_as_fast = fewer_rate * LEAST_PART <= rate < most
            if now - at <= REMEMBERED_S and fewer * 3 <= senders * 2 and is_as_fast:
                return fewer
        return 0


def _summed(now: Mapping[int, Spent], before: Mapping[int, Spent]) -> Spent:
    """What all connections have spent since then."""
    total = Spent()
    for number, spent in now.items():
        old = before.get(number, Spent())
        total.receiving += spent.receiving - old.receiving
        total.held += spent.held - old.held
        total.hashing += spent.hashing - old.hashing
        total.writing += spent.writing - old.writing
        total.received += spent.received - old.received
        total.written += spent.written - old.written
    return total
