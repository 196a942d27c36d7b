"""Links with a rate, a delay and faults, and connections over them.

Every host has one link to a switch that is never in the way. What it sends waits for its own link,
then for the receiver's; a connection has as much under way as its sender's system keeps for it.
What is lost comes later, as TCP sends it again, and what came after it waits for it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tests.rooms.clock import Action, Clock

HEADERS = 1.045  # what TCP sends for a byte of a full packet (docs/PERFORMANCE.md)
FRAME_HEADERS = 78  # bytes, of a packet
SEGMENT = 16 * 1024  # bytes that are told apart
PACKET = 1_448  # bytes
WINDOW = 64 * 1024  # bytes of a connection that are under way at most, until its sender says else
RTO_S = 0.2  # until TCP sends again what nobody acknowledges; twice as long each time
RTO_MAX_S = 120.0
FAST_AGAIN = 0.9  # of what is lost comes again after one round trip


class Port:
    """One direction of a host's link: one byte after the other."""

    def __init__(self, rate: float) -> None:
        self.rate = rate  # bytes per second
        self.bytes = 0
        self._free_at = 0.0

    def through_at(self, size: int, now: float) -> float:
        """When this much is through that comes now."""
        size = int(size * HEADERS) if size > PACKET else size + FRAME_HEADERS
        self.bytes += size
        self._free_at = max(self._free_at, now) + size / self.rate
        return self._free_at


@dataclass(slots=True, eq=False)
class Link:
    """A host's."""

    up: Port
    down: Port
    is_off: bool = False  # its computer has no power: nothing is answered


class Network:
    """All links, and who does not reach whom."""

    def __init__(self, clock: Clock, rng: random.Random, delay_s: float, loss: float) -> None:
        """`loss`: of all packets, 0.01 is one in a hundred."""
        self.clock = clock
        self.rng = rng
        self.delay_s = delay_s
        self.loss = loss
        self.cut = set[tuple[Link, Link]]()  # from whom, to whom

    def is_through(self, sender: Link, receiver: Link) -> bool:
        """Whether what this one sends reaches that one now."""
        return not receiver.is_off and not sender.is_off and (sender, receiver) not in self.cut

    def is_lost(self, size: int) -> bool:
        """Whether one packet of these is."""
        if not self.loss:
            return False
        return self.rng.random() > (1 - self.loss) ** (1 + size // PACKET)


@dataclass(slots=True, eq=False)
class _Item:
    """What is sent in one piece, and arrives in several."""

    payload: object
    size: int
    then: Action | None
    out: int = 0  # bytes


@dataclass(slots=True, eq=False)
class _Piece:
    number: int
    item: _Item
    size: int
    is_last: bool
    tries: int = 0


class Pipe:
    """One direction of a connection."""

    def __init__(
        self,
        network: Network,
        sender: Link,
        receiver: Link,
        on_piece: Callable[[object, int, bool], None],
        on_lost: Callable[[], bool],
    ) -> None:
        """`on_piece` gets what arrives: the payload, how many bytes of it and whether they are the
        last. `on_lost` is asked with each arrival whether nobody listens there any more.
        """
        self.window = WINDOW
        self.is_read = True
        self.on_out: Callable[[int], None] = lambda _: None
        self._network = network
        self._sender, self._receiver = sender, receiver
        self._on_piece = on_piece
        self._on_lost = on_lost
        self._queue = deque[_Item]()
        self._in_flight = 0
        self._numbers = 0
        self._next = 0  # number of the piece that arrives next
        self._early: dict[int, _Piece] = {}
        self._is_closed = False

    def write(self, payload: object, size: int, then: Action | None = None) -> None:
        """Send this; `then` is called when all of it is in the system's hands."""
        self._queue.append(_Item(payload, size, then))
        self._pump()

    def close(self) -> None:
        """Nothing more comes out."""
        self._is_closed = True
        self._queue.clear()
        self._early.clear()

    def _pump(self) -> None:
        while self._queue and self._in_flight < self.window and not self._is_closed:
            item = self._queue[0]
            size = min(SEGMENT, item.size - item.out)
            item.out += size
            is_last = item.out == item.size
            if is_last:
                self._queue.popleft()
            self._in_flight += size
            self._transmit(_Piece(self._numbers, item, size, is_last))
            self._numbers += 1
            self.on_out(size)
            if is_last and item.then is not None:
                self._network.clock.after(0, item.then)

    def _transmit(self, piece: _Piece) -> None:
        if self._is_closed:
            return
        clock = self._network.clock
        left = self._sender.up.through_at(piece.size, clock.now)
        clock.at(left + self._network.delay_s, lambda: self._arrive(piece))

    def _arrive(self, piece: _Piece) -> None:
        """At the receiver's end of the switch."""
        network = self._network
        is_through = network.is_through(self._sender, self._receiver)
        if not is_through or network.is_lost(piece.size):
            pause_s = 2 * network.delay_s + 1e-3
            if not is_through or piece.tries or network.rng.random() > FAST_AGAIN:
                pause_s = max(pause_s, min(RTO_MAX_S, RTO_S * 2.0**piece.tries))
            piece.tries += 1
            network.clock.after(pause_s, lambda: self._transmit(piece))
            return
        through = self._receiver.down.through_at(piece.size, network.clock.now)
        network.clock.at(through, lambda: self._deliver(piece))

    def _deliver(self, piece: _Piece) -> None:
        if self._is_closed or self._on_lost():
            return
        self._early[piece.number] = piece
        while (piece_ := self._early.pop(self._next, None)) is not None:
            self._next += 1
            if self.is_read:
                self._in_flight -= piece_.size
            self._on_piece(piece_.item.payload, piece_.size, piece_.is_last)
        if self._network.delay_s > 1e-3:  # until the sender hears of it
            self._network.clock.after(self._network.delay_s, self._pump)
        else:
            self._pump()
