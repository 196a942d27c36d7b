"""Buffers for the chunks that arrive, for all connections of a program together."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from roles.swarm.arriving_chunks import ArrivingChunks
from roles.values.content import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE

LOOK_S = 0.5  # how often who waits for a buffer looks whether to stop
# Of one host, while less than half of all is free: nobody alone keeps the others waiting.
HOST_MOST = 2 * MAX_CHUNK_SIZE  # bytes
_KEPT = 4  # free buffers of a size: as many connections as one peer gets


class StoppedError(Exception):
    """This side stops: no fault of anybody."""


class BufferPool:
    """Buffers for chunks, for all connections together: so many bytes and no more.

    Who finds none waits, and so does its peer.
    """

    def __init__(self, most: int) -> None:
        self.chunks = ArrivingChunks()  # that use them
        self._room = threading.Condition()  # protects all below
        self._most = most
        self._out = 0  # bytes
        self._held = Counter[str]()  # of these, by host
        self._waiting = Counter[str]()  # by the host for whose buffers they wait, "" for anybody's
        self._kept: dict[int, list[bytearray]] = {}

    def take(self, size: int, should_stop: Callable[[], bool], host: str = "") -> bytearray:
        """A buffer of at least this size. Raises StoppedError when told to stop.

        `host`: who sends, "" for one that may have as many as there are.
        """
        with self._room:
            while (awaited := self._awaited(size, host)) is not None:
                if should_stop():
                    raise StoppedError
                self._waiting[awaited] += 1
                self._room.wait(LOOK_S)
                self._waiting[awaited] -= 1
                self._waiting += Counter[str]()  # those that are none, out of the table
            self._out += size
            self._held[host] += size
            kept = self._kept.get(size)
            return kept.pop() if kept else bytearray(size)

    def is_awaited(self, host: str) -> bool:
        """Whether somebody waits for a buffer that this host may have."""
        with self._room:
            return bool(self._waiting[""] or self._waiting[host])

    def give_back(self, buffer: bytearray, host: str = "") -> None:
        """It is free again; `host` as it was taken."""
        with self._room:
            size = len(buffer)
            self._out -= size
            self._held[host] -= size
            if not self._held[host]:
                del self._held[host]
            # The last chunks of files have every size: who keeps those has thousands that fit none.
            kept = self._kept.setdefault(size, []) if _is_usual(size) else []
            if len(kept) < _KEPT:
                kept.append(buffer)
            while sum(size * len(some) for size, some in self._kept.items()) > self._most // 2:
                largest = max(size for size, some in self._kept.items() if some)
                self._kept[largest].pop()
            self._room.notify_all()  # who is woken first may wait for another host's

    def _awaited(self, size: int, host: str) -> str | None:
        """Whose buffer must come back before this one can be had; None when it can be now."""
        if self._out and self._out + size > self._most:
            return ""
        held = self._held[host] if host else 0
        is_greedy = held and held + size > HOST_MOST and self._out + size > self._most // 2
        return host if is_greedy else None


def _is_usual(size: int) -> bool:
    """Whether most chunks of a content may have this size."""
    return size >= MIN_CHUNK_SIZE and size & (size - 1) == 0
