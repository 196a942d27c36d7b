"""SPAKE2 (RFC 9382) with P-256, SHA-256, HKDF and HMAC: two sides prove to each other that they
know the same code.

Somebody who listens learns nothing about the code; somebody who takes part can test one guess in
each exchange.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from typing import NamedTuple

from roles.private import p256
from roles.private.p256 import Point
from roles.values.errors import PeerProtocolError

PROOF_SIZE = 32  # bytes of a confirmation
# 70 ms and 16 MiB for each code, and for each guess of somebody who got hold of its number.
_COST, _BLOCK, _MEMORY = 1 << 14, 8, 64 * 1024 * 1024
_SCALAR_SIZE = 40  # bytes: 64 bits more than the order, so that all its scalars are equally likely
# Nobody knows the discrete logarithm of either (RFC 9382, section 6).
_M = p256.decompressed(
    bytes.fromhex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
)
_N = p256.decompressed(
    bytes.fromhex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")
)


class Password:
    """What both sides know, and the two points made of it, each computed once."""

    def __init__(self, scalar: int) -> None:
        self.scalar = scalar % p256.ORDER

    @classmethod
    def of(cls, code: str, room: str) -> Password:
        """The password that the code is in the room with this id. Takes 70 ms."""
        salt = f"lmk private room {room}".encode()
        sizes = {"n": _COST, "r": _BLOCK, "p": 1, "maxmem": _MEMORY, "dklen": _SCALAR_SIZE}
        return cls(int.from_bytes(hashlib.scrypt(code.encode(), salt=salt, **sizes), "big"))

    @cached_property
    def on_m(self) -> Point:
        return p256.multiplied(self.scalar, _M)

    @cached_property
    def on_n(self) -> Point:
        return p256.multiplied(self.scalar, _N)


class Proofs(NamedTuple):
    """What each side sends to the other to prove that it knows the code."""

    a: bytes
    b: bytes


class Exchange:
    """One side of one exchange: send `share`, then call proofs() with the other side's share."""

    def __init__(self, password: Password, *, is_a: bool, scalar: int = 0) -> None:
        """`scalar`: only tests pass it; 0 for a random number."""
        self._password, self._is_a = password, is_a
        self._scalar = scalar or p256.random_scalar()
        mask = password.on_m if is_a else password.on_n
        own = p256.multiplied(self._scalar, p256.GENERATOR)
        self.share = p256.added(own, mask).encoded()

    def proofs(self, other: bytes, *, a: bytes, b: bytes, context: bytes = b"") -> Proofs:
        """`a` and `b` name the two sides; `context` is what else both must agree on.

        Raises PeerProtocolError if `other` is no share.
        """
        if other == self.share:
            raise PeerProtocolError("it sends back our own share")
        mask = self._password.on_n if self._is_a else self._password.on_m
        unmasked = p256.added(p256.decoded(other), p256.negated(mask))
        common = p256.multiplied(self._scalar, unmasked).encoded()
        shares = (self.share, other) if self._is_a else (other, self.share)
        scalar = self._password.scalar.to_bytes(32, "big")
        transcript = b"".join(
            len(part).to_bytes(8, "little") + part for part in (a, b, *shares, common, scalar)
        )
        # The other half would be a session's key.
        proving_half = hashlib.sha256(transcript).digest()[16:]
        key = hmac.digest(bytes(32), proving_half, "sha256")  # HKDF: extract, expand
        proving = hmac.digest(key, b"ConfirmationKeys" + context + b"\x01", "sha256")
        return Proofs(
            hmac.digest(proving[:16], transcript, "sha256"),
            hmac.digest(proving[16:], transcript, "sha256"),
        )
