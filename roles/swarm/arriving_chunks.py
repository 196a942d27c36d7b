"""The chunks that are arriving over all connections, and whether one of them is too slow.

A chunk is compared with the others: on a slow line all are slow, and a dropped chunk has to be sent
again.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

LOOK_S = 5.0  # a chunk is judged by the bytes of this time
COMPARE_S = 30.0  # and compared with others over this time, because rates fluctuate
ENOUGH_RATE = 64 * 1024  # bytes per second: never too slow
HOPELESS_RATE = 8 * 1024  # bytes per second: less is too slow, whatever the others do
SLOW_SHARE = 4  # in between, less than the average rate divided by this is too slow


@dataclass(slots=True, eq=False)
class ArrivingChunk:
    """Owned by its connection's thread; others read `began` and `received`."""

    handle: int
    index: int
    length: int
    buffer: bytearray
    began: float
    received: int = 0
    hash: _Hash = field(default_factory=hashlib.sha256)
    judged_at: float = field(init=False)  # when it was last judged
    judged: int = 0  # `received` at that time
    compared_at: float = field(init=False)  # when it was last compared with others
    compared: int = 0  # `received` at that time

    def __post_init__(self) -> None:
        self.judged_at = self.compared_at = self.began

    def was_held_up(self, for_s: float) -> None:
        """Our own rate limit delayed it, which is not the sender's fault."""
        self.began += for_s
        self.judged_at += for_s
        self.compared_at += for_s

    def is_due(self, now: float) -> bool:
        return now - self.judged_at >= LOOK_S


class ArrivingChunks:
    """Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # protects the set
        self._chunks = set[ArrivingChunk]()

    def add(self, chunk: ArrivingChunk) -> None:
        with self._lock:
            self._chunks.add(chunk)

    def remove(self, chunk: ArrivingChunk) -> None:
        with self._lock:
            self._chunks.discard(chunk)

    def is_too_slow(self, chunk: ArrivingChunk, *, now: float) -> bool:
        """Judge a chunk by the bytes since the last time: whether its sender is to blame."""
        rate = (chunk.received - chunk.judged) / max(now - chunk.judged_at, 1e-3)
        chunk.judged_at, chunk.judged = now, chunk.received
        if rate < HOPELESS_RATE:
            return True
        if now - chunk.compared_at < COMPARE_S:
            return False
        rate = (chunk.received - chunk.compared) / (now - chunk.compared_at)
        chunk.compared_at, chunk.compared = now, chunk.received
        if rate >= ENOUGH_RATE:
            return False
        with self._lock:
            others = [one for one in self._chunks if one is not chunk]
        spent = sum(max(now - one.began, 0.0) for one in others)
        return bool(spent) and rate * SLOW_SHARE < sum(one.received for one in others) / spent
