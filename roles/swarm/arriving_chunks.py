"""The chunks of which parts are here, over all connections, and whether one comes too slowly.

It judges a chunk beside the others, for on a slow line all of them come slowly, and what is dropped
has to come once more. It knows neither buffers nor who waits for one.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

LOOK_S = 5.0  # a chunk is judged by what came during this time
COMPARE_S = 30.0  # and compared with the others over this time, because rates fluctuate
ENOUGH_RATE = 64 * 1024  # bytes per second: who sends that is never too slow
HOPELESS_RATE = 8 * 1024  # who sends less is, whatever the others do
SLOW_SHARE = 4  # between the two: who sends less than this part of what the others do


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
    judged_at: float = field(init=False)  # the last time
    judged: int = 0  # of `received`, then
    compared_at: float = field(init=False)  # the last time that it was compared with others
    compared: int = 0  # of `received`, then

    def __post_init__(self) -> None:
        self.judged_at = self.compared_at = self.began

    def was_held_up(self, for_s: float) -> None:
        """By this program's own limit: that is not its sender's fault."""
        self.began += for_s
        self.judged_at += for_s
        self.compared_at += for_s

    def is_due(self, now: float) -> bool:
        """Whether it is time to judge it."""
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
        """Whether its sender is to blame for what came since it was judged last."""
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
