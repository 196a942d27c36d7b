"""Cookies prove that a source address is real: only a program that receives there knows its cookie.

Pure: the caller passes the time and the secret.
"""

from __future__ import annotations

import hmac
from enum import Enum

from roles.wire.fields import COOKIE_SIZE

EPOCH_S = 60.0
GOOD_EPOCHS = 2  # a cookie is good in the epoch in which it was given and in the next one
KNOWN_EPOCHS = 5  # a cookie that is not good any more is old
_MAX_KEPT = 32_768  # cookies: two for each member of a large room


class Proof(Enum):
    """What a request proves about its source address."""

    NONE = "none"  # it may be forged
    OLD = "old"  # the sender received there some minutes ago: it gets a new cookie before others
    GOOD = "good"  # the sender receives there


class Cookies:
    """One cookie for each host and epoch, derived from the secret: no table that strangers could
    fill.
    """

    def __init__(
        self, secret: bytes, *, size: int = COOKIE_SIZE, good_epochs: int = GOOD_EPOCHS
    ) -> None:
        """`secret`: random bytes, new at each start. `size`: bytes of a cookie."""
        self._secret, self._size, self._good_epochs = secret, size, good_epochs
        self._made: dict[tuple[str, int], str] = {}  # by host and epoch

    def give(self, host: str, *, now: float) -> str:
        """The cookie that this host has to send back, in hexadecimal digits."""
        return self._cookie(host, int(now / EPOCH_S))

    def proof(self, host: str, cookie: str, *, now: float) -> Proof:
        newest = int(now / EPOCH_S)
        for age in range(KNOWN_EPOCHS):
            if hmac.compare_digest(cookie, self._cookie(host, newest - age)):
                return Proof.GOOD if age < self._good_epochs else Proof.OLD
        return Proof.NONE

    def _cookie(self, host: str, epoch: int) -> str:
        known = self._made.get((host, epoch))
        if known is None:
            if len(self._made) >= _MAX_KEPT:
                self._made.clear()
            digest = hmac.digest(self._secret, f"{host}|{epoch}".encode(), "sha256")
            known = self._made[host, epoch] = digest[: self._size].hex()
        return known
