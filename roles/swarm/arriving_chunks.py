"""The chunks that are arriving over all connections, their buffers, and whether one is too slow.

A thread that finds no buffer waits, and so does its peer. A slow chunk keeps its buffer from
others. It is compared with theirs: on a slow line all are slow, and a dropped chunk has to be sent
again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from roles.swarm.content_transfer import ContentTransfer
from roles.values.content import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE
from roles.values.errors import StoppedError

if TYPE_CHECKING:
    from hashlib import _Hash

# Of one host's buffers while less than half of all bytes are free, so that nobody keeps the others
# waiting.
HOST_MOST = 2 * MAX_CHUNK_SIZE  # bytes


class Limits(NamedTuple):
    """When a chunk is too slow. Rates are in bytes per second."""

    judge_s: float = 5.0  # it is judged by the bytes of this time
    compare_s: float = 30.0  # and compared with others over this time, because rates fluctuate
    enough: float = 64 * 1024  # never too slow
    hopeless: float = 8 * 1024  # less is too slow, whatever the others do
    slow_share: float = 4  # in between, less than the average rate divided by this is too slow


LIMITS = Limits()


@dataclass(slots=True, eq=False)
class ArrivingChunk:
    """Owned by its connection's thread; others read `began` and `received`."""

    transfer: ContentTransfer
    index: int
    host: str  # the sender's; "" for one without a limit
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


class ArrivingChunks:
    """Its methods may be called from any thread."""

    def __init__(self, most: int, limits: Limits = LIMITS) -> None:
        """`most`: bytes of all buffers together. A longer chunk is received alone."""
        self._lock = threading.Lock()  # protects everything below
        self._room = threading.Condition(self._lock)
        self._most = most
        self._limits = limits
        self._chunks = set[ArrivingChunk]()
        self._used = 0  # bytes
        self._is_stopped = False
        self._held = Counter[str]()  # bytes in use, by host
        self._waiting = Counter[str]()  # threads, by the host whose buffers they need, "" for any
        self._kept: list[bytearray] = []  # free buffers

    def begin(self, transfer: ContentTransfer, index: int, host: str) -> ArrivingChunk:
        """A chunk with its buffer, to be ended; waits for one. Raises StoppedError after stop()."""
        size = transfer.content.length(index)
        with self._lock:
            while (awaited := self._awaited(size, host)) is not None:
                if self._is_stopped:
                    raise StoppedError
                self._waiting[awaited] += 1
                self._room.wait()
                self._waiting[awaited] -= 1
                self._waiting += Counter[str]()  # drops the zeros
            self._used += size
            self._held[host] += size
            fitting = (place for place, buffer in enumerate(self._kept) if len(buffer) == size)
            place = next(fitting, None)
            buffer = bytearray(size) if place is None else self._kept.pop(place)
            chunk = ArrivingChunk(transfer, index, host, buffer, time.monotonic())
            self._chunks.add(chunk)
            return chunk

    def stop(self) -> None:
        """No thread waits any longer."""
        with self._lock:
            self._is_stopped = True
            self._room.notify_all()

    def end(self, chunk: ArrivingChunk) -> None:
        with self._lock:
            size = len(chunk.buffer)
            self._chunks.remove(chunk)
            self._used -= size
            self._held[chunk.host] -= size
            if not self._held[chunk.host]:
                del self._held[chunk.host]
            # The last chunks of files have all sizes: their buffers would hardly ever fit another.
            if size >= MIN_CHUNK_SIZE and size & (size - 1) == 0:
                self._kept.append(chunk.buffer)
            while sum(map(len, self._kept)) > self._most // 2:
                del self._kept[0]
            if self._waiting:  # all of them: the first one woken may wait for another host's buffer
                self._room.notify_all()

    def is_too_slow(self, chunk: ArrivingChunk, *, now: float) -> bool:
        """Whether its sender is to blame for the time that others wait for its buffer."""
        return (
            now - chunk.judged_at >= self._limits.judge_s
            and self._is_slow(chunk, now)
            and bool(self._waiting[""] or self._waiting[chunk.host])
        )

    def _is_slow(self, chunk: ArrivingChunk, now: float) -> bool:
        """Judges it by the bytes since the last time."""
        rate = (chunk.received - chunk.judged) / max(now - chunk.judged_at, 1e-3)
        chunk.judged_at, chunk.judged = now, chunk.received
        if rate < self._limits.hopeless:
            return True
        if now - chunk.compared_at < self._limits.compare_s:
            return False
        rate = (chunk.received - chunk.compared) / (now - chunk.compared_at)
        chunk.compared_at, chunk.compared = now, chunk.received
        if rate >= self._limits.enough:
            return False
        with self._lock:
            others = [other for other in self._chunks if other is not chunk]
        spent = sum(max(now - other.began, 0.0) for other in others)
        received = sum(other.received for other in others)
        return bool(spent) and rate * self._limits.slow_share < received / spent

    def _awaited(self, size: int, host: str) -> str | None:
        """The host whose buffers must come back first, "" for any; None when there is room."""
        if self._used and self._used + size > self._most:
            return ""
        held = self._held[host] if host else 0
        is_greedy = held and held + size > HOST_MOST and self._used + size > self._most // 2
        return host if is_greedy else None
