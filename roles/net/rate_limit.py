"""How many requests a second one stranger, and all of them together, may have answered.

Pure state.
"""

from __future__ import annotations

from collections import OrderedDict

MAX_HOSTS = 4_096  # remembered; a flood of forged sources must not take memory


class RateLimit:
    """A token bucket for each host and one for all."""

    def __init__(self, *, per_host: float, whole: float) -> None:
        """Requests per second; a burst of twice that is let through."""
        self._per_host, self._whole = per_host, whole
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._shared = (2 * whole, 0.0)

    def allows(self, host: str, *, now: float) -> bool:
        """Whether one more request of this host may be answered now; counts it when it may."""
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
        """The last one was worth so many more: this host waits for as long before the next."""
        if host in self._buckets:
            tokens, since = self._buckets[host]
            self._buckets[host] = (tokens - requests, since)
