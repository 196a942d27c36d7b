"""How often somebody may try a code at a tracker. Pure: the caller passes the time.

A try counts from its start, so that hanging up before the end gives no further ones, and is given
back when the code was right.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
PER_HOST = 5  # failed tries in WINDOW_S
IN_ALL = 20  # beyond that, hosts take turns
TURN_S = 1.0
LATE_S = 5.0  # so long a turn waits for its host
_MAX_HOSTS = 4_096


class GuessLimits:
    def __init__(self) -> None:
        self._tries: dict[str, deque[float]] = {}  # of each host, those that have not succeeded
        self._all = deque[float]()
        self._turns: dict[str, float] = {}  # when the turn of a waiting host comes
        self._next_turn = 0.0

    def begin(self, host: str, *, now: float) -> float:
        """Count a try and return 0; or count none, and return in how many seconds one may begin."""
        self._forget(now)
        tries = self._tries.get(host)
        if tries is not None and len(tries) >= PER_HOST:
            return tries[0] + WINDOW_S - now
        if len(self._all) >= IN_ALL:
            turn = self._turns.get(host)
            if turn is None:
                if len(self._turns) >= _MAX_HOSTS:
                    return WINDOW_S
                turn = self._next_turn = max(now, self._next_turn + TURN_S)
                self._turns[host] = turn
            if now < turn:
                return turn - now
        self._turns.pop(host, None)
        self._tries.setdefault(host, deque()).append(now)
        self._all.append(now)
        return 0.0

    def succeeded(self, host: str) -> None:
        """The newest try of this host had the right code."""
        tries = self._tries.get(host)
        if tries:
            self._all.remove(tries.pop())

    def left(self, host: str) -> int:
        """How many tries it has before it must wait."""
        return PER_HOST - len(self._tries.get(host, ()))

    def tries(self, *, now: float) -> dict[str, int]:
        """How many tries of each host lately failed or are under way."""
        self._forget(now)
        return {host: len(tries) for host, tries in self._tries.items()}

    def _forget(self, now: float) -> None:
        while self._all and self._all[0] <= now - WINDOW_S:
            self._all.popleft()
        for host, tries in list(self._tries.items()):
            while tries and tries[0] <= now - WINDOW_S:
                tries.popleft()
            if not tries:
                del self._tries[host]
        for host, turn in list(self._turns.items()):
            if now > turn + LATE_S:
                del self._turns[host]
