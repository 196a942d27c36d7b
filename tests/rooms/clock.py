"""A clock that jumps from one event to the next, and what was said last before it stopped."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

Action: TypeAlias = Callable[[], None]

START = 1_000.0  # as a monotonic clock has it: never 0
REMEMBERED = 40  # events of a story


class Clock:
    """Events in the order of their times, and in the order in which they were made."""

    def __init__(self) -> None:
        self.now = START
        self._events: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()

    def at(self, when: float, action: Action) -> None:
        """Do this then, or now if that is past."""
        heapq.heappush(self._events, (max(when, self.now), next(self._numbers), action))

    def after(self, delay_s: float, action: Action) -> None:
        """Do this so many seconds from now."""
        heapq.heappush(self._events, (self.now + delay_s, next(self._numbers), action))

    def step(self) -> bool:
        """The next event; False when there is none."""
        if not self._events:
            return False
        self.now, _, action = heapq.heappop(self._events)
        action()
        return True


class Story:
    """The newest messages, each with its sender and receiver."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = deque[tuple[float, str, str, object]](maxlen=REMEMBERED)

    def tell(self, who: str, whom: str, what: object) -> None:
        """`what`: a sentence, or a frame, which is put into words when somebody reads it."""
        self._told.append((self._clock.now, who, whom, what))

    def __str__(self) -> str:
        return "\n".join(
            f"{when - START:9.3f}  {who:>4} {'to ' + whom if whom else '':8} {_in_words(what)}"
            for when, who, whom, what in self._told
        )


def _in_words(what: object) -> str:
    text = str(what)
    return text if len(text) < 100 else f"{text[:97]}..."
