"""How often somebody may try a code at a tracker. Pure: the caller passes the time.

A try that is under way counts for its host, so nobody gets around the limit with many at once. A
try that ends without the right code has failed, even if the other side hung up.
"""

from __future__ import annotations

from collections import Counter, deque

WINDOW_S = 60.0
PER_HOST = 5  # failed tries in WINDOW_S, with those under way
IN_ALL = 20  # failed tries; beyond that, hosts take turns, and each may fail once in WINDOW_S
# So somebody with all 250 addresses of a small network keeps the others out for a minute at most.
TURN_S = 0.25
LATE_S = 5.0  # then the turn of a host that has not come lapses
_MAX_HOSTS = 4_096


class GuessLimits:
    def __init__(self) -> None:
        self._failed: dict[str, deque[float]] = {}  # by host
        self._all_failed = deque[float]()
        self._under_way = Counter[str]()
        self._turns: dict[str, float] = {}  # when the turn of a waiting host comes
        self._next_turn = 0.0

    def begin(self, host: str, *, now: float) -> float:
        """Begin a try and return 0, or return how many seconds to wait before one may begin."""
        self._forget(now)
        if not self.left(host):
            failed, most = self._failed.get(host, ()), self._most
            return failed[-most] + WINDOW_S - now if len(failed) >= most else TURN_S
        if self._is_crowd:
            turn = self._turns.get(host)
            if turn is None:
                if len(self._turns) >= _MAX_HOSTS:
                    return WINDOW_S
                turn = self._next_turn = max(now, self._next_turn + TURN_S)
                self._turns[host] = turn
            if now < turn:
                return turn - now
        self._turns.pop(host, None)
        self._under_way[host] += 1
        return 0.0

    def end(self, host: str, *, is_right: bool, now: float) -> None:
        """Call it once for each try that has begun."""
        self._under_way[host] -= 1
        if not self._under_way[host]:
            del self._under_way[host]
        if not is_right:
            self._failed.setdefault(host, deque()).append(now)
            self._all_failed.append(now)

    def left(self, host: str) -> int:
        """How many tries this host may begin before it must wait."""
        return max(0, self._most - len(self._failed.get(host, ())) - self._under_way[host])

    def failed(self, *, now: float) -> dict[str, int]:
        """How many tries of each host failed in the last WINDOW_S."""
        self._forget(now)
        return {host: len(tries) for host, tries in self._failed.items()}

    @property
    def _is_crowd(self) -> bool:
        return len(self._all_failed) >= IN_ALL

    @property
    def _most(self) -> int:
        return 1 if self._is_crowd else PER_HOST

    def _forget(self, now: float) -> None:
        while self._all_failed and self._all_failed[0] <= now - WINDOW_S:
            self._all_failed.popleft()
        for host, tries in list(self._failed.items()):
            while tries and tries[0] <= now - WINDOW_S:
                tries.popleft()
            if not tries:
                del self._failed[host]
        for host, turn in list(self._turns.items()):
            if now > turn + LATE_S:
                del self._turns[host]
