"""What the tracker knows of a source address, and how often it logs complaints about it."""

from __future__ import annotations

import logging

from roles.net.interfaces import is_own_address
from roles.net.rate_limit import COMPLAINTS_IN_ALL, COMPLAINTS_PER_HOST, RateLimit
from roles.room.registry_entry import Origin
from roles.values.addresses import is_unicast

log = logging.getLogger(__name__)

_MAX_HOSTS = 16_384  # remembered at once


class Senders:
    """Owned by the tracker's thread."""

    def __init__(self) -> None:
        self._is_own: dict[str, bool] = {}  # by host, until forget()
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)

    def origin(self, host: str, advertised: str = "") -> Origin:
        """`advertised`: the host at which the sender says that it can be reached."""
        return Origin(host, self.is_own(host), self.is_own(advertised))

    def is_own(self, host: str) -> bool:
        """Whether this is one of this machine's addresses; False for names, which it never
        resolves.
        """
        known = self._is_own.get(host)
        if known is None:
            if len(self._is_own) >= _MAX_HOSTS:
                self._is_own.clear()
            known = self._is_own[host] = is_unicast(host) and is_own_address(host)
        return known

    def forget(self) -> None:
        """This machine's addresses may have changed: look them up again."""
        self._is_own.clear()

    def complain(self, host: str, now: float, text: str, *values: object) -> None:
        """Log a line, unless there were many lately: a flood must not hide everything else."""
        if self._complaints.allows(host, now=now):
            log.info(text, *values)
