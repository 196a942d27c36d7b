"""Buffers for the chunks that arrive, for all connections of a program together."""

from __future__ import annotations

import threading
from collections.abc import Callable

from roles.values.content import MIN_CHUNK_SIZE

LOOK_S = 0.5  # how often who waits for a buffer looks whether to stop
_KEPT = 4  # free buffers of a size: as many connections as one peer gets


class StoppedError(Exception):
    """This side stops: no fault of anybody."""


class BufferPool:
    """Buffers for chunks, for all connections together: so many bytes and no more.

    Who finds none waits, and so does its peer.
    """

    def __init__(self, most: int) -> None:
        self._room = threading.Condition()  # protects the three below
        self._most = most
        self._out = 0  # bytes
        self._kept: dict[int, list[bytearray]] = {}

    def take(self, size: int, should_stop: Callable[[], bool]) -> bytearray:
        """A buffer of at least this size. Raises StoppedError when told to stop."""
        with self._room:
            while self._out and self._out + size > self._most:
                if should_stop():
                    raise StoppedError
                self._room.wait(LOOK_S)
            self._out += size
            kept = self._kept.get(size)
            return kept.pop() if kept else bytearray(size)

    def give_back(self, buffer: bytearray) -> None:
        """It is free again."""
        with self._room:
            self._out -= len(buffer)
            size = len(buffer)
            # The last chunks of files have every size: who keeps those has thousands that fit none.
            kept = self._kept.setdefault(size, []) if _is_usual(size) else []
            if len(kept) < _KEPT:
                kept.append(buffer)
            while sum(size * len(some) for size, some in self._kept.items()) > self._most // 2:
                largest = max(size for size, some in self._kept.items() if some)
                self._kept[largest].pop()
            self._room.notify()


def _is_usual(size: int) -> bool:
    """Whether most chunks of a content may have this size."""
    return size >= MIN_CHUNK_SIZE and size & (size - 1) == 0
