"""An answer that takes a while to make: made once for all who ask in the meantime or soon after."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

# How long an answer is kept: RESTS times as long as it took to make, and KEPT_S at least.
RESTS = 9
KEPT_S = 0.5


class CachedAnswer:
    """Owned by the tracker's thread."""

    def __init__(self, make: Callable[[], Generator[None, None, bytes]]) -> None:
        """`make` works a slice at a time and returns the answer, never an empty one."""
        self._make = make
        self._making: Generator[None, None, None] | None = None
        self._answer, self._until = b"", 0.0

    def get(self) -> Generator[None, None, bytes]:
        """Return it; if it is too old, work on it for a slice at a time."""
        if time.monotonic() >= self._until:
            self._answer = b""
        while not self._answer:
            self._making = self._making or self._work()
            next(self._making, None)
            yield
        return self._answer

    def _work(self) -> Generator[None, None, None]:
        began = time.monotonic()
        try:
            self._answer, ended = (yield from self._make()), time.monotonic()
        finally:  # if memory runs out, the next one that waits makes it anew
            self._making = None
        self._until = ended + max(KEPT_S, RESTS * (ended - began))
