"""The proof that a source address is real: only who receives there knows its cookie.

Pure: the caller brings the clock and the secret.
"""

from __future__ import annotations

import hmac
from enum import Enum

from roles.wire.fields import COOKIE_SIZE

EPOCH_S = 60.0  # a cookie is good for the epoch in which it was given, and the next one
GOOD_EPOCHS = 2
KNOWN_EPOCHS = 5  # beyond GOOD_EPOCHS: an old one
_MAX_KEPT = 32_768  # cookies: two for each member of a large room


class Proof(Enum):
    """What is known of a sender."""

    NONE = "none"  # its address may be forged
    OLD = "old"  # it received there some minutes ago: it gets a new cookie before others
    GOOD = "good"  # it receives there


class Cookies:
    """Gives each host its cookie, and keeps nothing that strangers could fill."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: bytes that nobody else knows, others at each start."""
        self._secret = secret
        self._made: dict[tuple[str, int], str] = {}  # by host and epoch

    def give(self, host: str, *, now: float) -> str:
        """What this host is to repeat."""
        return self._cookie(host, int(now / EPOCH_S))

    def proof(self, host: str, cookie: str, *, now: float) -> Proof:
        """What this host proves by repeating this cookie."""
        newest = int(now / EPOCH_S)
        for age in range(KNOWN_EPOCHS):
            if hmac.compare_digest(cookie, self._cookie(host, newest - age)):
                return Proof.GOOD if age < GOOD_EPOCHS else Proof.OLD
        return Proof.NONE

    def _cookie(self, host: str, epoch: int) -> str:
        known = self._made.get((host, epoch))
        if known is None:
            if len(self._made) >= _MAX_KEPT:
                self._made.clear()
            digest = hmac.digest(self._secret, f"{host}|{epoch}".encode(), "sha256")
            known = self._made[host, epoch] = digest[:COOKIE_SIZE].hex()
        return known
