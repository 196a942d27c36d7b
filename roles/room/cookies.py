"""The proof that a source address is real: only who receives there knows its cookie.

Pure: the caller brings the clock and the secret.
"""

from __future__ import annotations

import hmac

from roles.wire.lmk2_fields import COOKIE_SIZE

EPOCH_S = 60.0  # a cookie is good for the epoch in which it was given, and the next one
_MAX_KNOWN = 16_384  # hosts of one epoch whose cookies are kept: more than a room has


class Cookies:
    """Gives each host its cookie, and keeps nothing that strangers could fill."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: bytes that nobody else knows, others at each start."""
        self._secret = secret
        self._epoch = -1
        self._good: dict[
            str, tuple[str, str]
        ] = {}  # host to the cookies of this epoch and the last

    def give(self, host: str, *, now: float) -> str:
        """What this host is to repeat."""
        return self._both(host, now)[0]

    def accepts(self, host: str, cookie: str, *, now: float) -> bool:
        """Whether this was given to that host, not long ago."""
        new, old = self._both(host, now)
        return hmac.compare_digest(cookie, new) or hmac.compare_digest(cookie, old)

    def _both(self, host: str, now: float) -> tuple[str, str]:
        epoch = int(now / EPOCH_S)
        if epoch != self._epoch or len(self._good) > _MAX_KNOWN:
            self._epoch = epoch
            self._good.clear()
        if host not in self._good:
            self._good[host] = self._made(host, epoch), self._made(host, epoch - 1)
        return self._good[host]

    def _made(self, host: str, epoch: int) -> str:
        digest = hmac.digest(self._secret, f"{host}|{epoch}".encode(), "sha256")
        return digest[:COOKIE_SIZE].hex()
