"""Buffers for arriving chunks, shared by all connections of a program."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from roles.swarm.arriving_chunks import ArrivingChunks
from roles.values.content import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE

LOOK_S = 0.5  # how often a waiting thread checks should_stop()
# For one host while less than half of all is free, so that nobody keeps the others waiting.
HOST_MOST = 2 * MAX_CHUNK_SIZE  # bytes
_KEPT = 4  # free buffers of each size: as many as one peer has connections


class StoppedError(Exception):
    """This program stops: not an error."""


class BufferPool:
    """A thread that finds no buffer waits, and so does its peer."""

    def __init__(self, most: int) -> None:
        """`most`: bytes of all buffers together."""
        self.chunks = ArrivingChunks()  # those in the buffers
        self._room = threading.Condition()  # protects everything below
        self._most = most
        self._out = 0  # bytes in use
        self._held = Counter[str]()  # bytes in use, by host
        self._waiting = Counter[str]()  # threads, by the host whose buffers they need, "" for any
        self._kept: dict[int, list[bytearray]] = {}  # free buffers by size

    def take(self, size: int, should_stop: Callable[[], bool], host: str = "") -> bytearray:
        """A buffer of this size, to be given back. Raises StoppedError once should_stop().

        `host`: the sender's; "" for one without a limit.
        """
        with self._room:
            while (awaited := self._awaited(size, host)) is not None:
                if should_stop():
                    raise StoppedError
                self._waiting[awaited] += 1
                self._room.wait(LOOK_S)
                self._waiting[awaited] -= 1
                self._waiting += Counter[str]()  # drops the zeros
            self._out += size
            self._held[host] += size
            kept = self._kept.get(size)
            return kept.pop() if kept else bytearray(size)

    def is_awaited(self, host: str) -> bool:
        """Whether a thread waits for a buffer that this host holds."""
        with self._room:
            return bool(self._waiting[""] or self._waiting[host])

    def give_back(self, buffer: bytearray, host: str = "") -> None:
        """`host` as in take()."""
        with self._room:
            size = len(buffer)
            self._out -= size
            self._held[host] -= size
            if not self._held[host]:
                del self._held[host]
            # The last chunks of files have all sizes: kept buffers would hardly ever fit another.
            kept = self._kept.setdefault(size, []) if _is_usual(size) else []
            if len(kept) < _KEPT:
                kept.append(buffer)
            while sum(size * len(some) for size, some in self._kept.items()) > self._most // 2:
                largest = max(size for size, some in self._kept.items() if some)
                self._kept[largest].pop()
            self._room.notify_all()  # the first one woken may wait for another host's buffer

    def _awaited(self, size: int, host: str) -> str | None:
        """The host whose buffers must come back first, "" for any; None when there is room."""
        if self._out and self._out + size > self._most:
            return ""
        held = self._held[host] if host else 0
        is_greedy = held and held + size > HOST_MOST and self._out + size > self._most // 2
        return host if is_greedy else None


def _is_usual(size: int) -> bool:
    """Whether a content may have this chunk size."""
    return size >= MIN_CHUNK_SIZE and size & (size - 1) == 0
