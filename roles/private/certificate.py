"""A program's key and self-signed certificate, which TLS demands of the accepting side. Written by
hand in ASN.1 (RFC 5280, RFC 5915), because the standard library makes none.

The certificate proves nothing by itself; the proofs inside the connection cover its digest.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from roles.private import p256

KEY_SIZE = 32  # bytes
_INTEGER, _BITS, _OCTETS, _TEXT, _TIME, _SEQUENCE, _SET = 2, 3, 4, 12, 23, 0x30, 0x31
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")  # the identifiers, encoded: id-ecPublicKey,
_P256 = bytes.fromhex("06082a8648ce3d030107")  # prime256v1,
_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")  # ecdsa-with-SHA256,
_COMMON_NAME = bytes.fromhex("0603550403")  # commonName
_NAME = b"LMKtorrent"
# Nobody checks these dates: the clocks of school computers are often wrong.
_FROM, _TO = b"200101000000Z", b"491231235959Z"


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A private key with its certificate."""

    scalar: int = field(repr=False)
    certificate: bytes  # DER

    @classmethod
    def made(cls) -> DeviceKey:
        return cls.of(p256.random_scalar())

    @classmethod
    def of(cls, scalar: int) -> DeviceKey:
        """Signs the certificate anew; its digest differs each time."""
        return cls(scalar, _certificate(scalar))

    def pem(self) -> bytes:
        """Certificate and private key in one text, as load_cert_chain() wants it."""
        return _pem("CERTIFICATE", self.certificate) + _pem("EC PRIVATE KEY", _key(self.scalar))


def digest_of(certificate: bytes) -> bytes:
    return hashlib.sha256(certificate).digest()


def _certificate(scalar: int) -> bytes:
    public = p256.multiplied(scalar, p256.GENERATOR).encoded()
    name = _of(_SEQUENCE, _of(_SET, _of(_SEQUENCE, _COMMON_NAME + _of(_TEXT, _NAME))))
    algorithm = _of(_SEQUENCE, _ECDSA_SHA256)
    signed = _of(
        _SEQUENCE,
        _number(1 + secrets.randbelow(0x7FFF)),
        algorithm,
        name,
        _of(_SEQUENCE, _of(_TIME, _FROM), _of(_TIME, _TO)),
        name,
        _of(_SEQUENCE, _of(_SEQUENCE, _EC_KEY, _P256), _of(_BITS, b"\0", public)),
    )
    return _of(_SEQUENCE, signed, algorithm, _of(_BITS, b"\0", _signature(scalar, signed)))


def _signature(scalar: int, signed: bytes) -> bytes:
    """ECDSA with SHA-256."""
    digest = int.from_bytes(hashlib.sha256(signed).digest(), "big")
    while True:
        once = p256.random_scalar()
        r = p256.multiplied(once, p256.GENERATOR).x % p256.ORDER
        # Blinded, because the time that pow() takes depends on its number.
        mask = p256.random_scalar()
        inverse = mask * pow(once * mask, -1, p256.ORDER) % p256.ORDER
        s = inverse * (digest + r * scalar) % p256.ORDER
        if r and s:
            return _of(_SEQUENCE, _number(r), _number(s))


def _key(scalar: int) -> bytes:
    return _of(
        _SEQUENCE,
        _number(1),
        _of(_OCTETS, scalar.to_bytes(KEY_SIZE, "big")),
        _of(0xA0, _P256),
    )


def _number(value: int) -> bytes:
    return _of(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _of(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        length = bytes((size,))
    else:
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes((0x80 | len(digits),)) + digits
    return bytes((tag,)) + length + content


def _pem(label: str, data: bytes) -> bytes:
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()
