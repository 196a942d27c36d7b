"""A client of private rooms that shares no code with the program, its arithmetic included. Written
from docs/PROTOCOL.md, 3.18, and RFC 9382, so that both can be wrong only in different ways.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import ssl
from typing import Self

_Point = tuple[int, int] | None  # None is the point at infinity

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
Q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
HELLO = b"lmk_private 1\n"
PATIENCE_S = 20.0


def add(left: _Point, right: _Point) -> _Point:
    if left is None or right is None:
        return left or right
    if left[0] == right[0] and (left[1] + right[1]) % P == 0:
        return None
    if left == right:
        slope = 3 * (left[0] ** 2 - 1) * pow(2 * left[1], -1, P)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, P)
    x = (slope**2 - left[0] - right[0]) % P
    return x, (slope * (left[0] - x) - left[1]) % P


def times(count: int, point: _Point) -> _Point:
    total: _Point = None
    while count:
        if count & 1:
            total = add(total, point)
        count, point = count >> 1, add(point, point)
    return total


def minus(point: _Point) -> _Point:
    return point and (point[0], P - point[1])


def encoded(point: _Point) -> bytes:
    assert point is not None
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def decoded(data: bytes) -> _Point:
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    assert data[0] == 4
    assert (y**2 - x**3 + 3 * x - B) % P == 0
    return x, y


def _constant(number: str) -> _Point:
    x = int(number[2:], 16)
    y = pow(x**3 - 3 * x + B, (P + 1) // 4, P)
    return x, y if y % 2 == int(number[:2]) % 2 else P - y


M = _constant("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
N = _constant("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def confirmations(parts: list[bytes], aad: bytes) -> tuple[bytes, bytes]:
    """Those of A and of B. `parts`: A, B, pA, pB, K and w."""
    said = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    key = mac(bytes(32), hashlib.sha256(said).digest()[16:])
    key = mac(key, b"ConfirmationKeys" + aad + b"\x01")
    return mac(key[:16], said), mac(key[16:], said)


class Attacker:
    """One connection, in TLS from the start on."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.create_connection(address, PATIENCE_S)
        self.sock.sendall(HELLO)
        self.line = b""
        while not self.line.endswith(b"\n"):
            self.line += self.sock.recv(1)
        self.room = self.line.split()[2]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.tls = context.wrap_socket(self.sock)
        self.digest = hashlib.sha256(self.tls.getpeercert(True) or b"").digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tls.close()

    def get(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (come := self.tls.recv(count - len(data))):
            data += come
        return data

    def rest(self) -> bytes:
        """All that comes until the other side ends the connection."""
        data = b""
        try:
            while come := self.tls.recv(65_536):
                data += come
        except ConnectionError:
            pass
        return data

    def share(self, code: str) -> bytes:
        salt = b"lmk private room " + self.room
        memory = 64 * 1024 * 1024
        raw = hashlib.scrypt(code.encode(), salt=salt, n=16384, r=8, p=1, maxmem=memory, dklen=40)
        self.w = int.from_bytes(raw, "big") % Q
        self.x = secrets.randbelow(Q)
        self.ours = encoded(add(times(self.x, G), times(self.w, M)))
        return self.ours

    def proofs(self, theirs: bytes) -> tuple[bytes, bytes]:
        common = encoded(times(self.x, add(decoded(theirs), minus(times(self.w, N)))))
        b = b"lmk-tracker|" + self.room + b"|" + self.digest
        parts = [b"lmk-member", b, self.ours, theirs, common, self.w.to_bytes(32, "big")]
        return confirmations(parts, HELLO + self.line)

    def join(self, code: str) -> bytes:
        """The room's secret."""
        self.tls.sendall(b"j" + self.share(code))
        assert self.get(1) == b"+"
        ours, theirs = self.proofs(self.get(65))
        self.tls.sendall(ours)
        assert self.get(33) == b"+" + theirs
        return self.get(32)

    def proof(self, secret: bytes, side: bytes, nonces: bytes) -> bytes:
        return mac(secret, b"lmk private room 1|" + side + self.room + self.digest + nonces)

    def prove(self, secret: bytes) -> None:
        self.tls.sendall(b"p" + bytes(32))
        answer = self.get(65)
        nonces = bytes(32) + answer[1:33]
        assert answer[33:] == self.proof(secret, b"accepted", nonces)
        self.tls.sendall(self.proof(secret, b"dialled ", nonces))

    def ask(self, message: bytes) -> bytes:
        self.tls.sendall(len(message).to_bytes(2, "big") + message)
        return self.get(int.from_bytes(self.get(2), "big"))
