"""Limits how many requests per second are answered: of one host, and of all hosts. Pure."""

from __future__ import annotations

from collections import OrderedDict

MAX_HOSTS = 4_096  # remembered; a flood of forged sources must not take memory
COMPLAINTS_PER_HOST, COMPLAINTS_IN_ALL = 0.5, 2.0  # log lines a second: 2 MiB in two hours


class RateLimit:
    """A token bucket for each host and one for all."""

    def __init__(self, *, per_host: float, whole: float) -> None:
        """Limits in requests per second. Bursts may have twice as many."""
        self._per_host, self._whole = per_host, whole
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._shared = (2 * whole, 0.0)

    def allows(self, host: str, *, now: float) -> bool:
        """Whether to answer one more request of this host; counts it if so."""
        tokens, since = self._buckets.pop(host, (2 * self._per_host, now))
        tokens = min(2 * self._per_host, tokens + (now - since) * self._per_host)
        shared, shared_since = self._shared
        shared = min(2 * self._whole, shared + max(0.0, now - shared_since) * self._whole)
        allowed = tokens >= 1 and shared >= 1
        self._buckets[host] = (tokens - allowed, now)
        self._shared = (shared - allowed, now)
        while len(self._buckets) > MAX_HOSTS:
            self._buckets.popitem(last=False)
        return allowed

    def charge(self, host: str, requests: float) -> None:
        """The last request cost as much as this many more."""
        if host in self._buckets:
            tokens, since = self._buckets[host]
            self._buckets[host] = (tokens - requests, since)
