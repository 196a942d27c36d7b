"""A peer at the other end of one connection, as the swarm knows it. Pure state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from roles.net.rates import RateMeter
from roles.swarm.bad_peers import Sender
from roles.values.addresses import Address, is_loopback

RATE_WEIGHT = 0.5  # of the newest chunk in a connection's rate
USEFUL_BYTES = 8 * 1024  # of chunks: a peer that brings these from time to time is of use


@dataclass(slots=True)
class Peer:
    """Protected by the swarm's lock. Each connection has its own number."""

    number: int
    address: Address  # where it listens, or where it called from
    id: str  # what it calls itself for this run
    computer: str
    meter: RateMeter
    joined_at: float
    is_caller: bool = False  # it connected to us, and takes no place of those we connect to
    # The WANT it was sent last, by handle of each content that it has described.
    opened: dict[int, int | None] = field(default_factory=dict)
    has: dict[int, int] = field(default_factory=dict)  # the chunks that it had of these then
    singles: set[int] = field(default_factory=set)  # contents of one chunk that it was asked for
    taking: tuple[int, int] | None = None  # handle and chunk that come now, or next
    order: deque[tuple[int, int]] = field(default_factory=deque)  # of the chunks that were taken
    chunk_rate: float = 0.0  # bytes per second of its last chunks
    position: int = 0  # in its queue for a slot; 0 when it does not say
    useful_at: float = field(init=False)  # when it brought something last, or joined
    told_at: float = field(init=False)  # when it was sent something last
    single_at: float = 0.0  # useful_at for contents of one chunk, or when the first was asked for
    sender: Sender = field(init=False)  # of its chunks

    _came: int = 0  # bytes of chunks since useful_at

    def __post_init__(self) -> None:
        self.useful_at = self.told_at = self.joined_at
        # Ids are no secret: who listens elsewhere, or only calls, is another one.
        place = "calls" if self.is_caller else self.address.port
        host = self.address.host
        self.sender = f"{self.id} {place}", "" if is_loopback(host) else host

    def forget(self, handle: int) -> None:
        """It has not described this content, or not any more."""
        self.opened.pop(handle, None)
        self.has.pop(handle, None)

    def note_bytes(self, count: int, *, now: float) -> None:
        """More bytes of a chunk came."""
        self.meter.add(count, now=now)
        self._came += count
        if self._came >= USEFUL_BYTES:
            self.useful_at, self._came = now, 0

    def note_use(self, *, now: float) -> None:
        """It brought a right chunk, or right digests."""
        self.useful_at, self._came = now, 0

    def note_rate(self, rate: float) -> None:
        """Another chunk came at this rate, in bytes per second."""
        weight = RATE_WEIGHT if self.chunk_rate else 1.0
        self.chunk_rate += weight * (rate - self.chunk_rate)
