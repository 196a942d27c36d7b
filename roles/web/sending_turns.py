"""Turns for browsers: only a few are sent to at once, in the order in which they asked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from roles.worker import POLL_S


class SendingTurns:
    """For any thread. A turn ends after `turn_s` if others wait."""

    def __init__(self, most: Callable[[], int], turn_s: float) -> None:
        """`most`: how many may be sent to at once now."""
        self._most = most
        self._turn_s = turn_s
        self._changed = threading.Condition()  # its lock protects the other fields
        self._waiting = deque[object]()
        self._taken = 0

    def take(self, stopping: threading.Event) -> float | None:
        """Wait for a turn; returns when it began, or None if `stopping` ended the wait."""
        me = object()
        with self._changed:
            self._waiting.append(me)
            try:
                while self._waiting[0] is not me or self._taken >= self._most():
                    if stopping.is_set():
                        return None
                    self._changed.wait(POLL_S)
                self._taken += 1
            finally:
                self._waiting.remove(me)
                self._changed.notify_all()
        return time.monotonic()

    def is_over(self, began: float) -> bool:
        """Whether somebody else should have this turn."""
        if self._taken > self._most():
            return True
        return bool(self._waiting) and time.monotonic() - began >= self._turn_s

    def give_back(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()
