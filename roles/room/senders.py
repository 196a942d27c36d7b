"""What the tracker knows of a source address, and how often it logs complaints about it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from roles.net.interfaces import is_own_address
from roles.net.rate_limit import RateLimit
from roles.room.registry_entry import Origin
from roles.values.addresses import ip_of, is_loopback, is_unicast

log = logging.getLogger(__name__)

COMPLAINTS_PER_HOST, COMPLAINTS_IN_ALL = 0.5, 2.0  # log lines a second: 2 MiB in two hours
_MAX_HOSTS = 16_384  # remembered at once


@dataclass(slots=True)
class _Host:
    is_unicast: bool
    is_loopback: bool
    is_own: bool | None = None  # None: not looked at yet


class Senders:
    """Owned by the tracker's thread."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}  # until forget()
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)

    def origin(self, host: str) -> Origin:
        return Origin(host, self.is_own(host))

    def is_own(self, host: str) -> bool:
        """Whether this is one of this machine's addresses; False for names, which it never
        resolves.
        """
        known = self._host(host)
        if known.is_own is None:
            known.is_own = known.is_unicast and ip_of(host) is not None and is_own_address(host)
        return known.is_own

    def is_unicast(self, host: str) -> bool:
        return self._host(host).is_unicast

    def is_loopback(self, host: str) -> bool:
        return self._host(host).is_loopback

    def forget(self) -> None:
        """This machine's addresses may have changed: look them up again."""
        self._hosts.clear()

    def complain(self, host: str, now: float, text: str, *values: object) -> None:
        """Log a line, unless there were many lately: a flood must not hide everything else."""
        if self._complaints.allows(host, now=now):
            log.info(text, *values)

    def _host(self, host: str) -> _Host:
        known = self._hosts.get(host)
        if known is None:
            if len(self._hosts) >= _MAX_HOSTS:
                self._hosts.clear()
            known = self._hosts[host] = _Host(is_unicast(host), is_loopback(host))
        return known
