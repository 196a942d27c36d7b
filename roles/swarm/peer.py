"""The peer at the other end of one connection. Pure state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from roles.net.frame_budget import FrameBudget
from roles.net.rates import RateMeter
from roles.swarm.bad_peers import Sender
from roles.values.addresses import Address, is_loopback

RATE_WEIGHT = 0.5  # of the newest chunk in a connection's rate
USEFUL_BYTES = 8 * 1024  # of chunks: a peer that sends this from time to time is useful


@dataclass(slots=True)
class Spent:
    """What a connection's thread spent on chunks, in seconds and bytes; only that thread writes."""

    receiving: float = 0.0  # waiting for bytes of a chunk that has begun
    held: float = 0.0  # by this program's own limit
    hashing: float = 0.0
    writing: float = 0.0
    received: int = 0  # bytes of chunks
    written: int = 0


@dataclass(slots=True)
class Peer:
    """Protected by the swarm's lock, except for `budget`. Each connection has its own number."""

    number: int
    address: Address  # where it listens
    id: str  # the one of this run
    computer: str
    joined_at: float
    is_caller: bool = False  # it connected to us, and does not count among those we connect to
    is_leaving: bool = False  # we hung up
    # The last WANT that it was sent, a bitmap, for each content that it has described, by handle.
    opened: dict[int, int | None] = field(default_factory=dict)
    # The chunks of these that it is known to have: it described, offered or was asked for them.
    seen: dict[int, int] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    singles: set[int] = field(default_factory=set)  # contents of one chunk that it was asked for
    taking: tuple[int, int] | None = None  # handle and index of the chunk that is arriving
    order: deque[tuple[int, int]] = field(default_factory=deque)  # of the accepted chunks
    chunk_rate: float = 0.0  # bytes per second of its last chunks
    position: int = 0  # ours in its queue for a slot; 0 if it gave none
    single_at: float = 0.0  # useful_at for contents of one chunk, or when asked for the first
    budget: FrameBudget = field(default_factory=FrameBudget)  # of its frames
    meter: RateMeter = field(init=False)
    useful_at: float = field(init=False)  # when it last sent something useful, or joined
    sent_at: float = field(init=False)  # when we last sent it something
    sender: Sender = field(init=False)
    _came: int = 0  # bytes of chunks since useful_at

    def __post_init__(self) -> None:
        self.meter = RateMeter(now=self.joined_at)
        self.useful_at = self.sent_at = self.joined_at
        # Ids are no secret: a peer that listens elsewhere, or only connects to us, is another one.
        place = "calls" if self.is_caller else self.address.port
        host = self.address.host
        self.sender = f"{self.id} {place}", "" if is_loopback(host) else host

    def forget(self, handle: int) -> None:
        """It has not described this content, or no longer has it."""
        self.opened.pop(handle, None)
        self.seen.pop(handle, None)

    def note_bytes(self, count: int, *, now: float) -> None:
        self.meter.add(count, now=now)
        self._came += count
        if self._came >= USEFUL_BYTES:
            self.useful_at, self._came = now, 0

    def note_use(self, *, now: float) -> None:
        """It sent a right chunk or right digests. Called by the connection's thread."""
        self.useful_at, self._came = now, 0
        self.budget.refill()

    def note_rate(self, rate: float) -> None:
        """A chunk came at this rate, in bytes per second."""
        weight = RATE_WEIGHT if self.chunk_rate else 1.0
        self.chunk_rate += weight * (rate - self.chunk_rate)

    def is_stalled(self, *, now: float, for_s: float) -> bool:
        """Whether nothing that it promised has come for so long."""
        if self.taking is not None:
            return now - self.useful_at > for_s
        return bool(self.singles) and now - max(self.useful_at, self.sent_at) > for_s
