"""The program's limit of bytes per second, one for each direction.

Every role and connection of a program shares one object.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

BURST_S = 0.25  # what may go out at once after a pause, in seconds of the limit
SLICE_S = 0.1  # the usual piece, in seconds of the limit
MIN_SLICE = 4_096  # bytes


class Throttle:
    """Any thread may call it."""

    def __init__(self, bytes_per_second: int | None = None) -> None:
        self._lock = threading.Lock()  # protects the other fields
        self._limit = bytes_per_second
        self._free_at = 0.0  # when all bytes granted so far have passed

    def set_limit(self, bytes_per_second: int | None) -> None:
        """None: no limit."""
        with self._lock:
            self._limit, self._free_at = bytes_per_second, 0.0

    @property
    def limit(self) -> int | None:
        """Bytes per second; None: wait() never waits."""
        return self._limit

    def slice(self, most: int) -> int:
        """How many bytes to send or receive between two calls of wait(), `most` at most."""
        limit = self._limit
        return most if limit is None else min(most, max(MIN_SLICE, int(limit * SLICE_S)))

    def wait(self, count: int, stopping: threading.Event, *, most_s: float = float("inf")) -> float:
        """Wait until `count` more bytes may pass, `stopping` is set, or `most_s` has
        passed. Returns how many seconds that took.
        """
        if self._limit is None:  # the usual case, once for each piece
            return 0.0
        now = time.monotonic()
        stopping.wait(min(self._book(count, now) - now, most_s))
        return time.monotonic() - now

    def _book(self, count: int, now: float) -> float:
        """When these bytes may pass."""
        with self._lock:
            if self._limit is None:
                return now
            begin = max(self._free_at, now - BURST_S)
            self._free_at = begin + count / self._limit
            return begin


@dataclass(frozen=True, slots=True)
class Throttles:
    """Both directions of a program."""

    up: Throttle = field(default_factory=Throttle)
    down: Throttle = field(default_factory=Throttle)
